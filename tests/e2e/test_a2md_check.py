# SPDX-License-Identifier: Apache-2.0
"""What 'a2md check' finds, offline and as the world sees it."""

import http.server
import os
import threading

import pytest

from kit import tls
from kit.a2md import A2md
from kit.pki import cert_pem, new_cert, new_key


@pytest.fixture
def a2md(ca, httpd):
    """On the server's store, with the CA."""
    return A2md(httpd.store.path, "-C", ca.ca_file)


@pytest.fixture
def online(ca, httpd):
    """Arguments that let the check see the world as the CA does."""
    return ("check", "--online", "--resolver", f"127.0.0.1:{ca.dns.dns_port}", "--http-port", httpd.http_port,
            "--https-port", httpd.https_port)


@pytest.fixture
def live(ca, httpd, name):
    """A server with one domain of two names whose certificate is live and activated; its first name."""
    httpd.managing(name("a"), name("b")).start()
    tls.wait_for_cert(httpd.https_port, name("a"))
    httpd.restart()
    return name("a")


def test_all_is_well(httpd, a2md, live):
    out = a2md.out("check")
    assert "PROBLEM" not in out and "warning" not in out
    assert out.startswith("store\n  ok       files: ") and f"process {httpd.proc.pid} works with this store" in out
    assert f"\n{live}\n  ok       settings: 2 name(s), renewed by localhost\n  ok       certificate: valid until " in out
    shown = a2md.json("check", live)["output"]
    assert [entry["name"] for entry in shown] == ["store", live]
    assert {check["level"] for entry in shown for check in entry["checks"]} == {"ok"}


def test_damage_is_found(httpd, a2md, live):
    httpd.stop()
    httpd.store.file("domains", live, "pubcert.pem").write_bytes(cert_pem(new_cert([live], new_key())))
    out, err = a2md.run("check", live, code=1)
    assert "PROBLEM  certificate: " in out and "pubcert.pem" in out and "no server works with this store" in out
    assert "1 problem(s) found" in err
    assert a2md.json("check", live, code=1)["status"] != 0


def test_wrong_modes_of_the_store_are_found(httpd, a2md, live):
    os.chmod(httpd.store.file("domains"), 0o777)
    assert "chmod" in a2md.run("check", code=1)[0]


def test_failing_renewals_and_settings_are_found(httpd, name, a2md):
    httpd.managing(name(), extra="MDCAChallenges dns-99").start()
    httpd.wait_for_log(f"AH10056.*{name()}")
    out = a2md.run("check", name(), code=1)[0]
    assert "PROBLEM  settings: no usable challenge type" in out
    assert "warning  certificate: no certificate" in out and f"a2md renew {name()}" in out


def test_the_world_sees_what_it_should(a2md, name, live, online):
    out = a2md.out(*online)
    assert "PROBLEM" not in out
    for label in ("a", "b"):
        assert f"dns: {name(label)} has the address 127.0.0.1 of this machine" in out
        assert f"http: {name(label)} at 127.0.0.1:" in out and "answers challenges" in out
        assert f"https: {name(label)} at 127.0.0.1:" in out and "serves the managed certificate" in out
        assert f"caa: {name(label)} has no CAA records: every CA may issue" in out
    assert out.count("can be reached") == 1 and "the clock agrees with that of localhost" in out


def test_challenges_are_left_as_they_were(httpd, a2md, name, live, online):
    a2md.run(*online)
    assert httpd.store.names("challenges") == []
    busy = httpd.store.file("challenges", name("a"))
    busy.mkdir()
    (busy / "acme-http-01.txt").write_text("somebody.elses")
    assert f"{name('a')} is being proved right now" in a2md.run(*online, code=1)[0], "the folder has the wrong owner"
    assert (busy / "acme-http-01.txt").read_text() == "somebody.elses"


def test_ports_where_nobody_or_somebody_else_answers_are_found(ca, httpd, a2md, name, live):
    resolver = ("--resolver", f"127.0.0.1:{ca.dns.dns_port}")
    out = a2md.run("check", "--online", *resolver, "--http-port", httpd.https_port, "--https-port", ca.port, live, code=1)[0]
    assert "PROBLEM  http: " in out
    assert "warning  https: " in out and "is not the managed one" in out
    httpd.stop()
    out = a2md.run("check", "--online", *resolver, "--http-port", httpd.http_port, "--https-port", httpd.https_port, live,
                   code=1)[0]
    assert out.count("PROBLEM  http: ") == 2 and "refused" in out and "firewall" in out


class Redirector(http.server.BaseHTTPRequestHandler):
    """Sends everybody elsewhere."""

    def do_GET(self):                                   # pylint: disable=invalid-name
        """As a server for http: often does."""
        self.send_response(301)
        self.send_header("Location", "https://elsewhere.example/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        """Nothing."""


def test_a_redirect_of_challenges_is_found(ca, httpd, a2md, live):
    with http.server.HTTPServer(("127.0.0.1", 0), Redirector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        out = a2md.out("check", "--online", "--resolver", f"127.0.0.1:{ca.dns.dns_port}", "--http-port", server.server_port,
                       "--https-port", httpd.https_port, live)
        server.shutdown()
    assert "redirects challenges to https://elsewhere.example/" in out and "warning  http: " in out


def test_names_without_or_with_strange_addresses_are_found(ca, a2md, name, live, online):
    ca.dns.tell("add-a", host=f"{name('b')}.", addresses=["203.0.113.7"])
    try:
        out = a2md.run("-q", *online, code=1)[0]
        assert f"{name('b')} has the address 203.0.113.7, which is not of this machine" in out
        ca.dns.tell("set-servfail", host=f"{name('a')}.")
        out = a2md.run(*online, code=1)[0]
        assert "SERVFAIL" in out and "mend the zone" in out
    finally:
        ca.dns.tell("clear-servfail", host=f"{name('a')}.")
        ca.dns.tell("clear-a", host=f"{name('b')}.")


def test_caa_records_count(new_ca, new_httpd, name):
    ca = new_ca(config={"caaIdentities": ["pebble.test"]})
    httpd = new_httpd(ca)
    httpd.managing(name(), extra="MDRenewMode manual").start()
    a2md = A2md(httpd.store.path, "-C", ca.ca_file)
    words = ("check", "--online", "--resolver", f"127.0.0.1:{ca.dns.dns_port}", "--http-port", httpd.http_port,
             "--https-port", httpd.https_port)
    ca.dns.tell("add-caa", host=f"{name()}.", policies=[{"tag": "issue", "value": "other.test"}])
    out = a2md.run(*words, code=1)[0]
    assert "only other.test may issue" in out and "CAA 0 issue" in out, out


def test_wrong_arguments_are_explained(a2md, live):
    assert "is no address" in a2md.says("check", "--online", "--resolver", "no such", live)
    assert "from 1 to 65535" in a2md.says("check", "--http-port", "0")
    assert "no managed domain" in a2md.says("check", "nobody.example.test")
