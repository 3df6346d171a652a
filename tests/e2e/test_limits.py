# SPDX-License-Identifier: Apache-2.0
"""What a CA will refuse is said at the start, and explained in one line when it comes: too many names, kinds of keys."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kit import tls

LETSENCRYPT = "MDCertificateAuthority LetsEncrypt\n"
COMMON = "RSA with 2048, 3072 or 4096 bits, P-256 and P-384"


def names(count, first=0):
    """So many names."""
    return " ".join(f"n{i}.test" for i in range(first, first + count))


def host(aliases=""):
    """A TLS host of the first name."""
    return f"<VirtualHost *:81>\nServerName n0.test\nServerAlias {aliases or 'n0.test'}\nSSLEngine on\n</VirtualHost>\n"


def big(count, more=""):
    """A domain of so many names that begins on line 2."""
    return f"\n<MDomain {names(count)}>\n{more}\n</MDomain>\n{host()}"


@pytest.mark.parametrize("text, said", [
    (LETSENCRYPT + big(100), None),
    (LETSENCRYPT + big(101), "has 101 names, but Let's Encrypt puts at most 100 into one certificate and will refuse the order: divide the "
                             "names among several domains"),
    (LETSENCRYPT + f"\nMDomain {names(60)}\n" + host(names(60, 60)), "has 120 names, but Let's Encrypt puts at most 100 into one certificate"),
    (LETSENCRYPT + big(25, "MDProfile tlsserver"), None),
    (LETSENCRYPT + big(26, "MDProfile tlsserver"), "has 26 names, but Let's Encrypt puts at most 25 into a certificate of the profile "
                                                   "'tlsserver' and will refuse the order: divide the names among several domains, or change "
                                                   "MDProfile"),
    (LETSENCRYPT + "MDProfile shortlived" + big(26), "has 26 names, but Let's Encrypt puts at most 25 into a certificate of the profile 'shortlived'"),
    ("MDProfile shortlived\n" + big(26), None),
    ("\n" + big(101), "has 101 names, but most certificate authorities put at most 100 into one certificate and refuse an order of more"),
    (LETSENCRYPT + big(101, "MDRenewMode manual\nMDCertificateFile a\nMDCertificateKeyFile a"), None),
    (LETSENCRYPT + big(1, "MDPrivateKeys RSA 4096 P-384"), None),
    (LETSENCRYPT + big(1, "MDPrivateKeys P-521"), f"wants a key of the type P-521, but Let's Encrypt takes {COMMON} only and will refuse to "
                                                  "sign it: change MDPrivateKeys"),
    ("\n" + big(1, "MDPrivateKeys P-521"), None),
], ids=["100", "101", "with those of hosts", "profile of 25", "profile of 26", "profile of all", "profile of another CA", "another CA",
        "not ordered", "usual keys", "unusual key", "key at another CA"])
def test_what_will_be_refused_is_warned_of(new_httpd, text, said):
    httpd = new_httpd()
    (httpd.root / "conf/case.conf").write_text(text)
    accepted, output = httpd.configure("Include conf/case.conf").configtest()
    assert accepted
    lines = [line for line in output.splitlines() if "[md:warn]" in line]
    if said is None:
        assert not lines
    else:
        assert len(lines) == 1 and f" the domain n0.test ({httpd.root}/conf/case.conf, line 3) {said}" in lines[0]


def test_no_name_of_a_long_line_is_lost(new_httpd):
    """httpd itself stops at 64 words unless a directive takes care of its own."""
    httpd = new_httpd().configure(f"MDRenewMode manual\nMDomain {names(90)}\n<MDomain {names(90, 100)}>\nMDMembers {names(90, 200)} manual\n</MDomain>")
    httpd.start()
    stored = [httpd.store.json("domains", name, "md.json") for name in ("n0.test", "n100.test")]
    assert [" ".join(each["domains"]) for each in stored] == [names(90), f"{names(90, 100)} {names(90, 200)}"]
    assert stored[1]["transitive"] == 0


def test_a_warning_is_said_once_at_the_start(new_httpd):
    httpd = new_httpd().configure("MDRenewMode manual", f"MDomain {names(101)}").start()
    assert len(httpd.log_lines("has 101 names")) == 1


def test_a_key_that_cannot_be_made_is_found_before_a_ca_is_asked(ca, httpd, name):
    orders = ca.count("POST /order-plz")
    httpd.managing(name(), extra="MDPrivateKeys P-256 no-such-curve").start()
    why = "the private key type 'no-such-curve' of MDPrivateKeys is unsupported by the TLS library"
    line = httpd.wait_for_log("AH10173")
    assert why in line and "httpd.conf, line " in line
    line = httpd.wait_for_log("AH10056")
    assert why in line and "problem[md:config]" in line and f"md[{name()}]" in line
    assert ca.count("POST /order-plz") == orders
    assert httpd.store.json("staging", name(), "job.json")["errors"] == 1
    httpd.managing(name(), extra="MDPrivateKeys P-256")
    httpd.graceful()
    assert isinstance(tls.wait_for_cert(httpd.https_port, name()).public_key().curve, ec.SECP256R1)


@pytest.mark.parametrize("kind", ["ed25519", "brainpoolP256r1"])
def test_a_key_that_the_ca_refuses_is_explained_in_one_line(ca, httpd, name, kind):
    httpd.managing(name(), extra=f"MDPrivateKeys {kind}").start()
    line = httpd.wait_for_log("AH10056", 30)
    assert f"MDPrivateKeys asks for a key of the type {kind}, many CAs take {COMMON} only: the CA says " in line
    assert "urn:ietf:params:acme:error:" in line and "check " in line.split("md[")[0] and "MDPrivateKeys" in line.split("md[")[0]
    assert len(httpd.log_lines("AH10056")) == 1, "it is not asked again at once"
    httpd.managing(name(), extra="MDPrivateKeys secp384r1")
    httpd.graceful()
    assert isinstance(tls.wait_for_cert(httpd.https_port, name()).public_key().curve, ec.SECP384R1)


@pytest.mark.parametrize("kind", ["P-521", "secp521r1"])
def test_a_large_curve_is_used_where_the_ca_takes_it(ca, httpd, name, kind):
    httpd.managing(name(), extra=f"MDPrivateKeys {kind}").start()
    assert isinstance(tls.wait_for_cert(httpd.https_port, name()).public_key().curve, ec.SECP521R1)
