# SPDX-License-Identifier: Apache-2.0
"""Challenges in DNS without a command: dynamic updates (RFC 2136) of a real Knot, records that persist."""

import pytest

from kit import knot, tls
from kit.proc import wait_until
from kit.store import dns_names

ISSUER = "ca.example.test"
ZONES = {
    "proof.test": "_acme-challenge.alias 60 CNAME alias.elsewhere\n_acme-challenge.other 60 CNAME alias.elsewhere\n",
    "closed.test": "",
}


@pytest.fixture
def zones(lab, name):
    """A Knot with zones, of which proof.test takes updates."""
    folder = lab / f"knot-{name('x').split('.')[1]}"
    folder.mkdir()
    server = knot.Knot(folder, ZONES, {"proof.test"})
    yield server
    server.stop()


@pytest.fixture
def zone_ca(new_ca, zones):
    """A CA that asks this Knot."""
    return new_ca(dns=zones, config={"caaIdentities": [ISSUER]})


def dns_config(zones, *more, port=None, secret=None):
    """The directives for it."""
    at = f"127.0.0.1:{port or zones.dns_port}"
    return "\n".join([f"MDDnsServer {at}", f"MDDnsUpdate {at} {knot.KEY} hmac-sha256 {secret or zones.secret_file}",
                      "MDCAChallenges dns-01" if not more else "", *more])


def test_a_wildcard_and_its_base_name_are_proved_by_updates(zone_ca, zones, new_httpd):
    httpd = new_httpd(zone_ca)
    names = ["www.proof.test", "*.www.proof.test"]
    httpd.managing(*names, extra=dns_config(zones)).start()
    assert set(dns_names(tls.wait_for_cert(httpd.https_port, "www.proof.test"))) == set(names)
    wait_until(lambda: not zones.texts("_acme-challenge.www.proof.test"), 10, "the records are taken away")
    assert zones.secret not in httpd.error_log()


def test_a_delegated_challenge_is_changed_where_it_leads_to(zone_ca, zones, new_httpd):
    httpd = new_httpd(zone_ca)
    httpd.managing("alias.proof.test", extra=dns_config(zones)).start()
    tls.wait_for_cert(httpd.https_port, "alias.proof.test")
    wait_until(lambda: not zones.texts("alias.elsewhere.proof.test"), 10, "the record is taken away")


def test_several_names_may_be_proved_at_the_same_place(zone_ca, zones, new_httpd):
    httpd = new_httpd(zone_ca)
    names = ["alias.proof.test", "*.alias.proof.test", "other.proof.test"]
    httpd.managing(*names, extra=dns_config(zones)).start()
    assert set(dns_names(tls.wait_for_cert(httpd.https_port, names[0]))) == set(names)
    wait_until(lambda: not zones.texts("alias.elsewhere.proof.test"), 10, "all records are taken away")


def test_an_account_has_a_label_of_its_own(zone_ca, zones, new_httpd):
    httpd = new_httpd(zone_ca)
    httpd.managing("www.proof.test", extra=dns_config(zones, "MDCAChallenges dns-account-01")).start()
    tls.wait_for_cert(httpd.https_port, "www.proof.test")


def test_the_ca_is_told_when_the_name_servers_have_the_record(zone_ca, zones, new_httpd):
    relay = knot.Relay(zones.dns_port)
    relay.lagging.set()
    httpd = new_httpd(zone_ca)
    try:
        httpd.managing("www.proof.test", extra=dns_config(zones, port=relay.port)).start()
        wait_until(lambda: relay.dropped >= 2, 20, "the name server is asked for the record")
        assert zones.texts("_acme-challenge.www.proof.test")
        assert zone_ca.count("POST /chalZ") == 0
        relay.lagging.clear()
        tls.wait_for_cert(httpd.https_port, "www.proof.test")
    finally:
        httpd.stop()
        relay.stop()


def test_a_zone_that_is_closed_is_explained(zone_ca, zones, new_httpd):
    httpd = new_httpd(zone_ca)
    httpd.managing("www.closed.test", extra=dns_config(zones)).start()
    line = httpd.wait_for_log("AH10056.*www.closed.test")
    assert "problem[md:dns-update]" in line and f"does not accept the key {knot.KEY}" in line and "allowed to update this name" in line
    assert zone_ca.count("POST /chalZ") == 0


def test_a_wrong_secret_is_explained(zone_ca, zones, new_httpd):
    httpd = new_httpd(zone_ca)
    other = zones.folder / "other.key"
    other.write_text(f'key "{knot.KEY}" {{\n    algorithm hmac-sha256;\n    secret "b3RoZXIgc2VjcmV0IG90aGVyIHNlY3JldCAxMjM=";\n}};\n')
    httpd.managing("www.proof.test", extra=dns_config(zones, secret=other)).start()
    line = httpd.wait_for_log("AH10056.*www.proof.test")
    assert "problem[md:dns-update]" in line and knot.KEY in line and "secret" in line
    assert "b3RoZXIgc2VjcmV0" not in httpd.error_log()


def test_a_challenge_that_cannot_be_set_up_leaves_its_place_to_the_next(zone_ca, zones, new_httpd):
    httpd = new_httpd(zone_ca)
    httpd.managing("closed.test", extra=dns_config(zones, "MDCAChallenges dns-01 http-01")).start()
    line = httpd.wait_for_log("dns-01 cannot be used for closed.test, trying another challenge")
    assert "allowed to update this name" in line
    tls.wait_for_cert(httpd.https_port, "closed.test")


def test_a_record_that_persists_is_asked_for_exactly_and_then_enough(zone_ca, zones, new_httpd):
    httpd = new_httpd(zone_ca)
    httpd.managing("www.proof.test", "*.www.proof.test",
                   extra=dns_config(zones, "MDCAChallenges dns-persist-01", "MDRetryDelay 1s")).start()
    line = httpd.wait_for_log("AH10056.*www.proof.test")
    account = httpd.store.json("staging", "www.proof.test", "account.json")["url"]
    record = f'_validation-persist.www.proof.test. IN TXT "{ISSUER}; accounturi={account}'
    assert "problem[md:dns-persist]" in line and record in line
    assert zone_ca.count("POST /chalZ") == 0
    zones.add_text("proof.test", "_validation-persist.www", f"{ISSUER}; accounturi={account}; policy=wildcard")
    tls.wait_for_cert(httpd.https_port, "www.proof.test", 40)
