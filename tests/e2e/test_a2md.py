# SPDX-License-Identifier: Apache-2.0
"""The command line on a store that a server made."""

import json
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
