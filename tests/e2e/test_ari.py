# SPDX-License-Identifier: Apache-2.0
"""The CA says when to renew (RFC 9773), and hears what an order replaces."""

import datetime
import json
import shutil

import pytest

from kit import pebble, tls
from kit.a2md import A2md
from kit.ca_proxy import Proxy, problem
from kit.pki import UTC, cert_pem
from kit.store import spki

PAGE = "https://ca.example.test/why?incident=7"


@pytest.fixture(scope="module")
def short_ca(lab, dns):
    """A CA whose certificates live for so short a time that its suggestions are heard after ten seconds."""
    folder = lab / "suggesting"
    folder.mkdir()
    ca = pebble.Pebble(folder, dns, strict=True, config={
        "profiles": {"default": {"description": "short", "validityPeriod": 1000}}})
    yield ca
    ca.stop()


def suggest(ca, cert, begins, ends, **more):
    """Make the CA suggest a window, in seconds from now."""
    def at(seconds):
        return (datetime.datetime.now(UTC) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = {"suggestedWindow": {"start": at(begins), "end": at(ends)}, **more}
    status = ca.post("/set-renewal-info/", json.dumps({"Certificate": cert_pem(cert).decode(),
                                                      "ARIResponse": json.dumps(answer)}))
    assert status == 200


def test_a_certificate_is_replaced_when_the_ca_wants_it(short_ca, new_httpd, name):
    httpd = new_httpd(short_ca)
    with Proxy(httpd.root, short_ca) as proxy:
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file).start()
        first = tls.wait_for_cert(httpd.https_port, name())
        suggest(short_ca, first, -7200, -3600, explanationURL=PAGE)
        second = tls.wait_for_cert(httpd.https_port, name(), 40, unlike=first)
        asked = [request for _, request, _ in proxy.seen("GET /draft-ietf-acme-ari")]
        wishes = proxy.payloads("POST /order-plz")
    assert second != first
    assert asked and "replaces" not in wishes[0]
    assert asked[0].rsplit("/", 1)[1] == wishes[-1]["replaces"]
    assert PAGE in httpd.log_lines("its CA suggests to renew between")[0]
    assert httpd.log_lines("AH10056") == []


def test_a_revoked_certificate_is_replaced(short_ca, new_httpd, name):
    httpd = new_httpd(short_ca)
    httpd.managing(name()).start()
    first = tls.wait_for_cert(httpd.https_port, name())
    httpd.restart()                                     # the set is moved at once, before suggestions are heard
    A2md(httpd.store.path, "-C", short_ca.ca_file).run("revoke", "--yes", name())
    assert short_ca.cert_status(first) == "Revoked"
    second = tls.wait_for_cert(httpd.https_port, name(), 40, unlike=first)
    assert short_ca.cert_status(second) == "Valid"
    assert spki(second.public_key()) != spki(first.public_key()), "the key may have been the reason"


def test_a_window_in_the_future_is_waited_for_and_shown(short_ca, new_httpd, name):
    httpd = new_httpd(short_ca)
    httpd.managing(name()).start()
    first = tls.wait_for_cert(httpd.https_port, name())
    suggest(short_ca, first, 200, 201)
    httpd.wait_for_log("its CA suggests to renew between", 30)
    httpd.restart()
    renew_at = A2md(httpd.store.path).json("status", name())["output"][0]["renew-at"]
    until = datetime.datetime.strptime(renew_at, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    left = until - datetime.datetime.now(UTC)
    assert datetime.timedelta(seconds=100) < left < datetime.timedelta(seconds=210)
    assert tls.leaf(httpd.https_port, name()) == first


def test_what_was_replaced_already_is_ordered_without_saying_so(short_ca, new_httpd, name):
    httpd = new_httpd(short_ca)
    httpd.managing(name()).start()
    first = tls.wait_for_cert(httpd.https_port, name())
    httpd.restart()
    old, folder = httpd.root / "old", httpd.store.file("domains", name())
    shutil.copytree(folder, old)
    suggest(short_ca, first, -7200, -3600)
    second = tls.wait_for_cert(httpd.https_port, name(), 40, unlike=first)
    httpd.restart()
    httpd.stop()
    shutil.rmtree(folder)
    shutil.move(old, folder)
    mark = httpd.mark()
    httpd.start()
    third = tls.wait_for_cert(httpd.https_port, name(), 40, unlike=first)
    assert third not in (first, second)
    assert "already has a replacement order" in httpd.log_lines("ordering anew", mark)[0]
    assert httpd.log_lines("AH10056", mark) == []


@pytest.mark.parametrize("kind", ["alreadyReplaced", "malformed", "unauthorized", "serverInternal"])
def test_a_refused_replacement_is_ordered_anew_once(short_ca, new_httpd, name, kind):
    httpd = new_httpd(short_ca)
    with Proxy(httpd.root, short_ca) as proxy:
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file).start()
        first = tls.wait_for_cert(httpd.https_port, name())
        proxy.answer("POST /order-plz", problem(kind, "not this one", 409), times=1)
        suggest(short_ca, first, -7200, -3600)
        tls.wait_for_cert(httpd.https_port, name(), 40, unlike=first)
        wishes = proxy.payloads("POST /order-plz")
    assert any("replaces" in wish for wish in wishes) and "replaces" not in wishes[-1]
    assert httpd.log_lines("AH10056") == []
    assert len(proxy.accounts) == 1


def test_a_ca_that_suggests_nonsense_is_no_reason_to_fail(short_ca, new_httpd, name):
    httpd = new_httpd(short_ca)
    httpd.managing(name()).start()
    first = tls.wait_for_cert(httpd.https_port, name())
    suggest(short_ca, first, 3600, -3600)
    line = httpd.wait_for_log("could not be asked when to renew", 30)
    assert "ends before it begins" in line and name() in line and "next try in" in line
    assert httpd.log_lines("AH10056") == []
    assert tls.leaf(httpd.https_port, name()) == first


def test_with_ari_off_nobody_is_asked(short_ca, new_httpd, name):
    httpd = new_httpd(short_ca)
    with Proxy(httpd.root, short_ca) as proxy:
        httpd.managing(name("a"), ca_url=proxy.url, ca_file=proxy.ca_file,
                       extra=f"MDRenewViaARI off\n<MDomain {name('b')}>\nMDRenewViaARI on\nMDRenewMode always\n"
                             "</MDomain>\n").start()
        tls.wait_for_cert(httpd.https_port, name("a"))
        proxy.wait_for("GET /draft-ietf-acme-ari", 40)
        httpd.wait_for_log(f"{name('b')}: its CA suggests", 10)
        assert httpd.log_lines(f"{name('a')}: its CA suggests") == []
