# SPDX-License-Identifier: Apache-2.0
"""What is on disk: modes and owners, damage that stays where it is, and the original's store there and back."""

import json
import os
import subprocess
import pwd
import shutil

import pytest

from kit import places, tls
from kit.checks import covers, every_child_shows, promoted
from kit.pki import cert_pem
from kit.proc import wait_until

ROOT_ONLY = {"md_store.json", "httpd.json"}


def test_modes_and_owners_are_as_the_format_says(ca, httpd, name):
    httpd.managing(name()).start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    promoted(httpd, name(), cert)
    tree = httpd.store.tree()
    child = pwd.getpwnam(places.unprivileged_user()).pw_uid
    for file in ROOT_ONLY & tree.keys():                # httpd.json is written when it says something
        assert tree[file] == (0o600, os.geteuid(), False), file
    for path, (mode, uid, is_folder) in tree.items():
        group = path.split("/")[0]
        if group in ("domains", "archive", "tmp"):
            assert (mode, uid) == (0o700 if is_folder else 0o600, os.geteuid()), path
        elif group == "accounts":
            assert (mode, uid) == (0o755 if is_folder else 0o644, os.geteuid()), path
        elif group in ("staging", "challenges", "ocsp") and is_folder:
            assert uid == child, path
            assert mode & 0o022 == 0, path
    assert b"ENCRYPTED" in httpd.store.file("accounts", httpd.store.names("accounts")[0], "account.pem").read_bytes()
    plain = [path for path, data in httpd.store.contents().items() if b"BEGIN PRIVATE KEY" in data]
    assert all(path.startswith(("domains/", "archive/")) for path in plain), plain
    assert all(tree[path][0] == 0o600 for path in plain)


def test_keys_in_staging_are_encrypted_and_saved_before_the_request_is_sent(ca, httpd, name):
    from kit.ca_proxy import Proxy
    with Proxy(httpd.root, ca) as proxy:
        proxy.hold("POST /finalize-order")
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file).start()
        proxy.wait_for("POST /finalize-order")
        assert b"BEGIN ENCRYPTED PRIVATE KEY" in httpd.store.file("staging", name(), "privkey.pem").read_bytes()
        assert httpd.store.key(name(), "staging")
        assert httpd.store.json("staging", name(), "order.json")["url"].startswith("https://localhost")


def test_no_temporary_files_are_left(ca, httpd, name):
    httpd.managing(name()).start()
    promoted(httpd, name(), tls.wait_for_cert(httpd.https_port, name()))
    httpd.stop()
    assert [path for path in httpd.store.tree() if path.endswith(".tmp") or ".tmp." in path] == []
    assert httpd.store.names("tmp") == []


@pytest.mark.parametrize("file, content", [
    ("domains/{md}/md.json", "{ this is no JSON"),
    ("domains/{md}/md.json", ""),
    ("domains/{md}/md.json", '{"name": 7, "domains": "x", "privkey": [[[]]]}'),
    ("domains/{md}/job.json", "\0\0\0\0"),
    ("domains/{md}/pubcert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ("domains/{md}/privkey.pem", "nothing of use"),
    ("staging/{md}/job.json", "[]"),
    ("staging/{md}/md.json", "{"),
    ("staging/{md}/order.json", '{"url": ["not", "a", "url"]}'),
])
def test_a_damaged_file_affects_its_own_domain_only_and_heals(ca, httpd, name, file, content):
    hurt, well = name("hurt"), name("well")
    httpd.configure(f"MDomain {hurt}\nMDomain {well}\n", httpd.vhost(hurt), httpd.vhost(well)).start()
    certs = [tls.wait_for_cert(httpd.https_port, host) for host in (hurt, well)]
    for host, cert in zip((hurt, well), certs):
        promoted(httpd, host, cert)
    httpd.stop()
    path = httpd.store.file(file.format(md=hurt))
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    if path.parent.parent.name == "staging":
        httpd.store.give_to(httpd.store.file("staging").stat().st_uid, path.parent)
    httpd.start()
    assert tls.leaf(httpd.https_port, well) == certs[1]
    tls.wait_for_cert(httpd.https_port, hurt, 30)
    assert tls.get(httpd.https_port, hurt, roots=ca.root())[0] == 200


def test_a_job_that_claims_to_be_finished_without_a_certificate_heals(ca, httpd, name):
    httpd.managing(name(), extra="MDRenewMode manual").start()
    httpd.stop()
    folder = httpd.store.file("staging", name())
    folder.mkdir(exist_ok=True)
    (folder / "job.json").write_text(json.dumps({"name": name(), "finished": True, "notified": True,
                                                 "notified-renewed": True, "errors": 0}))
    httpd.store.give_to(httpd.store.file("staging").stat().st_uid, folder)
    httpd.managing(name()).start()
    tls.wait_for_cert(httpd.https_port, name())


def test_a_damaged_secret_stops_the_start_with_advice(ca, httpd, name):
    httpd.managing(name()).start()
    httpd.stop()
    httpd.store.file("md_store.json").write_text("{}")
    httpd.launch()
    wait_until(lambda: not httpd.proc.alive(), 15, "httpd gives up")
    assert "md_store.json" in httpd.wait_for_log("AH10046")


def test_a_store_that_cannot_be_made_stops_the_start(ca, httpd, name):
    (httpd.root / "md").write_text("I am a file")
    httpd.managing(name()).launch()
    wait_until(lambda: not httpd.proc.alive(), 15, "httpd gives up")
    assert str(httpd.root / "md") in httpd.wait_for_log("AH10046|AH10047")


def test_staging_that_cannot_be_written_is_an_error_and_heals(ca, httpd, name):
    httpd.managing(name(), extra="MDRetryDelay 1s\nMDInitialDelay 2s").start()
    staging = httpd.store.file("staging")
    shutil.rmtree(staging)
    staging.write_text("in the way")
    assert name() in httpd.wait_for_log("AH10056")
    assert tls.get(httpd.https_port, name())[0] == 503
    staging.unlink()
    staging.mkdir()
    staging.chmod(0o755)
    httpd.store.give_to(pwd.getpwnam(places.unprivileged_user()).pw_uid, staging)
    tls.wait_for_cert(httpd.https_port, name(), 40)


# -- there and back: a store of the original module

def obtain_with_stock(httpd, ca, name, activate=True):
    """Let the original module obtain a certificate; returns it."""
    httpd.module, ours = places.stock_module(), httpd.module
    httpd.managing(name()).start()
    httpd.wait_for_log("AH10059", 40)
    cert = httpd.store.cert(name(), "staging")
    if activate:
        httpd.restart()
        assert tls.leaf(httpd.https_port, name()) == cert
    httpd.stop()
    httpd.module = ours
    return cert


def test_a_store_of_the_original_is_taken_over(ca, httpd, name):
    cert = obtain_with_stock(httpd, ca, name)
    orders, accounts = ca.count("POST /order-plz"), ca.count("POST /sign-me-up")
    httpd.managing(name()).start()
    every_child_shows(httpd, name(), cert)
    assert tls.get(httpd.https_port, name(), roots=ca.root())[0] == 200
    httpd.managing(name(), name("more"))                # a renewal uses the account that is there
    httpd.graceful()
    tls.wait_for_cert(httpd.https_port, name(), unlike=cert)
    assert ca.count("POST /order-plz") > orders
    assert ca.count("POST /sign-me-up") == accounts, "no new account"
    assert len(httpd.store.names("accounts")) == 1


def test_nothing_is_issued_anew_for_a_store_of_the_original(ca, httpd, name):
    cert = obtain_with_stock(httpd, ca, name)
    orders = ca.count("POST /order-plz")
    httpd.managing(name()).start()
    httpd.restart()
    assert tls.leaf(httpd.https_port, name()) == cert
    assert ca.count("POST /order-plz") == orders


def test_a_set_staged_by_the_original_is_activated(ca, httpd, name):
    cert = obtain_with_stock(httpd, ca, name, activate=False)
    orders = ca.count("POST /order-plz")
    httpd.managing(name()).start()
    every_child_shows(httpd, name(), cert)
    assert ca.count("POST /order-plz") == orders


def test_the_original_goes_on_with_our_store(ca, httpd, name):
    httpd.managing(name(), extra="MDPrivateKeys RSA 2048 P-256").start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    httpd.restart()
    orders, accounts = ca.count("POST /order-plz"), ca.count("POST /sign-me-up")
    rsa = httpd.store.cert(name())
    httpd.stop()
    ours, httpd.module = httpd.module, places.stock_module()
    httpd.managing(name(), extra="MDPrivateKeys RSA 2048 P-256").start()
    assert tls.leaf(httpd.https_port, name(), "1.2", ciphers="ECDHE-RSA-AES128-GCM-SHA256") == rsa
    assert tls.leaf(httpd.https_port, name()) == cert
    assert ca.count("POST /order-plz") == orders
    mark = httpd.mark()
    httpd.managing(name(), name("more"), extra="MDPrivateKeys RSA 2048 P-256")
    httpd.graceful()
    httpd.wait_for_log("AH10059", 40, mark)
    # our account is of a kind that it does not know: it makes its own, and is content with that
    assert accounts < ca.count("POST /sign-me-up") < accounts + 10
    httpd.stop()
    httpd.module = ours                                 # and back again, with its renewal staged
    httpd.managing(name(), name("more"), extra="MDPrivateKeys RSA 2048 P-256").start()
    assert tls.leaf(httpd.https_port, name()) != cert
    assert tls.get(httpd.https_port, name("more"), roots=ca.root())[0] == 200


def test_a_domain_that_changed_its_first_name_keeps_its_certificate(ca, httpd, name):
    httpd.managing(name("old"), name("new")).start()
    cert = tls.wait_for_cert(httpd.https_port, name("old"))
    promoted(httpd, name("old"), cert)
    orders = ca.count("POST /order-plz")
    httpd.managing(name("new"), name("old"))
    httpd.graceful()
    assert tls.leaf(httpd.https_port, name("new")) == cert
    assert httpd.store.names("domains") == [name("new")]
    assert ca.count("POST /order-plz") == orders


def test_what_is_wrong_with_the_store_is_said_at_start_with_a_command_that_mends_it(ca, httpd, name):
    httpd.managing(name()).start()
    tls.wait_for_cert(httpd.https_port, name())
    assert not httpd.log_lines("store needs attention")
    httpd.stop()
    httpd.store.path.chmod(0o777)
    httpd.store.file("md_store.json").chmod(0o644)
    mark = httpd.mark()
    httpd.start()
    lines = httpd.log_lines("store needs attention", since=mark)
    assert len(lines) == 2 and all(str(httpd.store.path) in line for line in lines)
    for line in lines:
        subprocess.run(line.rpartition("To mend it: ")[2], shell=True, check=True, timeout=10)
    mark = httpd.mark()
    httpd.restart()
    assert not httpd.log_lines("store needs attention", since=mark)


def test_a_store_that_was_moved_or_is_a_link_is_the_same_store(ca, httpd, name):
    httpd.managing(name()).start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    httpd.restart()
    issued = ca.count("Issued certificate")
    httpd.stop()
    (httpd.root / "var").mkdir()
    httpd.store.path.rename(httpd.root / "var/certs")
    httpd.managing(name(), extra="MDStoreDir var/certs")
    httpd.start()
    assert tls.leaf(httpd.https_port, name()) == cert
    httpd.store.path.symlink_to(httpd.root / "var/certs")
    httpd.managing(name(), name("more"))
    httpd.restart()
    assert covers(tls.wait_for_cert(httpd.https_port, name(), unlike=cert), name(), name("more"))
    assert ca.count("Issued certificate") == issued + 1


def to_layout_1(httpd, md):
    """Make a store look as the first versions left it."""
    folder = httpd.store.file("domains", md)
    chain = httpd.store.chain(md)
    (folder / "privkey.pem").rename(folder / "pkey.pem")
    (folder / "pubcert.pem").unlink()
    (folder / "cert.pem").write_bytes(cert_pem(chain[0]))
    (folder / "chain.pem").write_bytes(cert_pem(*chain[1:]))
    doc = httpd.store.json("md_store.json")
    httpd.store.file("md_store.json").write_text(json.dumps({"version": "1.0.0", "key": doc["key"]}))


def to_layout_2(httpd, _md):
    """The same for the versions after."""
    doc = httpd.store.json("md_store.json")
    httpd.store.file("md_store.json").write_text(json.dumps({"version": "1.1.0", "store": {"version": 2.0}, "key": doc["key"]}))


@pytest.mark.parametrize("make_old", [to_layout_1, to_layout_2])
def test_a_store_of_an_earlier_layout_is_brought_up_to_date(ca, httpd, name, make_old):
    httpd.managing(name()).start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    httpd.restart()
    issued = ca.count("Issued certificate")
    chain, key = httpd.store.chain(name()), httpd.store.key(name())
    httpd.stop()
    make_old(httpd, name())
    httpd.start()
    assert tls.leaf(httpd.https_port, name()) == cert
    assert httpd.store.json("md_store.json")["store"]["version"] == 3.0
    assert "version" not in httpd.store.json("md_store.json")
    assert httpd.store.chain(name()) == chain
    assert httpd.store.key(name()).private_numbers() == key.private_numbers()
    assert ca.count("Issued certificate") == issued


def test_a_store_of_a_later_version_is_refused_with_the_reason(ca, httpd, name):
    httpd.managing(name()).start()
    tls.wait_for_cert(httpd.https_port, name())
    httpd.stop()
    doc = httpd.store.json("md_store.json")
    doc["store"]["version"] = 4.0
    httpd.store.file("md_store.json").write_text(json.dumps(doc))
    before = httpd.store.contents()
    httpd.launch()
    httpd.proc.child.wait(20)
    line = httpd.wait_for_log("AH10046")
    assert "4" in line and "newer" in line and str(httpd.store.path) in line
    assert httpd.store.contents() == before
