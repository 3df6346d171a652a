# SPDX-License-Identifier: Apache-2.0
"""Several keys for one domain: a certificate for each, the right one for every client, live together or not at all."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kit import tls
from kit.checks import covers
from kit.proc import wait_until

RSA_ONLY, EC_ONLY = "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"


def both(httpd, name):
    """(certificate for a client that knows RSA only, the one for a client that knows EC only)."""
    return (tls.leaf(httpd.https_port, name, version="1.2", ciphers=RSA_ONLY),
            tls.leaf(httpd.https_port, name, version="1.2", ciphers=EC_ONLY))


def live(httpd, name):
    """Both certificates, once they are of the CA."""
    tls.wait_for_cert(httpd.https_port, name)
    httpd.wait_for_log("AH10059", 20)
    return both(httpd, name)


def test_each_client_gets_the_certificate_that_it_can_use(ca, httpd, name):
    httpd.managing(name(), extra="MDPrivateKeys RSA secp384r1").start()
    of_rsa, of_ec = live(httpd, name())
    assert isinstance(of_rsa.public_key(), rsa.RSAPublicKey) and of_rsa.public_key().key_size == 2048
    assert isinstance(of_ec.public_key().curve, ec.SECP384R1)
    assert tls.leaf(httpd.https_port, name(), version="1.3") in (of_rsa, of_ec)
    httpd.restart()
    assert both(httpd, name()) == (of_rsa, of_ec)
    assert httpd.store.cert(name()) == of_rsa
    assert httpd.store.cert(name(), name="pubcert.secp384r1.pem") == of_ec


def test_a_renewal_replaces_both_at_once(ca, httpd, name):
    httpd.managing(name(), extra="MDPrivateKeys RSA P-256").start()
    old = live(httpd, name())
    httpd.managing(name(), name("more"), extra="MDPrivateKeys RSA P-256")
    mark = httpd.mark()
    httpd.restart()
    seen = set()

    def replaced():
        pair = both(httpd, name())
        seen.add(tuple(covers(cert, name(), name("more")) for cert in pair))
        return all(cert not in old for cert in pair)
    wait_until(replaced, 40, "both are replaced", pause=0.005)
    httpd.wait_for_log("AH10059", 10, since=mark)
    assert (True, True) in seen
    assert both(httpd, name()) == both(httpd, name())


def test_a_second_key_type_goes_live_beside_the_first(ca, httpd, name):
    httpd.managing(name(), extra="MDPrivateKeys RSA").start()
    tls.wait_for_cert(httpd.https_port, name())
    httpd.managing(name(), extra="MDPrivateKeys RSA P-256")
    mark = httpd.mark()
    httpd.graceful()
    httpd.wait_for_log("AH10059", 40, since=mark)
    of_rsa, of_ec = both(httpd, name())
    assert isinstance(of_rsa.public_key(), rsa.RSAPublicKey) and isinstance(of_ec.public_key(), ec.EllipticCurvePublicKey)


@pytest.mark.parametrize("spec, what", [("secp521r1", "P-521"), ("P-521", "P-521")])
def test_the_largest_curve(ca, httpd, name, spec, what):
    httpd.managing(name(), extra=f"MDPrivateKeys {spec}").start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    assert isinstance(cert.public_key().curve, ec.SECP521R1), what


def test_a_key_type_that_nobody_knows_is_an_error_with_advice_and_not_the_end(ca, httpd, name):
    httpd.configure(f"<MDomain {name()}>\nMDPrivateKeys secp256x9\n</MDomain>", f"MDomain {name('ok')}",
                    httpd.vhost(name()), httpd.vhost(name("ok"))).start()
    tls.wait_for_cert(httpd.https_port, name("ok"))
    line = httpd.wait_for_log(f"{name()}.*secp256x9", 20)
    assert "MDPrivateKeys" in line
    assert tls.get(httpd.https_port, name())[0] == 503
