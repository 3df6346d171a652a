# SPDX-License-Identifier: Apache-2.0
"""What CAs do differently: proofs that are reused or not, profiles, refused nonces, lenient ones, and lives of a minute."""

import re

import pytest

from kit import tls
from kit.ca_proxy import Proxy
from kit.checks import covers
from kit.pebble import Pebble
from kit.store import spki


@pytest.mark.parametrize("reuse, told", [(0, {2}), (50, {0, 1, 2}), (100, {0})])
def test_names_that_were_proved_are_not_proved_again(new_ca, new_httpd, name, reuse, told):
    ca = new_ca(authzreuse=reuse, wfe_noncereject=0)
    httpd = new_httpd(ca)
    with Proxy(httpd.root, ca) as proxy:
        at = {"ca_url": proxy.url, "ca_file": proxy.ca_file}
        httpd.managing(name(), name("a"), extra="MDPrivateKeys P-256", **at).start()
        tls.wait_for_cert(httpd.https_port, name(), 40)
        before = len(proxy.seen("POST /chalZ"))
        assert before == 2
        httpd.managing(name(), name("a"), extra="MDPrivateKeys P-384", **at).restart()
        first = tls.leaf(httpd.https_port, name())
        tls.wait_for_cert(httpd.https_port, name(), 40, unlike=first)
        assert len(proxy.seen("POST /chalZ")) - before in told
    assert not httpd.log_lines("AH10056")
    assert not httpd.store.names("challenges"), "what was set up is gone"


def test_a_lenient_ca_that_refuses_a_third_of_the_nonces(new_ca, new_httpd, name):
    httpd = new_httpd(new_ca(strict=False, wfe_noncereject=30))
    hosts = [name(f"h{i}") for i in range(6)]
    httpd.configure(*[f"MDomain {h}" for h in hosts], *[httpd.vhost(h) for h in hosts]).start()
    for host in hosts:
        tls.wait_for_cert(httpd.https_port, host, 60)
    assert not httpd.log_lines("AH10056")


PROFILES = {"profiles": {"usual": {"description": "usual", "validityPeriod": 90 * 24 * 3600},
                         "short": {"description": "short", "validityPeriod": 6 * 24 * 3600}}}


@pytest.fixture(scope="module")
def ca_with_profiles(lab, dns):
    """A CA with two profiles."""
    folder = lab / "profiles"
    folder.mkdir()
    ca = Pebble(folder, dns, strict=True, config=PROFILES)
    yield ca
    ca.stop()


@pytest.mark.parametrize("profile, days", [("SHORT", 6), ("usual", 90)])
def test_the_profile_that_is_wanted_is_ordered(ca_with_profiles, new_httpd, name, profile, days):
    httpd = new_httpd(ca_with_profiles)
    httpd.managing(name(), extra=f"MDProfile {profile}\nMDProfileMandatory on").start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    assert round((cert.not_valid_after - cert.not_valid_before).total_seconds() / 86400) == days


def test_a_profile_that_the_ca_does_not_have_is_left_out(ca_with_profiles, new_httpd, name):
    httpd = new_httpd(ca_with_profiles)
    with Proxy(httpd.root, ca_with_profiles) as proxy:
        httpd.managing(name(), extra="MDProfile no-such", ca_url=proxy.url, ca_file=proxy.ca_file).start()
        tls.wait_for_cert(httpd.https_port, name())
        assert all("profile" not in wish for wish in proxy.payloads("POST /order-plz"))


def test_a_profile_that_must_be_is_missed(ca_with_profiles, new_httpd, name):
    httpd = new_httpd(ca_with_profiles)
    httpd.managing(name(), extra="MDProfile no-such\nMDProfileMandatory on").start()
    line = httpd.wait_for_log("AH10056")
    assert "md:no-profile" in line and "'no-such'" in line and "MDProfileMandatory off" in line
    assert tls.is_placeholder(tls.leaf(httpd.https_port, name()))


def test_lives_of_a_minute_are_renewed_in_time_again_and_again(new_ca, new_httpd, name):
    ca = new_ca(config={"profiles": {"default": {"description": "a minute", "validityPeriod": 60}}})
    httpd = new_httpd(ca)
    httpd.managing(name(), extra="MDRenewViaARI off").start()
    certs = [tls.wait_for_cert(httpd.https_port, name(), 30)]
    for _ in range(2):
        certs.append(tls.wait_for_cert(httpd.https_port, name(), 60, unlike=certs[-1]))
        old, new = certs[-2:]
        assert new.not_valid_before < old.not_valid_after, "there was no gap"
        assert (new.not_valid_before - old.not_valid_before).total_seconds() > 20, "half of a life passes"
        assert spki(new.public_key()) != spki(old.public_key())
    assert covers(certs[-1], name())
    assert not httpd.log_lines("AH10056")


@pytest.mark.parametrize("tell, record, says", [
    ("set-servfail", {}, "resolve|SERVFAIL"),
    ("add-a", {"addresses": ["127.0.0.9"]}, "127.0.0.9|refused|connection"),
    ("add-a", {"addresses": ["127.0.0.1", "127.0.0.9"]}, None)])
def test_what_the_ca_finds_in_dns_is_said_and_the_next_try_succeeds(ca, dns, httpd, name, tell, record, says):
    dns.tell(tell, host=name(), **record)
    httpd.managing(name(), extra="MDRetryDelay 1s").start()
    if says:
        line = httpd.wait_for_log("AH10056", 30)
        assert name() in line and re.search(says, line)
        dns.tell("clear-servfail" if "servfail" in tell else "clear-a", host=name())
    tls.wait_for_cert(httpd.https_port, name(), 40)
