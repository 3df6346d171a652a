# SPDX-License-Identifier: Apache-2.0
"""What administrators do with a2md at the CA: list, update, roll over and deactivate accounts; revoke certificates."""

import shutil

import pytest

from kit import tls
from kit.a2md import A2md


@pytest.fixture
def a2md(ca, httpd):
    """On the server's store, with the CA."""
    return A2md(httpd.store.path, "-C", ca.ca_file)


@pytest.fixture
def account(ca, httpd, name, a2md):
    """Id of the account that a running server with one domain has registered."""
    httpd.managing(name(), extra="MDRenewMode manual").start()
    a2md.run("renew", name())
    httpd.restart()
    return httpd.store.names("accounts")[0]


def renewed_with(httpd, a2md, name):
    """Accounts of the store after another renewal by the running server."""
    old = tls.leaf(httpd.https_port, name)
    a2md.run("renew", name)
    tls.wait_for_cert(httpd.https_port, name, unlike=old)
    return httpd.store.names("accounts")


def test_accounts_are_listed_without_their_secrets(name, a2md, account):
    assert a2md.out("account", "list").splitlines() == [
        f"{account}  valid  localhost", "  contacts: mailto:admin@example.test", f"  used by:  {name()}"]
    shown = a2md.json("account", "list")["output"]
    assert [entry["id"] for entry in shown] == [account] and shown[0]["managed-domains"] == [name()]
    assert "takes no arguments" in a2md.says("account", "list", "more")


def test_contacts_are_changed(httpd, a2md, account):
    assert "mailto:you@example.test, mailto:me@example.test" in a2md.out("account", "update", account, "you@example.test",
                                                                         "me@example.test")
    assert httpd.store.json("accounts", account, "account.json")["contact"] == ["mailto:you@example.test", "mailto:me@example.test"]
    assert "unknown account" in a2md.says("account", "update", "ACME-none-0000", "you@example.test")
    assert "usage" in a2md.says("account", "update", account)


def test_a_new_key_is_used_by_the_running_server(ca, httpd, name, a2md, account):
    pem = httpd.store.file("accounts", account, "account.pem")
    old, mode = pem.read_bytes(), pem.stat().st_mode
    assert "has a new key" in a2md.run("account", "rollover", account)[1]
    assert pem.read_bytes() != old and pem.stat().st_mode == mode
    assert not pem.with_name("account.next.pem").exists()
    assert a2md.out("acme", "validate", account) == f"account valid: {account}\n"
    assert renewed_with(httpd, a2md, name()) == [account], "another account was made"
    pem.write_bytes(old)                                # the CA does not take the old one any more
    assert a2md.run("acme", "validate", account, code=1)


def test_an_interrupted_change_of_the_key_is_finished(ca, httpd, name, a2md, account, tmp_path):
    pem = httpd.store.file("accounts", account, "account.pem")
    shutil.copy(pem, tmp_path / "old")
    a2md.run("account", "rollover", account)
    # as if it had been killed after the CA's answer
    shutil.copy(pem, pem.with_name("account.next.pem"))
    shutil.copy(tmp_path / "old", pem)
    httpd.restart()
    assert renewed_with(httpd, a2md, name()) == [account], "the next key was not found"
    new = pem.with_name("account.next.pem").read_bytes()
    a2md.run("account", "rollover", account)
    assert not pem.with_name("account.next.pem").exists() and pem.read_bytes() != new
    assert a2md.out("acme", "validate", account) == f"account valid: {account}\n"


def test_a_change_of_the_key_that_never_reached_the_ca_is_repeated(httpd, a2md, account):
    pem = httpd.store.file("accounts", account, "account.pem")
    port = httpd.store.json("accounts", account, "account.json")
    assert port["status"] == "valid"
    A2md(httpd.store.path, "-C", httpd.root / "nothing.pem").says("account", "rollover", account)
    a2md.run("account", "rollover", account)
    assert not pem.with_name("account.next.pem").exists()
    assert a2md.out("acme", "validate", account) == f"account valid: {account}\n"


def test_a_deactivated_account_is_replaced_by_the_server(ca, httpd, name, a2md, account):
    assert "for good? [y/N]" in a2md.run("account", "deactivate", account, stdin="n\n")[1]
    assert a2md.out("account", "list").startswith(f"{account}  valid")
    assert a2md.out("account", "deactivate", "--yes", account).startswith(f"{account}  deactivated")
    assert a2md.out("account", "list").startswith(f"{account}  deactivated")
    renewed_with(httpd, a2md, name())
    httpd.restart()
    assert len(httpd.store.names("accounts")) == 2


def test_a_certificate_is_revoked(ca, httpd, name, a2md, account):
    cert = httpd.store.cert(name())
    assert "[y/N]" in a2md.run("revoke", name(), stdin="\n")[1]
    assert ca.cert_status(cert) == "Valid"
    said = a2md.run("revoke", "--yes", "--reason", "superseded", name())
    assert said[0].startswith(f"{name()}: revoked: serial ") and said[0].strip().lower().endswith(f"{cert.serial_number:x}")
    assert f"a2md renew {name()}" in said[1]
    assert ca.cert_status(cert) == "Revoked"
    assert "was revoked already" in a2md.out("revoke", "--yes", name())


def test_a_certificate_is_replaced_before_it_is_revoked(ca, httpd, name, a2md, account):
    cert = httpd.store.cert(name())
    a2md.run("revoke", "--yes", "--replace", "--reason", "1", name())
    new = tls.leaf(httpd.https_port, name())
    assert new != cert and ca.cert_status(cert) == "Revoked" and ca.cert_status(new) == "Valid"


def test_without_its_account_a_certificate_is_revoked_with_its_key(ca, httpd, name, a2md, account):
    httpd.stop()
    shutil.rmtree(httpd.store.file("accounts", account))
    a2md.run("revoke", "--yes", name())
    assert ca.cert_status(httpd.store.cert(name())) == "Revoked"


def test_what_cannot_be_revoked_is_said(httpd, name, a2md, ca):
    httpd.managing(name(), extra="MDRenewMode manual").start()
    assert "has no certificate" in a2md.says("revoke", name())
    assert "keyCompromise" in a2md.says("revoke", "--reason", "whim", name())
    assert "no managed domain" in a2md.says("revoke", "nobody.example.test")
