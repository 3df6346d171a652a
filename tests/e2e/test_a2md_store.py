# SPDX-License-Identifier: Apache-2.0
"""a2md on a store that nobody uses: adding, changing and removing domains; messages, numbers and exit codes."""

import json

import pytest

from kit import places
from kit.a2md import A2md
from kit.pki import cert_pem, key_pem, new_cert, new_key

NOT_FOUND, EXISTS, INVALID, NOT_IMPLEMENTED = 2, 17, 22, 70023


@pytest.fixture
def a2md(tmp_path):
    """On a new store."""
    return A2md(tmp_path / "md")


def stored(a2md, name):
    """The record of a domain, or None."""
    file = a2md.store / "domains" / name / "md.json"
    return json.loads(file.read_text()) if file.exists() else None


def test_domains_are_added_with_checks_and_listed_by_name(a2md):
    assert a2md.out("add", "b.example.org", "WWW.b.example.org") == "md: b.example.org [b.example.org, www.b.example.org]\n"
    assert a2md.out("-a", "https://ca.example/dir", "add", "a.example.org") == "md: a.example.org [a.example.org]\n"
    assert stored(a2md, "a.example.org")["ca"] == {"proto": "ACME", "urls": ["https://ca.example/dir"]}
    assert a2md.out("list").splitlines() == ["md: a.example.org [a.example.org]",
                                             "md: b.example.org [b.example.org, www.b.example.org]"]
    assert a2md.out("list", "www.b.example.org").startswith("md: b.example.org ")
    shown = a2md.json("list", "a.example.org")
    assert shown["status"] == 0 and shown["output"][0]["name"] == "a.example.org" and shown["output"][0]["renew"] is True


# Each after "add a.example.org": words, number, what is said.
REFUSED = [
    (["add", "localhost"], INVALID, "it has no dot"),
    (["add", "a_b.example.org"], INVALID, "'a_b.example.org' is not a fully qualified domain name"),
    (["add", "x.*.example.org"], INVALID, "is not a fully qualified domain name"),
    (["add", "x.example.org", "a.example.org"], INVALID, "a.example.org"),
    (["add", "*.example.org"], INVALID, "a.example.org"),
    (["add", "a.example.org"], EXISTS, "a.example.org is stored already"),
    (["store", "add", "a.example.org"], EXISTS, "a.example.org is stored already"),
    (["list", "nobody.example.org"], NOT_FOUND, "no managed domain has the name nobody.example.org"),
    (["update", "nobody.example.org"], NOT_FOUND, "no managed domain has the name nobody.example.org"),
    (["update", "a.example.org", "colour", "red"], NOT_IMPLEMENTED, "there is no aspect 'colour'"),
    (["update", "a.example.org", "ca", "ftp://x"], INVALID, "not the URL of a CA's directory"),
    (["-a", "LetsEncrypt", "add", "b.example.org"], INVALID, "LetsEncrypt is not the URL of a CA's directory"),
    (["-a", "LetsEncrypt", "store", "add", "b.example.org"], INVALID, "not the URL of a CA's directory"),
    (["-a", "", "update", "a.example.org"], INVALID, "not the URL of a CA's directory"),
    (["update", "a.example.org", "ca", "https://x.example/dir", "OTHER"], NOT_IMPLEMENTED, "only ACME"),
    (["update", "a.example.org", "domains", "localhost"], INVALID, "it has no dot"),
    (["update", "a.example.org", "account", "nobody"], NOT_FOUND, "there is no account nobody"),
    (["store", "remove", "nobody.example.org"], NOT_FOUND, "no managed domain has the name"),
    (["store", "update", "nobody.example.org"], NOT_FOUND, "no managed domain has the name"),
    (["acme", "validate", "nobody"], NOT_FOUND, "unknown account: nobody"),
    (["acme", "agree", "nobody"], None, "-t accepted"),
]


@pytest.mark.parametrize("words, number, said", REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_what_cannot_be_done_is_said_with_a_number(a2md, words, number, said):
    a2md.run("add", "a.example.org")
    assert said in a2md.says(*words)
    answer = a2md.json(*words, code=1)
    assert said in answer["description"] and answer["output"] == []
    assert number is None or answer["status"] == number
    assert [p.name for p in (a2md.store / "domains").iterdir()] == ["a.example.org"]


@pytest.mark.parametrize("words, said", [
    ([], "a command is missing"), (["store"], "'store' needs one more word"), (["add"], "needs at least one domain name"),
    (["lsit"], "did you mean 'list'?"), (["store", "lst"], "did you mean 'store list'?"), (["acme", "xyzzy"], "no command 'acme xyzzy'"),
    (["update"], "needs the name"), (["update", "a.example.org", "ca"], "'ca' has no values"), (["store", "remove"], "needs the name"),
    (["acme", "newreg", "x@example.org"], "needs the CA's directory"), (["store", "list", "x"], "takes no arguments")])
def test_wrong_words_show_the_usage(a2md, words, said):
    a2md.run("add", "a.example.org")
    text = a2md.says(*words)
    assert said in text and "usage: a2md [options]" in text


@pytest.mark.parametrize("words", [["-h"], ["--help"], ["list", "--help"], ["store", "-h"], ["acme", "newreg", "-h"], ["--nonsense"]])
def test_help_goes_to_standard_error_with_exit_code_2(a2md, words):
    out, err = a2md.run(*words, code=2)
    assert out == "" and "usage: a2md" in err
    assert not a2md.store.exists()


def test_the_version_is_shown(a2md):
    assert a2md.out("-V").startswith("version: 3.") and a2md.out("--version") == a2md.out("-V")


def test_aspects_are_changed_one_by_one(a2md):
    a2md.run("add", "a.example.org")
    assert "no changes" in a2md.run("update", "a.example.org")[1]
    a2md.run("update", "a.example.org", "contacts", "me@example.org", "mailto:you@example.org")
    a2md.run("update", "a.example.org", "agreement", "accepted")
    a2md.run("update", "a.example.org", "ca", "https://ca.example/dir", "ACME")
    assert a2md.out("update", "a.example.org", "domains", "a.example.org", "b.example.org") == \
        "md: a.example.org [a.example.org, b.example.org]\n"
    record = stored(a2md, "a.example.org")
    assert record["contacts"] == ["mailto:me@example.org", "mailto:you@example.org"]
    assert record["ca"]["agreement"] == "accepted" and record["ca"]["urls"] == ["https://ca.example/dir"]
    assert record["domains"] == ["a.example.org", "b.example.org"]
    a2md.run("-a", "https://other.example/dir", "update", "b.example.org")
    assert stored(a2md, "a.example.org")["ca"]["urls"] == ["https://other.example/dir"]


def state(a2md, *words):
    """The state of the one domain that a command shows."""
    return a2md.json(*words)["output"][0]["state"]


def test_the_state_that_is_shown_is_the_real_one(a2md, tmp_path):
    name, key, files = "a.example.org", new_key(), (tmp_path / "own.pem", tmp_path / "own.key")
    assert state(a2md, "add", name) == state(a2md, "list") == state(a2md, "store", "list") == 1
    assert state(a2md, "store", "add", "b.example.org") == 1
    a2md.run("store", "remove", "b.example.org")
    files[0].write_bytes(cert_pem(new_cert([name], key)))
    files[1].write_bytes(key_pem(key))
    own = {"cert-files": [str(files[0])], "pkey-files": [str(files[1])], "state": 2}
    (a2md.store / "domains" / name / "md.json").write_text(json.dumps({**stored(a2md, name), **own}))
    assert state(a2md, "list") == state(a2md, "store", "list") == state(a2md, "update", name) == 2
    files[0].unlink()
    assert state(a2md, "list") == 4, "its certificates are looked at"
    assert state(a2md, "store", "list") == 2, "that is what is stored"


def test_the_store_commands_check_nothing(a2md):
    a2md.run("store", "add", "localhost")
    a2md.run("store", "add", "other", "localhost")
    assert sorted(a2md.out("store", "list").splitlines()) == ["md: localhost [localhost]", "md: other [other, localhost]"]
    assert a2md.out("store", "update", "other", "domains", "third") == "md: other [third]\n"
    assert stored(a2md, "other")["domains"] == ["third"]


def test_a_removed_domain_goes_to_the_archive_with_its_keys(a2md):
    a2md.run("add", "a.example.org")
    (a2md.store / "domains/a.example.org/privkey.pem").write_text("a key")
    a2md.run("store", "remove", "a.example.org")
    assert a2md.out("list") == ""
    assert (a2md.store / "archive/a.example.org.1/privkey.pem").read_text() == "a key"
    assert not (a2md.store / "domains/a.example.org").exists()
    a2md.run("store", "remove", "--force", "a.example.org")
    a2md.run("add", "a.example.org")


def test_what_it_says_depends_on_the_level(a2md):
    a2md.run("add", "a.example.org")
    assert "no changes" in a2md.run("update", "a.example.org")[1]
    assert "no changes" not in a2md.run("-q", "-q", "update", "a.example.org")[1]


def test_an_empty_store_is_an_empty_list(a2md):
    assert a2md.json("list") == {"output": [], "status": 0}
    assert places.a2md_under_test().is_file()
