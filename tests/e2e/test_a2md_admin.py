# SPDX-License-Identifier: Apache-2.0
"""What administrators do with a2md beside a running server: status, renew, export, orphans."""

import json

import pytest

from kit import tls
from kit.a2md import A2md
from kit.proc import wait_until
from kit.store import load_chain


@pytest.fixture
def a2md(httpd):
    """On the server's store."""
    return A2md(httpd.store.path)


def rows(text):
    """{name: state} of the table."""
    return {line.split()[0]: line.split()[1 if "(+" not in line else 2] for line in text.splitlines()[1:] if not line.startswith(" ")}


def test_status_shows_what_is_well_and_what_is_not(ca, httpd, name, a2md):
    httpd.configure(f"MDomain {name('a')} {name('b')}", f"<MDomain {name('bad')}>\nMDCAChallenges dns-99\n</MDomain>",
                    httpd.vhost(name("a"), name("b")), httpd.vhost(name("bad"))).start()
    tls.wait_for_cert(httpd.https_port, name("a"))
    httpd.wait_for_log(f"AH10056.*{name('bad')}")
    httpd.restart()
    httpd.wait_for_log(f"AH10056.*{name('bad')}")
    wait_until(lambda: "try again" in a2md.out("status"), 10, "the failure is recorded")
    out = a2md.out("status")
    assert rows(out) == {name("a"): "ok", name("bad"): "failing"}, out
    assert f"{name('a')} (+1)" in out and "renew in" in out and "no usable challenge type" in out
    assert "\033" not in out, "no colours on a pipe"
    shown = a2md.json("status", name("b"))["output"]
    assert [entry["name"] for entry in shown] == [name("a")]
    assert shown[0]["cert"]["valid"]["until"] and shown[0]["state"] == 2
    assert "no managed domain" in a2md.says("status", "nobody.example.test")


def test_a_running_server_renews_when_it_is_asked(ca, httpd, name, a2md):
    httpd.managing(name(), extra="MDRenewMode manual").start()
    assert tls.is_placeholder(tls.leaf(httpd.https_port, name()))
    said = a2md.run("renew", name())
    assert f"process {httpd.proc.pid}" in said[1] and said[0] == f"md: {name()} [{name()}]\n"
    first = tls.wait_for_cert(httpd.https_port, name(), 5)
    httpd.restart()
    assert tls.leaf(httpd.https_port, name()) == first
    a2md.run("renew", name())
    second = tls.wait_for_cert(httpd.https_port, name(), 5, unlike=first)
    httpd.restart()
    assert tls.leaf(httpd.https_port, name()) == second, "it was asked once"
    assert httpd.log_lines("asked for by a2md")


def test_what_the_server_cannot_renew_is_said(ca, httpd, name, a2md):
    httpd.managing(name(), extra="MDRenewMode manual\nMDCAChallenges dns-99").start()
    assert "no usable challenge type" in a2md.says("renew", name())


def test_without_a_server_it_renews_by_itself(new_ca, new_httpd, name):
    ca = new_ca(va_always_valid=1)
    httpd = new_httpd(ca)
    httpd.managing(name(), extra="MDRenewMode manual").start()
    httpd.stop()
    said = A2md(httpd.store.path, "-C", ca.ca_file, "-t", "accepted").run("renew", name())[1]
    assert f"{name()}: placing the order\n" in said and "AH1" not in said, "progress is shown"
    assert "placing the order" not in A2md(httpd.store.path, "-q", "-C", ca.ca_file, "-t", "accepted").run("renew", name())[1]
    cert = httpd.store.cert(name())
    shown = A2md(httpd.store.path, "-C", ca.ca_file, "-t", "accepted").json("drive", name())["output"]
    assert [(md["state"], md["renew"]) for md in shown] == [(2, False)]
    httpd.start()
    assert tls.leaf(httpd.https_port, name()) == cert


def test_export_copies_key_and_certificates(ca, httpd, name, a2md, tmp_path):
    folder = tmp_path / "copy"
    httpd.managing(name()).start()
    assert "has no certificate yet" in a2md.says("export", name(), folder)
    cert = tls.wait_for_cert(httpd.https_port, name())
    httpd.restart()
    assert a2md.out("export", name(), folder) == f"{name()}: {folder}\n"
    assert "up to date" in a2md.out("export", name(), folder)
    assert load_chain((folder / "cert.pem").read_bytes()) == [cert]
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {
        "privkey.pem": 0o600, "cert.pem": 0o644, "chain.pem": 0o644, "fullchain.pem": 0o644}
    assert "no managed domain" in a2md.says("export", "nobody.example.test", folder)
    assert "usage" in a2md.says("export", name())


def test_orphans_are_listed_and_removed_after_asking(ca, httpd, name, a2md):
    httpd.configure(f"MDomain {name('a')}", f"MDomain {name('b')}", httpd.vhost(name("a")), httpd.vhost(name("b"))).start()
    for label in ("a", "b"):
        tls.wait_for_cert(httpd.https_port, name(label))
    httpd.restart()
    httpd.configure(f"MDomain {name('a')}", httpd.vhost(name("a")))
    httpd.restart()
    unused = httpd.store.file("accounts/ACME-old.example-0000")
    unused.mkdir()
    (unused / "account.json").write_text(json.dumps({"url": "https://old.example/1", "ca-url": "https://old.example/dir"}))
    expected = [f"domains/{name('b')}", f"archive/{name('b')}.1", "accounts/ACME-old.example-0000"]
    assert a2md.out("orphans").split() == expected
    assert a2md.json("orphans")["output"] == expected
    a2md.run("orphans", "--remove", stdin="n\n")
    assert httpd.store.file("domains", name("b")).exists()
    assert "Keys in them are lost" in a2md.run("orphans", "--remove", stdin="y\n")[1]
    assert httpd.store.names("domains") == [name("a")] and not unused.exists()
    assert a2md.out("orphans") == ""
    httpd.restart()
    assert not tls.is_placeholder(tls.leaf(httpd.https_port, name("a")))


def test_orphans_are_unknown_where_no_server_was(tmp_path):
    a2md = A2md(tmp_path / "md")
    a2md.run("add", "a.example.org")
    assert "no server has noted" in a2md.says("orphans")
