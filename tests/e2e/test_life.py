# SPDX-License-Identifier: Apache-2.0
"""What becomes of certificates when the configuration changes between restarts: those that still fit are kept, exactly
the needed renewals happen, and folders follow their names."""

import pytest
from cryptography import x509

from kit import tls
from kit.checks import covers
from kit.proc import wait_until
from kit.store import dns_names

# Domains before and after, as names; then for each domain after: "new", or the domain before whose certificate it keeps.
CHANGES = {
    "a name is added": (["a"], ["a b"], {"a": "new"}),
    "a name is removed": (["a b"], ["a"], {"a": "a"}),
    "a name moves to another domain": (["a b", "c"], ["a", "c b"], {"a": "a", "c": "new"}),
    "the first name changes": (["a b"], ["b a"], {"b": "a"}),
    "the first name is removed": (["a b c"], ["b c"], {"b": "a"}),
    "a domain is split": (["a b"], ["a", "b"], {"a": "a", "b": "new"}),
    "a domain is split with its first name apart": (["a b c"], ["b c", "a"], {"a": "a", "b": "new"}),
    "two are merged": (["a", "b"], ["b a"], {"b": "new"}),
    "two are merged under a new name": (["a b", "c"], ["x a b c"], {"x": "new"}),
    "two swap a name": (["a b", "c d"], ["a d", "c b"], {"a": "new", "c": "new"}),
    "a domain is removed": (["a", "b"], ["b"], {"b": "b"}),
    "the order of domains changes": (["a", "b", "c"], ["c", "a", "b"], {"a": "a", "b": "b", "c": "c"}),
}
# The same domain with another setting; whether that takes a new certificate.
SETTINGS = {
    "one more key type": ("MDPrivateKeys P-256", "MDPrivateKeys P-256 RSA", "new"),
    "one key type less": ("MDPrivateKeys RSA P-256", "MDPrivateKeys P-256", "kept"),
    "another key type": ("MDPrivateKeys P-256", "MDPrivateKeys P-384", "new"),
    "longer RSA keys": ("MDPrivateKeys RSA", "MDPrivateKeys RSA 3072", "kept"),
    "another contact": ("", "MDContactEmail other@example.test", "kept"),
    "another window": ("", "MDRenewWindow 10d", "kept"),
}


def domains(httpd, name, lines, extra=""):
    """Configure domains with a virtual host for each."""
    snippets = [extra]
    for line in lines:
        names = [name(label) for label in line.split()]
        snippets += [f"MDomain {' '.join(names)}", httpd.vhost(*names)]
    httpd.configure(*snippets)


def issued(ca):
    """How many certificates the CA has made."""
    return ca.count("Issued certificate serial")


def serve_all(httpd, name, lines):
    """{label of the first name: certificate} when all are live; a restart has put them into their folders."""
    found = {}
    for line in lines:
        names = [name(label) for label in line.split()]
        found[line.split()[0]] = wait_until(lambda which=names: fitting(httpd, which), 40, f"{names} is served")
    httpd.restart()
    for label, cert in found.items():
        assert tls.leaf(httpd.https_port, name(label)) == cert
    assert httpd.store.names("staging") == []
    return found


def fitting(httpd, names):
    """What is served for the first of the names, if it has them all and is of the CA."""
    cert = tls.leaf(httpd.https_port, names[0])
    return cert if not tls.is_placeholder(cert) and set(names) <= set(dns_names(cert)) else None


@pytest.mark.parametrize("change", CHANGES)
def test_what_fits_is_kept_and_what_is_needed_is_ordered(ca, httpd, name, change):
    before, after, expected = CHANGES[change]
    domains(httpd, name, before)
    httpd.start()
    old = serve_all(httpd, name, before)
    count = issued(ca)
    domains(httpd, name, after + ["witness"])           # who is as late as this one is not ordered at all
    httpd.restart()
    new = serve_all(httpd, name, after + ["witness"])
    for label, origin in expected.items():
        if origin == "new":
            names = next(line for line in after if line.split()[0] == label).split()
            assert new[label] not in old.values()
            assert covers(new[label], *[name(each) for each in names])
        else:
            assert new[label] == old[origin]
    assert issued(ca) - count == 1 + sum(origin == "new" for origin in expected.values())


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_changed_setting_renews_only_when_the_certificate_no_longer_fits(ca, httpd, name, setting):
    before, after, outcome = SETTINGS[setting]
    domains(httpd, name, ["a"], before)
    httpd.start()
    serve_all(httpd, name, ["a"])
    old = httpd.store.contents()
    count = issued(ca)
    domains(httpd, name, ["a", "witness"], after)
    mark = httpd.mark()
    httpd.restart()
    specs = len(after.split()[1:]) if after.startswith("MDPrivateKeys") and "3072" not in after else 1
    wanted = (specs if outcome == "new" else 0) + specs
    live = 2 if outcome == "new" else 1
    wait_until(lambda: len(httpd.log_lines("AH10059", since=mark)) == live, 40, "all that is needed is live")
    httpd.restart()
    assert issued(ca) - count == wanted, "one for each key of the witness, and of the domain if it needs one"
    if outcome == "kept":
        kept = [path for path in old if path.startswith(f"domains/{name('a')}/p")]
        assert kept and all(httpd.store.contents()[path] == old[path] for path in kept)


def test_a_domain_that_was_removed_is_found_again(ca, httpd, name):
    domains(httpd, name, ["a b", "other"])
    httpd.start()
    old = serve_all(httpd, name, ["a b", "other"])
    domains(httpd, name, ["other"])
    httpd.restart()
    assert httpd.store.cert(name("a")) == old["a"], "nothing of it is removed"
    count = issued(ca)
    domains(httpd, name, ["a b", "other", "witness"])
    httpd.restart()
    assert serve_all(httpd, name, ["a b", "other", "witness"])["a"] == old["a"]
    assert issued(ca) - count == 1


def test_another_ca_is_used_for_the_next_renewal_and_not_before(ca, new_ca, httpd, name):
    domains(httpd, name, ["a"])
    httpd.start()
    old = serve_all(httpd, name, ["a"])["a"]
    second = new_ca(http_port=httpd.http_port, tls_port=httpd.https_port)
    trust = httpd.root / "both.pem"
    trust.write_text(ca.ca_file.read_text() + second.ca_file.read_text())
    moved = f"MDCertificateAuthority {second.url}\nMDCACertificateFile {trust}"
    domains(httpd, name, ["a", "witness"], moved)
    httpd.restart()
    assert serve_all(httpd, name, ["a", "witness"])["a"] == old
    domains(httpd, name, ["a b"], moved)
    httpd.restart()
    new = serve_all(httpd, name, ["a b"])["a"]
    assert new.issuer != old.issuer
    assert httpd.store.json("domains", name("a"), "md.json")["ca"]["url"] == second.url


def has_must_staple(cert):
    """The TLS feature of RFC 7633."""
    return any(extension.oid == x509.TLSFeature.oid for extension in cert.extensions)


def test_must_staple_is_asked_for_and_given_up(ca, httpd, name):
    domains(httpd, name, ["a"], "MDMustStaple on")
    httpd.start()
    with_it = serve_all(httpd, name, ["a"])["a"]
    assert has_must_staple(with_it)
    domains(httpd, name, ["a"])
    httpd.restart()
    without = tls.wait_for_cert(httpd.https_port, name("a"), unlike=with_it)
    assert not has_must_staple(without)
