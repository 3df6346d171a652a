# SPDX-License-Identifier: Apache-2.0
"""The command line on a store that a server made."""

import json
import os
import re
import subprocess

import pytest

from kit import places, tls


@pytest.fixture
def stopped(httpd, name):
    """A server whose domain is not renewed by itself, stopped: its store has the domain and no certificate."""
    httpd.managing(name(), extra="MDRenewMode manual").start()
    httpd.stop()
    return httpd


def a2md(httpd, *args, code=0):
    """Runs it on the server's store; what it says on standard output and error."""
    done = subprocess.run([places.a2md_under_test(), "-d", httpd.store.path, *args], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def test_domains_are_listed_plain_and_as_json(stopped, name):
    out, _ = a2md(stopped, "list")
    assert out == f"md: {name()} [{name()}]\n"
    out, _ = a2md(stopped, "-j", "list", name())
    shown = json.loads(out)
    assert shown["status"] == 0
    assert [md["name"] for md in shown["output"]] == [name()]
    out, err = a2md(stopped, "-j", "list", "nobody.example.test", code=1)
    assert "nobody.example.test" in json.loads(out)["description"] and "nobody.example.test" in err


def test_a_certificate_is_obtained_by_command_and_served_after_a_start(new_ca, new_httpd, name):
    ca = new_ca(va_always_valid=1)
    httpd = new_httpd(ca)
    httpd.managing(name(), extra="MDRenewMode manual").start()
    httpd.stop()
    out, err = a2md(httpd, "-C", str(ca.ca_file), "-t", "accepted", "drive", name())
    assert f"md: {name()}" in out, err
    leaf = httpd.store.cert(name())
    httpd.start()
    assert tls.wait_for_cert(httpd.https_port, name()).serial_number == leaf.serial_number


def test_a_failure_tells_what_to_do(stopped, name):
    out, err = a2md(stopped, "-a", "http://127.0.0.1:9/dir", "drive", "-f", name(), code=1)
    assert name() in err and "127.0.0.1" in err and "reading the CA's directory" in err


def test_a_typo_shows_the_usage(stopped):
    _, err = a2md(stopped, "lsit", code=1)
    assert "there is no command 'lsit'" in err and "usage:" in err


def test_a_store_that_is_not_there_is_said(stopped):
    stopped.store.path = stopped.root / "nowhere"
    _, err = a2md(stopped, "list")
    assert "there is no store" in err
    assert not stopped.store.path.exists()


COMPLETE = """
. docs/completion/a2md
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_a2md
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(*words, top=places.TOP):
    """What bash offers for the last of these words."""
    path = f"{places.a2md_under_test().parent}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", COMPLETE, "a2md", "a2md", *map(str, words)], capture_output=True, text=True, cwd=top,
                          timeout=30, check=True, env={**os.environ, "PATH": path})
    return done.stdout.split()


def commands():
    """{words: usage line} of all commands, as the help has them."""
    listed = subprocess.run([places.a2md_under_test(), "--help"], capture_output=True, text=True, check=False).stderr
    found = [line.split("  ")[1].strip() for line in listed.split("commands:\n")[1].splitlines() if line.startswith("  ")]
    return {words: subprocess.run([places.a2md_under_test(), *words.split(), "--help"], capture_output=True, text=True,
                                  check=False).stderr.splitlines()[0] for words in found}


def test_every_command_and_option_is_in_the_manual_and_completed():
    manual = (places.TOP / "docs/a2md.1").read_text().replace("\\-", "-")
    found = commands()
    assert len(found) > 15
    for words, usage in found.items():
        group, *rest = words.split()
        assert f'"{words} "' in manual or f".B {words}\n" in manual, f"the manual lacks '{words}'"
        assert group in completed(group[:-1]) and (not rest or rest[0] in completed(group, rest[0][:-1])), words
        for option in re.findall(r"--[\w-]+", usage):
            assert option in manual and option in completed(*words.split(), option[:-1]), f"{words} {option}"


def test_names_of_domains_and_accounts_are_completed(stopped, name):
    store = ("-d", stopped.store.path)
    assert completed(*store, "renew", "") == [name()]
    assert completed(*store, "revoke", "--reason", "key") == ["keyCompromise"]
    assert completed(*store, "account", "rollover", "") == stopped.store.names("accounts")
    assert completed("store", "") == ["add", "remove", "list", "update"]
    assert completed("-t", "") == ["accepted"]


def test_options_about_the_output_may_stand_behind_the_command(stopped, name):
    assert a2md(stopped, "list", "-j", name()) == a2md(stopped, "-j", "list", name())
    assert json.loads(a2md(stopped, "status", name(), "--json")[0])["status"] == 0
    assert "this command has no option -x" in a2md(stopped, "list", "-x", code=1)[1]


def test_a_domain_without_a_host_is_not_said_to_be_renewed(httpd, name):
    httpd.managing(name(), extra=f"MDomain {name('idle')}\nMDRenewMode auto\nMDInitialDelay 1h").start()
    httpd.stop()
    rows = {line.split()[0]: line for line in a2md(httpd, "status")[0].splitlines() if line.strip()}
    assert "not renewed by itself" in rows[name("idle")] and "renew now" in rows[name()]
    found = a2md(httpd, "check", name("idle"))[0]
    assert "no virtual host uses it" in found and "a2md renew" not in found
    assert f"a2md renew {name()}" in a2md(httpd, "check", name())[0]
