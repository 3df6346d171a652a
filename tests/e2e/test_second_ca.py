# SPDX-License-Identifier: Apache-2.0
"""Another certificate authority, written by others: what was tested with one CA alone may have fitted that one alone."""

import ipaddress
import itertools
import os

import pytest
from cryptography import x509

from kit import caddy, tls
from kit.a2md import A2md
from kit.ca_proxy import Proxy
from kit.proc import wait_until

COUNTER = itertools.count(1)


@pytest.fixture(scope="module")
def other_ca(lab):
    """A Caddy."""
    folder = lab / "caddy"
    folder.mkdir()
    ca = caddy.Caddy(folder)
    yield ca
    ca.stop()


@pytest.fixture
def address():
    """Makes addresses of this machine that nobody else uses."""
    number, run = next(COUNTER), os.getpid() % 250
    return lambda last=1: f"127.{100 + number}.{run}.{last}"


@pytest.fixture
def server(other_ca, new_httpd):
    """A server that uses it."""
    return new_httpd(other_ca)


def managing(server, *addresses, extra="", listening=None, **kw):
    """One domain of these addresses, whose port 80 is open, unless it is that of others."""
    listen = "".join(f"Listen {each}:80\n" for each in listening or addresses)
    return server.managing(*addresses, extra=f"{listen}MDPortMap http:80 https:{server.https_port}\n{extra}", **kw)


def addresses_of(cert):
    """The addresses in a certificate."""
    return set(cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.IPAddress))


def parsed(*texts):
    return {ipaddress.ip_address(text) for text in texts}


def test_a_certificate_is_obtained_and_served(other_ca, server, address):
    managing(server, address(1), address(2), extra="MDPrivateKeys RSA P-256").start()
    cert = tls.wait_for_cert(server.https_port, address(1), 30)
    assert addresses_of(cert) == parsed(address(1), address(2))
    assert tls.get(server.https_port, address(1), roots=other_ca.root())[0] == 200
    assert not server.log_lines("AH10056")


def test_a_renewal_uses_the_account_there_is(server, address):
    managing(server, address(1)).start()
    first = tls.wait_for_cert(server.https_port, address(1), 30)
    managing(server, address(1), address(2)).restart()
    second = tls.wait_for_cert(server.https_port, address(1), 30, unlike=first)
    assert addresses_of(second) == parsed(address(1), address(2))
    server.restart()
    assert len(server.store.names("accounts")) == 1


def test_what_it_cannot_check_is_said_at_once_and_the_next_try_succeeds(server, address):
    managing(server, address(), listening=[address(9)]).start()
    line = server.wait_for_log("AH10056", 20)
    assert address() in line and "could not connect" in line
    managing(server, address()).restart()
    tls.wait_for_cert(server.https_port, address(), 30)


def test_killed_in_the_middle_the_order_goes_on(other_ca, server, address):
    with Proxy(server.root, other_ca) as proxy:
        held = proxy.hold("POST .*/finalize", 1)
        managing(server, address(), ca_url=proxy.url.replace("/dir", "/acme/local/directory"), ca_file=proxy.ca_file).start()
        proxy.wait_for("POST .*/finalize")
        orders = len(proxy.seen("POST .*/new-order"))
        server.kill()
        held.set()
        server.start()
        tls.wait_for_cert(server.https_port, address(), 30)
        assert len(proxy.seen("POST .*/new-order")) == orders


def test_a_person_checks_the_account_and_revokes(other_ca, server, address):
    managing(server, address()).start()
    tls.wait_for_cert(server.https_port, address(), 30)
    server.restart()
    account = server.store.names("accounts")[0]
    a2md = A2md(server.store.path, "-C", other_ca.ca_file)
    assert a2md.out("acme", "validate", account) == f"account valid: {account}\n"
    a2md.run("account", "update", account, "you@example.test")
    assert wait_until(lambda: server.store.json("accounts", account, "account.json")["contact"], 5, "it is saved") == [
        "mailto:you@example.test"]
    assert ": revoked: serial " in a2md.out("revoke", "--yes", address())
