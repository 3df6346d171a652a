# SPDX-License-Identifier: Apache-2.0
"""What orders can ask for: chains, addresses, extensions; and what is said when the CA does not grant it."""

import contextlib
import ipaddress
import json
import socket

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from kit import tls
from kit.ca_proxy import Answer, Proxy, problem
from kit.proc import wait_until
from kit.store import load_chain


def cn(name):
    """The common name in a distinguished name."""
    return name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def stored_chain(httpd, md):
    """The chain in the store, wherever it is just now."""
    for group in ("domains", "staging"):
        path = httpd.store.file(group, md, "pubcert.pem")
        if path.exists():
            return load_chain(path.read_bytes())
    raise AssertionError("there is no chain")


@pytest.mark.parametrize("number", [0, 2])
def test_the_chain_that_is_preferred_is_used(new_ca, new_httpd, name, number):
    ca = new_ca(alternate_roots=2, chain_length=2)
    wanted = cn(x509.load_pem_x509_certificate(ca.root(number).encode()).subject)
    httpd = new_httpd(ca)
    httpd.managing(name(), extra=f'MDPreferredChain "{wanted}"\n').start()
    tls.wait_for_cert(httpd.https_port, name())
    assert cn(stored_chain(httpd, name())[-1].issuer) == wanted
    assert tls.get(httpd.https_port, name(), roots=ca.root(number))[0] == 200
    assert httpd.log_lines("MDPreferredChain") == []


def test_a_chain_that_the_ca_does_not_have_is_missed_but_not_needed(new_ca, new_httpd, name):
    ca = new_ca(alternate_roots=1)
    httpd = new_httpd(ca)
    httpd.managing(name(), extra='MDPreferredChain "No Such Root"\n').start()
    tls.wait_for_cert(httpd.https_port, name())
    line = httpd.wait_for_log("MDPreferredChain")
    assert "No Such Root" in line and name() in line
    assert tls.get(httpd.https_port, name(), roots=ca.root())[0] == 200


@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_a_certificate_for_an_address(ca, httpd, address, challenge):
    bare = address.strip("[]")
    more = f"Listen [::1]:{httpd.http_port}\nListen [::1]:{httpd.https_port} https\n" if ":" in address else ""
    httpd.configure(more + f"Protocols http/1.1 acme-tls/1\nMDCAChallenges {challenge}\nMDomain {address} manual\n",
                    httpd.vhost("some.example.test", address)).start()

    def addresses():
        with contextlib.closing(socket.create_connection((bare, httpd.https_port), timeout=10)) as raw, \
                tls.context().wrap_socket(raw) as conn:
            cert = tls.leaf_of(conn)
        if tls.is_placeholder(cert):
            return None
        names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return names.get_values_for_type(x509.IPAddress)
    found = wait_until(addresses, 30, "the address has a certificate")
    assert found == [ipaddress.ip_address(bare)]
    assert httpd.log_lines("AH10056") == []


def test_an_address_and_a_name_share_a_certificate(ca, httpd, name):
    httpd.managing(name(), "127.0.0.1").start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]
    assert names.get_values_for_type(x509.DNSName) == [name()]


def test_dns_01_is_not_tried_for_an_address(ca, httpd):
    httpd.configure("MDCAChallenges dns-01\nMDChallengeDns01 /bin/true\nMDomain 127.0.0.1\n",
                    httpd.vhost("127.0.0.1")).start()
    line = httpd.wait_for_log("no usable challenge type for 127.0.0.1")
    assert "challenge-mismatch" in line


def test_must_staple_that_is_not_granted_any_more_is_explained(ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        proxy.answer("POST /finalize-order", problem(
            "unauthorized", "must-staple extension is no longer available: see https://ca.example.test", 403))
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file, extra="MDMustStaple on\n").start()
        line = httpd.wait_for_log("AH10056")
        assert "does not grant the must-staple extension any more" in line
        assert "MDMustStaple off" in line and name() in line
        assert len(proxy.orders) == 1 and len(proxy.accounts) == 1
        proxy.behave()
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file)
        httpd.graceful()
        tls.wait_for_cert(httpd.https_port, name())


def test_one_refused_name_among_many_is_named(ca, httpd, name):
    bad = name("bad")
    refusal = ('{"type": "urn:ietf:params:acme:error:rejectedIdentifier", "detail": "some names are refused", '
               '"subproblems": [{"type": "urn:ietf:params:acme:error:rejectedIdentifier", "detail": "on our list", '
               f'"identifier": {{"type": "dns", "value": "{bad}"}}}}]}}')
    answer = problem("rejectedIdentifier", "", 400)
    answer.body = refusal.encode()
    with Proxy(httpd.root, ca) as proxy:
        proxy.answer("POST /order-plz", answer)
        httpd.managing(name(), bad, name("c"), ca_url=proxy.url, ca_file=proxy.ca_file).start()
        line = httpd.wait_for_log("AH10056")
    assert f"{bad}: on our list" in line


def test_an_authorization_that_has_expired_is_replaced(ca, httpd, name):
    gone = {"status": "expired", "identifier": {"type": "dns", "value": name()}, "challenges": []}
    with Proxy(httpd.root, ca) as proxy:
        proxy.answer("POST /authZ/", Answer(200, json.dumps(gone)), times=1)
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file).start()
        tls.wait_for_cert(httpd.https_port, name())
        assert len(proxy.orders) == 2
    assert httpd.log_lines("AH10056") == []
