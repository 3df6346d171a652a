# SPDX-License-Identifier: Apache-2.0
"""a2md and accounts at a real CA."""

import pytest

from kit.a2md import A2md


@pytest.fixture
def a2md(ca, tmp_path):
    """On a new store, with the CA."""
    return A2md(tmp_path / "md", "-a", ca.url, "-C", ca.ca_file)


def test_an_account_is_registered_checked_agreed_and_removed(ca, a2md):
    said = a2md.out("-t", "accepted", "acme", "newreg", "me@example.test")
    assert said.startswith("registered: ACMEv2-localhost-")
    account = said.split()[1]
    folder = a2md.store / "accounts" / account
    assert b"ENCRYPTED" in (folder / "account.pem").read_bytes()
    assert not list((a2md.store / "staging").iterdir())
    assert a2md.out("acme", "validate", account) == f"account valid: {account}\n"
    assert a2md.out("-t", "accepted", "acme", "agree", account).startswith("agreed terms-of-service: data:")
    other = A2md(a2md.store, "-C", ca.ca_file)
    other.run("add", "a.example.test")
    other.run("update", "a.example.test", "account", account)
    assert "deactivated at the CA" in other.run("acme", "delreg", account)[1]
    assert not folder.exists()
    assert "unknown account" in other.says("acme", "validate", account)
    other.run("acme", "delreg", account)                # once more: nothing to do is fine


def test_a_second_registration_is_another_account(a2md):
    first, second = (a2md.out("-t", "accepted", "acme", "newreg", f"{who}@example.test") for who in ("me", "you"))
    assert first != second
    assert len(list((a2md.store / "accounts").iterdir())) == 2


def test_terms_that_are_not_agreed_to_are_shown(a2md):
    assert "terms of service" in a2md.says("acme", "newreg", "me@example.test")


def test_an_account_of_a_ca_that_is_gone_is_removed_here(ca, a2md):
    account = a2md.out("-t", "accepted", "acme", "newreg", "me@example.test").split()[1]
    file = a2md.store / "accounts" / account / "account.json"
    file.write_text(file.read_text().replace(ca.url, "https://127.0.0.1:9/dir"))
    said = a2md.run("acme", "delreg", account)[1]
    assert "removed here only" in said and "127.0.0.1" in said
    assert not file.exists()


def test_a_deactivated_account_is_no_longer_valid(a2md):
    account = a2md.out("-t", "accepted", "acme", "newreg", "me@example.test").split()[1]
    folder = a2md.store / "accounts" / account
    kept = {file.name: file.read_bytes() for file in folder.iterdir()}
    a2md.run("acme", "delreg", account)
    folder.mkdir()
    for name, content in kept.items():
        (folder / name).write_bytes(content)
    assert "does not accept the account" in a2md.says("acme", "validate", account)
