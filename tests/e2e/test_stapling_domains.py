# SPDX-License-Identifier: Apache-2.0
"""Stapling of managed domains: from the placeholder on, over renewals, when a certificate is revoked or must be stapled."""

import json

import pytest

from kit import tls
from kit.ocsp import Responder, Stapled, sha1
from kit.proc import wait_until

NO_STAPLE = "OCSP response: no response sent"
PAGE = '<Location "/md-status">\n    SetHandler md-status\n</Location>\n'


@pytest.fixture(scope="module")
def stapling_lab(lab, dns):
    """A CA whose certificates name a responder, and that."""
    from kit import pebble
    folder = lab / "pebble-stapling"
    folder.mkdir()
    responder = Responder(None)
    ca = pebble.Pebble(folder, dns, strict=True, config={"ocspResponderURL": responder.url, "keyAlgorithm": "rsa"})
    responder.issuer = lambda: (ca.get("/intermediates/0"), ca.get("/intermediate-keys/0"))
    yield ca, responder
    responder.stop()
    ca.stop()


class Domain:
    """One managed domain with stapling."""

    def __init__(self, httpd, responder, host):
        self.httpd, self.responder, self.host = httpd, responder, host

    def start(self, *settings, inside="", hosts=None):
        """Configure and start."""
        section = f"<MDomain {self.host}>\n{inside}\n</MDomain>"
        self.httpd.configure(PAGE, *(settings or ("MDStapling on",)), section, hosts or self.httpd.vhost(self.host))
        self.httpd.start()
        return self

    def seen(self, *options):
        """What a client gets."""
        return Stapled(self.httpd.https_port, self.host, self.httpd.ca.ca_file, *options)

    def wait(self, cert=None, status="good", options=(), timeout=30):
        """A handshake with a staple of this status, for this certificate."""
        def right():
            seen = self.seen(*options)
            return seen.status == status and (not cert or seen.serial == cert.serial_number) and seen
        return wait_until(right, timeout, f"a client gets '{status}'", pause=0.1)

    def status(self):
        """The domain's entry of md-status."""
        return json.loads(self.httpd.get(f"/md-status/{self.host}")[2])


@pytest.fixture
def domain(stapling_lab, new_httpd, name):
    """A server with a domain; not started."""
    ca, responder = stapling_lab
    ca.ensure()
    responder.revoked, responder.unknown, responder.instead = set(), set(), None
    return Domain(new_httpd(ca), responder, name())


def test_a_host_that_began_with_a_placeholder_staples_once_it_is_live(domain):
    domain.start()
    cert = tls.wait_for_cert(domain.httpd.https_port, domain.host)
    domain.wait(cert)
    assert domain.seen("-tls1_2").status == "good"
    kept = domain.httpd.store.json("ocsp", domain.host, f"ocsp-{sha1(cert)}.json")
    assert kept["status"] == "good"
    domain.httpd.restart()
    assert domain.seen().status == "good"


def test_renewals_are_stapled_in_all_children_and_the_old_certificate_is_forgotten(domain, name):
    domain.start()
    first = tls.wait_for_cert(domain.httpd.https_port, domain.host)
    domain.wait(first)
    domain.httpd.restart()
    assert domain.seen().status == "good"
    domain.responder.revoked.add(first.serial_number)   # the responder says so when it is asked next
    domain.httpd.stop()
    domain.httpd.store.file("ocsp", domain.host, f"ocsp-{sha1(first)}.json").unlink()
    domain.start()
    second = tls.wait_for_cert(domain.httpd.https_port, domain.host, unlike=first)
    assert second.public_key() != first.public_key()
    domain.wait(second)
    assert {domain.seen().serial for _ in range(8)} == {second.serial_number}
    assert domain.httpd.log_lines("AH10500")
    third_is_not_asked_for = len(domain.httpd.log_lines("AH10059"))
    domain.httpd.restart()
    assert domain.seen().status == "good"
    assert len(domain.httpd.log_lines("AH10059")) == third_is_not_asked_for


@pytest.mark.parametrize("mpm", ["worker", "prefork"])
def test_children_of_all_kinds_staple_what_goes_live(domain, new_httpd, mpm):
    domain.httpd = new_httpd(domain.httpd.ca, mpm=mpm)
    domain.start()
    domain.wait()
    assert [domain.seen().status for _ in range(8)] == ["good"] * 8


def test_the_stapling_of_mod_ssl_may_be_on_as_well(domain):
    domain.start("MDStapling on", "SSLUseStapling on", "SSLStaplingCache shmcb:run/staples(512000)")
    cert = tls.wait_for_cert(domain.httpd.https_port, domain.host)
    domain.wait(cert)
    assert domain.httpd.store.json("ocsp", domain.host, f"ocsp-{sha1(cert)}.json")


def test_several_keys_of_a_domain_are_stapled_as_they_go_live(domain):
    domain.start(inside="MDPrivateKeys RSA 2048 P-256\nMDStapling on", hosts=None)
    domain.wait(options=("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"))
    domain.wait(options=("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"))


def test_a_domain_can_be_left_out(domain):
    domain.start("MDStapling on", inside="MDStapling off")
    tls.wait_for_cert(domain.httpd.https_port, domain.host)
    domain.httpd.restart()
    assert NO_STAPLE in domain.seen().output
    assert not domain.httpd.store.names("ocsp")


def test_status_tells_of_staples(domain):
    domain.start()
    cert = tls.wait_for_cert(domain.httpd.https_port, domain.host)
    domain.wait(cert)
    entry = domain.status()
    kept = domain.httpd.store.json("ocsp", domain.host, f"ocsp-{sha1(cert)}.json")
    ocsp = entry["cert"]["rsa"]["ocsp"]
    assert entry["stapling"] is True
    assert ocsp["status"] == "good" and ocsp["valid"] == kept["valid"]
    assert ocsp["renewal"]["finished"] is True and ocsp["renewal"]["errors"] == 0 and "log" in ocsp["renewal"]
    whole = json.loads(domain.httpd.get("/md-status")[2])["managed-domains"][0]
    assert "log" not in whole["cert"]["rsa"]["ocsp"]["renewal"]


def test_a_certificate_that_must_be_stapled_waits_for_its_first_response(domain):
    domain.start()
    first = tls.wait_for_cert(domain.httpd.https_port, domain.host)
    domain.wait(first)
    domain.httpd.restart()
    domain.httpd.stop()
    domain.responder.stop()
    domain.start("MDStapling on", "MDMustStaple on")
    staged = wait_until(lambda: domain.httpd.store.cert(domain.host, "staging"), 30, "the renewal is staged")
    wait_until(lambda: domain.httpd.store.json("staging", domain.host, "job.json").get("finished"), 30, "it is complete")
    assert tls.leaf(domain.httpd.https_port, domain.host) == first
    domain.httpd.restart()
    assert tls.leaf(domain.httpd.https_port, domain.host) == first == domain.httpd.store.cert(domain.host)
    domain.responder.start()
    second = tls.wait_for_cert(domain.httpd.https_port, domain.host, unlike=first)
    assert second == staged
    assert domain.seen().status == "good", "from the first handshake on"


def test_must_staple_without_stapling_is_warned_of(domain):
    domain.start("MDMustStaple on")
    assert domain.httpd.log_lines(f"{domain.host}.*must be stapled.*MDStapling on")
