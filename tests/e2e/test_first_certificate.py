# SPDX-License-Identifier: Apache-2.0
"""From one line of configuration to a live certificate, without a restart."""

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kit import tls
from kit.ca_proxy import Proxy
from kit.checks import covers, every_child_shows
from kit.pebble import IssueWatch
from kit.proc import wait_until


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_the_first_certificate_is_live_in_every_child_within_two_seconds(ca, new_httpd, name, mpm):
    httpd = new_httpd(ca, mpm=mpm)
    httpd.managing(name())
    with IssueWatch(ca) as watch:
        httpd.start()
        wait_until(lambda: watch.issued, 20, "the CA issues")
    (serial, issued), = watch.issued.items()
    time.sleep(max(0.0, issued + 2 - time.monotonic()))     # what the promise is about
    cert = tls.leaf(httpd.https_port, name())
    assert cert.serial_number == serial
    every_child_shows(httpd, name(), cert)
    for version in tls.VERSIONS:
        assert tls.get(httpd.https_port, name(), roots=ca.root(), version=version)[0] == 200


def test_until_then_a_placeholder_and_503_with_retry_after(ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        gate = proxy.hold("GET /dir")
        httpd.managing(name(), name("alias"), ca_url=proxy.url, ca_file=proxy.ca_file).start()
        for version in tls.VERSIONS:
            cert = tls.leaf(httpd.https_port, name(), version)
            assert tls.is_placeholder(cert) and covers(cert, name(), name("alias"))
            status, headers, _ = tls.get(httpd.https_port, name(), version=version)
            assert status == 503
            assert 0 < int(headers["Retry-After"]) <= 3600
        assert tls.get(httpd.https_port, name(), "/.well-known/acme-challenge/nothing")[0] == 404
        assert httpd.get("/", host=name())[0] == 200, "plain http is none of our business"
        gate.set()
        tls.wait_for_cert(httpd.https_port, name())
        assert tls.get(httpd.https_port, name(), roots=ca.root())[0] == 200
        assert tls.get(httpd.https_port, name("alias"), roots=ca.root())[0] == 200


def test_names_of_the_virtual_host_are_added(ca, httpd, name):
    httpd.configure(f"MDomain {name()}\n", httpd.vhost(name(), name("alias"), name("more"))).start()
    cert = tls.wait_for_cert(httpd.https_port, name("more"))
    assert covers(cert, name(), name("alias"), name("more"))


def test_names_are_not_added_to_a_manual_domain(ca, httpd, name):
    httpd.configure(f"MDomain {name()} manual\n", httpd.vhost(name(), name("alias"))).start()
    assert covers(tls.wait_for_cert(httpd.https_port, name()), name())
    assert name("alias") in httpd.wait_for_log("AH10040")


def test_a_section_configures_one_domain(ca, httpd, name):
    httpd.configure(f"<MDomain {name()}>\n  MDMember {name('member')}\n  MDPrivateKeys secp384r1\n</MDomain>\n"
                    f"MDomain {name('plain')}\n", httpd.vhost(name()), httpd.vhost(name("plain"))).start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    assert covers(cert, name(), name("member"))
    assert isinstance(cert.public_key(), ec.EllipticCurvePublicKey)
    assert cert.public_key().curve.name == "secp384r1"
    assert isinstance(tls.wait_for_cert(httpd.https_port, name("plain")).public_key(), rsa.RSAPublicKey)


def test_two_keys_give_two_certificates_on_one_host(ca, httpd, name):
    httpd.managing(name(), extra="MDPrivateKeys RSA 2048 P-256").start()
    tls.wait_for_cert(httpd.https_port, name())
    by_rsa = tls.leaf(httpd.https_port, name(), "1.2", ciphers="ECDHE-RSA-AES128-GCM-SHA256")
    by_ec = tls.leaf(httpd.https_port, name(), "1.2", ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
    assert isinstance(by_rsa.public_key(), rsa.RSAPublicKey)
    assert isinstance(by_ec.public_key(), ec.EllipticCurvePublicKey)
    assert not tls.is_placeholder(by_rsa) and not tls.is_placeholder(by_ec)
    httpd.restart()
    assert httpd.store.cert(name(), name="pubcert.p-256.pem") == by_ec
    assert httpd.store.cert(name()) == by_rsa
    assert tls.leaf(httpd.https_port, name(), "1.2", ciphers="ECDHE-ECDSA-AES128-GCM-SHA256") == by_ec


def test_many_domains_share_one_account_and_all_go_live(ca, httpd, name):
    hosts = [name(f"host{i}") for i in range(20)]
    registered = ca.count("POST /sign-me-up")
    httpd.configure("MDPrivateKeys P-256", *[f"MDomain {h}" for h in hosts], *[httpd.vhost(h) for h in hosts]).start()
    for host in hosts:
        assert covers(tls.wait_for_cert(httpd.https_port, host, 60), host)
    ids = {httpd.store.json("domains", h, "md.json")["ca"].get("account") for h in hosts
           if httpd.store.json("domains", h, "md.json")} - {None}
    httpd.restart()
    assert len(httpd.store.names("accounts")) == 1, f"accounts {ids}"
    assert ca.count("POST /sign-me-up") - registered <= 2, "one registration, perhaps repeated for a bad nonce"


def test_a_domain_without_virtual_host_is_left_alone(ca, httpd, name):
    orders = ca.count("POST /order-plz")
    httpd.configure(f"MDomain {name('unused')}\nMDomain {name()}\n", httpd.vhost(name())).start()
    tls.wait_for_cert(httpd.https_port, name())
    assert name("unused") in httpd.wait_for_log("AH10045")
    assert httpd.store.names("staging") in ([], [name()])
    assert ca.count("POST /order-plz") > orders


def test_a_hundred_names_in_one_certificate(ca, httpd, name):
    names = [name(f"n{i}") for i in range(100)]
    httpd.managing(*names).start()
    assert covers(tls.wait_for_cert(httpd.https_port, names[99], 60), *names)
