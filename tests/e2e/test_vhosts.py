# SPDX-License-Identifier: Apache-2.0
"""Virtual hosts of all kinds get the certificate of their domain: by address, by port, IPv6, many for one domain, none."""

import contextlib
import socket
import ssl
import time

import pytest

from kit import tls
from kit.checks import covers, promoted
from kit.pki import cert_pem, key_pem, new_cert, new_key
from kit.proc import free_port, wait_until


def shown_at(address, port, name):
    """The certificate that a handshake with this address shows."""
    with contextlib.closing(socket.create_connection((address, port), timeout=10)) as raw:
        with tls.context().wrap_socket(raw, server_hostname=name) as conn:
            return tls.leaf_of(conn)


def live_at(address, port, name, *names):
    """Wait for a certificate of the CA with these names at this address."""
    def shown():
        with contextlib.suppress(OSError, ssl.SSLError):
            cert = shown_at(address, port, name)
            return cert if not tls.is_placeholder(cert) and covers(cert, *names) else None
    return wait_until(shown, 40, f"{name} is live at {address} port {port}")


@pytest.mark.parametrize("address", ["127.0.0.2", "::1"])
def test_hosts_by_address(ca, httpd, name, address):
    shown = f"[{address}]" if ":" in address else address
    own = free_port()
    httpd.configure(f"Listen {shown}:{own} https", f"MDomain {name()}",
                    f"<VirtualHost {shown}:{own}>\nServerName {name()}\nServerAlias {name('alias')}\nSSLEngine on\n</VirtualHost>").start()
    cert = live_at(address, own, name(), name(), name("alias"))
    wait_until(lambda: httpd.log_lines("AH10059"), 10, "it was proved")
    promoted(httpd, name(), cert)
    assert not httpd.log_lines("serves another certificate")


def test_one_name_on_two_ports(ca, httpd, name):
    second = free_port()
    httpd.configure(f"Listen 127.0.0.1:{second} https", f"MDomain {name()}", httpd.vhost(name()),
                    f"<VirtualHost *:{second}>\nServerName {name()}\nSSLEngine on\n</VirtualHost>").start()
    first = live_at("127.0.0.1", httpd.https_port, name(), name())
    assert live_at("127.0.0.1", second, name(), name()) == first


def test_many_hosts_of_one_domain_and_names_that_no_host_has(ca, httpd, name):
    names = [name(f"h{i}") for i in range(6)]
    httpd.configure(f"MDomain {' '.join(names)} {name('mail')}", *[httpd.vhost(each) for each in names]).start()
    cert = live_at("127.0.0.1", httpd.https_port, names[0], *names, name("mail"))
    for each in names:
        assert tls.wait_for_cert(httpd.https_port, each) == cert
        assert tls.get(httpd.https_port, each, roots=ca.root())[0] == 200


def test_a_name_of_two_hosts_on_one_port_and_a_default_host(ca, httpd, name):
    httpd.configure(f"MDomain {name()} {name('b')}", httpd.vhost(name()), httpd.vhost(name("b"), name())).start()
    cert = live_at("127.0.0.1", httpd.https_port, name(), name(), name("b"))
    assert tls.wait_for_cert(httpd.https_port, name("b")) == cert


def test_several_domains_on_one_server_and_one_of_them_in_trouble(ca, httpd, name):
    names = [name(f"d{i}") for i in range(4)]
    httpd.configure(*[f"MDomain {each}" for each in names], f"<MDomain {name('bad')}>\nMDCAChallenges nothing-01\n</MDomain>",
                    *[httpd.vhost(each) for each in names + [name("bad")]]).start()
    certs = [live_at("127.0.0.1", httpd.https_port, each, each) for each in names]
    assert len({cert.serial_number for cert in certs}) == len(names)
    assert httpd.log_lines("AH10173.*bad"), "said at start, not discovered later"
    assert tls.get(httpd.https_port, name("bad"))[0] == 503


@pytest.mark.parametrize("mode, issued", [("auto", False), ("manual", False), ("always", True)])
def test_a_domain_without_a_host(ca, httpd, name, mode, issued):
    httpd.configure(f"<MDomain {name('mail')}>\nMDRenewMode {mode}\n</MDomain>", f"MDomain {name()}", httpd.vhost(name())).start()
    tls.wait_for_cert(httpd.https_port, name())
    if issued:
        wait_until(lambda: httpd.store.cert(name("mail"), "staging") or httpd.store.cert(name("mail")), 30, "a certificate for mail")
    else:
        time.sleep(0.5)                                 # both were due at the same moment
        assert not httpd.store.cert(name("mail"), "staging")


def test_the_certificate_of_a_wildcard_domain_serves_names_and_aliases_below_it(new_httpd, name):
    httpd, key = new_httpd(), new_key()
    wild = name("*")
    cert = new_cert([wild], key)
    (httpd.root / "own.pem").write_bytes(cert_pem(cert))
    (httpd.root / "own.key").write_bytes(key_pem(key))
    httpd.configure(f"<MDomain {wild}>\nMDCertificateFile own.pem\nMDCertificateKeyFile own.key\n</MDomain>",
                    httpd.vhost(name("a"), name("b"), wild)).start()
    for label in ("a", "b", "any"):
        assert tls.leaf(httpd.https_port, name(label)) == cert
    assert httpd.store.json("domains", wild, "md.json")["domains"] == [wild], "names that it covers are not added"
    assert not httpd.log_lines("is not added")
