# SPDX-License-Identifier: Apache-2.0
"""Everything that can go wrong between a server and its CA, at a renewal: one line says what, the certificate that there is
keeps serving, and the next try succeeds."""

import datetime
import email.utils
import re

import pytest

from kit import tls
from kit.ca_proxy import JSON, PROBLEM, Answer, Proxy, problem
from kit.checks import covers
from kit.proc import wait_until

BODY = "{" + " " * 20000 + "}"
AGAIN = [("Retry-After", "3")]


def with_wrong_nonce(answer):
    """The CA's answer with a nonce that it never gave out."""
    answer.headers = [(k, "bm90LW9uZS1vZi1teS1ub25jZXM" if k.lower() == "replay-nonce" else v) for k, v in answer.headers]
    return answer


def cut_json(answer):
    """Half of it, as if that were all."""
    return Answer(answer.status, answer.body[:len(answer.body) // 2], answer.kind, answer.headers)


# what, the requests it concerns, what comes instead, what the log says
ANSWERS = {
    "resets": ("GET /dir", Answer(200, BODY, how="reset"), "(?i)reset|closed|receive|unexpected eof"),
    "resets in an order": ("POST /order-plz", Answer(201, BODY, how="reset"), "(?i)reset|closed|receive|unexpected eof"),
    "cuts JSON": ("POST /finalize-order", cut_json, "JSON"),
    "cuts the body": ("POST /authZ", Answer(200, BODY, how="cut"), "(?i)transfer|closed|partial|bytes|eof"),
    "names a wrong content type": ("POST /order-plz", lambda a: Answer(a.status, a.body, "image/gif", a.headers), "image/gif"),
    "wants us to wait (429)": ("POST /order-plz", problem("rateLimited", "too many of those", 429, AGAIN), "too many of those"),
    "wants all to wait (503)": ("POST /order-plz", Answer(503, "busy", "text/plain", AGAIN), "503"),
    "never ends": ("GET /dir", Answer(200, "{", how="endless"), "(?i)larger|limit|more than|too|MiB"),
    "gives wrong nonces": (".", with_wrong_nonce, "badNonce"),
    "redirects": ("GET /dir", Answer(301, "", JSON, [("Location", "/elsewhere")]), "301"),
    "redirects a request": ("POST /order-plz", Answer(308, "", PROBLEM, [("Location", "/elsewhere")]), "308"),
}


@pytest.fixture
def renewing(ca, httpd, name):
    """A server with a certificate that is to be renewed, for one more name, as soon as it starts again; and its CA."""
    with Proxy(httpd.root, ca) as proxy:
        at = {"ca_url": proxy.url, "ca_file": proxy.ca_file, "extra": "MDRetryDelay 1s"}
        httpd.managing(name(), **at).start()
        old = tls.wait_for_cert(httpd.https_port, name())
        httpd.stop()
        httpd.managing(name(), name("more"), **at)
        yield proxy, old


def fails_and_mends(httpd, name, old, says, mend, timeout=20):
    """The story of all faults."""
    httpd.start()
    line = httpd.wait_for_log("AH10056", timeout)
    assert name() in line and re.search(says, line) and "next try in" in line and len(line) < 1200, line
    assert tls.leaf(httpd.https_port, name()) == old
    assert tls.get(httpd.https_port, name())[0] == 200
    mend()
    new = tls.wait_for_cert(httpd.https_port, name(), 40, unlike=old)
    assert covers(new, name(), name("more"))


@pytest.mark.parametrize("what", ANSWERS)
def test_a_ca_that_misbehaves(httpd, name, renewing, what):
    proxy, old = renewing
    pattern, answer, says = ANSWERS[what]
    proxy.answer(pattern, answer)
    fails_and_mends(httpd, name, old, says, proxy.behave)


def test_a_ca_that_stalls_within_an_answer(httpd, name, renewing):
    proxy, old = renewing
    proxy.answer("GET /dir", Answer(200, BODY, how="stall"), 1)
    fails_and_mends(httpd, name, old, "(?i)slow|time|bytes", proxy.behave, 60)


def test_a_ca_that_refuses_connections(httpd, name, renewing):
    proxy, old = renewing
    proxy.close()
    fails_and_mends(httpd, name, old, "(?i)connect|refused", proxy.open)


def test_a_ca_with_the_certificate_of_another_name(httpd, name, renewing):
    proxy, old = renewing
    mine, proxy.tls = proxy.tls, proxy.identity("other", ["other.example.test"])
    proxy.ca_file.write_bytes(proxy.ca_file.read_bytes() + (proxy.folder / "other-tls.pem").read_bytes())

    def mend():
        proxy.tls = mine
    fails_and_mends(httpd, name, old, "(?i)name|match", mend)


@pytest.mark.parametrize("text", ["seconds", "date", "in the text"])
def test_the_time_that_the_ca_names_is_kept_over_a_restart(httpd, name, renewing, text):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=20)
    header = {"seconds": "1200", "date": email.utils.format_datetime(when, usegmt=True)}.get(text)
    said = "too many certificates" + (f", retry after {when:%Y-%m-%d %H:%M:%S} UTC" if not header else "")
    proxy, old = renewing
    proxy.answer("POST /order-plz", problem("rateLimited", said, 429, [("Retry-After", header)] if header else []))
    httpd.start()
    httpd.wait_for_log("AH10056", 20)

    def next_run():
        job = httpd.store.json("staging", name(), "job.json") or {}
        return "next-run" in job and email.utils.parsedate_to_datetime(job["next-run"])
    named = wait_until(next_run, 10, "the time is recorded")
    assert abs((named - when).total_seconds()) < 5
    asked = len(proxy.seen("POST /order-plz"))
    proxy.behave()
    httpd.configure(f"MDomain {name()} {name('more')}\nMDomain {name('b')}", httpd.vhost(name(), name("more")), httpd.vhost(name("b")),
                    ca_url=proxy.url, ca_file=proxy.ca_file).restart()
    tls.wait_for_cert(httpd.https_port, name("b"))      # which is due at the same time, and comes last
    ordered = [order["identifiers"] for order in proxy.payloads("POST /order-plz")[asked:]]
    assert all(names == [{"type": "dns", "value": name("b")}] for names in ordered)
    assert next_run() == named and tls.leaf(httpd.https_port, name()) == old
