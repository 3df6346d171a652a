# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any point of an order: it goes on, with the same account, the same key, and no order to spare."""

import os
import re
import signal

import pytest

from kit import places, tls
from kit.ca_proxy import Answer, Proxy
from kit.checks import covers
from kit.pebble import Pebble
from kit.proc import wait_until
from kit.store import spki

STEPS = {
    "directory": "GET /dir", "account": "POST /sign-me-up", "order": "POST /order-plz", "authorization": "POST /authZ",
    "challenge": "POST /chalZ", "finalize": "POST /finalize-order", "certificate": "POST /certZ",
}


def kill_all(httpd):
    httpd.kill()
    httpd.start()


def kill_child(httpd):
    for pid in httpd.children():
        os.kill(pid, signal.SIGKILL)


def answer_is_lost(gone):
    """The CA did what it was asked, but its answer never arrived: it waits until everything is over."""
    def keep(answer):
        gone.append(answer.status)
        answer.slow = 60
        return answer
    return keep


@pytest.mark.parametrize("reached", [False, True], ids=["before-the-ca", "after-the-ca"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kill", [kill_all, kill_child])
def test_killed_in_the_middle_of_a_step_the_order_goes_on(ca, httpd, name, step, kill, reached):
    if kill is kill_child and step in ("directory", "authorization"):
        step = "challenge"                              # the interesting ones suffice for children
    with Proxy(httpd.root, ca) as proxy:
        answered = []
        if reached:
            proxy.answer(STEPS[step], answer_is_lost(answered), 1)
        else:
            proxy.hold(STEPS[step], 1)
        httpd.managing(name(), name("alias"), ca_url=proxy.url, ca_file=proxy.ca_file).start()
        proxy.wait_for(STEPS[step])
        if reached:
            wait_until(lambda: answered, 10, "the CA has answered")
        before = httpd.store.json("staging", name(), "order.json")
        key = httpd.store.key(name(), "staging")
        orders = len(proxy.orders)
        kill(httpd)
        cert = tls.wait_for_cert(httpd.https_port, name(), 60)
        assert covers(cert, name(), name("alias"))
        if key:
            assert spki(cert.public_key()) == spki(key.public_key()), "the key that was saved is the one certified"
        made = len(proxy.orders) - orders
        # a CA that was told to look finds nothing while the server is down, or loses the child it asks, and the
        # order is over
        down = reached and step == "challenge"
        if before:
            assert made <= down, "the order that was saved goes on"
        assert len(proxy.accounts) == 1, "one account, whatever happened"
        httpd.restart()
        assert len(httpd.store.names("accounts")) == 1
        assert tls.leaf(httpd.https_port, name()) == cert


def stages():
    """The stages of a renewal, as the page about them has them (which a unit test compares with the code)."""
    page = (places.TOP / "docs/jobs.md").read_text().split("## The stages of a renewal")[1].split("\n## ")[0]
    return re.findall(r"^\| `([\w-]+)` \|", page, re.M)


@pytest.fixture(scope="module")
def agreeable_ca(lab, dns):
    """A CA that finds every name proved, also while the server is down: no order fails for that."""
    folder = lab / "agreeable"
    folder.mkdir()
    ca = Pebble(folder, dns, strict=True, va_always_valid=1)
    yield ca
    ca.stop()


@pytest.mark.parametrize("stage", stages())
def test_killed_at_any_stage_the_same_order_goes_on(agreeable_ca, new_httpd, name, stage):
    httpd = new_httpd(agreeable_ca, module=places.held_module())
    with Proxy(httpd.root, agreeable_ca) as proxy:
        httpd.env = {"MD_TEST_HOLD_AT": stage}
        httpd.managing(name(), name("alias"), ca_url=proxy.url, ca_file=proxy.ca_file).start()
        httpd.wait_for_log(f"held before {stage}", 30)
        httpd.kill()
        httpd.env = {}
        httpd.start()
        cert = tls.wait_for_cert(httpd.https_port, name(), 60)
        assert covers(cert, name(), name("alias"))
        assert len(proxy.orders) == 1 and len(proxy.accounts) == 1
        httpd.restart()
        assert tls.leaf(httpd.https_port, name()) == cert
        assert len(httpd.store.names("accounts")) == 1 and len(proxy.orders) == 1


def test_a_killed_server_that_waits_for_validation_goes_on(new_ca, new_httpd, name):
    ca = new_ca(va_sleeptime=4)
    httpd = new_httpd(ca)
    with Proxy(httpd.root, ca) as proxy:
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file).start()
        proxy.wait_for("POST /chalZ")
        httpd.kill()
        httpd.start()
        tls.wait_for_cert(httpd.https_port, name(), 60)
        assert len(proxy.orders) <= 2


def test_killed_right_after_going_live_nothing_is_lost(ca, httpd, name):
    httpd.managing(name()).start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    httpd.kill()
    orders = ca.count("POST /order-plz")
    httpd.start()
    assert tls.leaf(httpd.https_port, name()) == cert
    assert ca.count("POST /order-plz") == orders


def test_an_order_the_ca_has_forgotten_is_made_anew(ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        proxy.hold("POST /finalize-order", 1)
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file, extra="MDRetryDelay 1s").start()
        proxy.wait_for("POST /finalize-order")
        httpd.kill()
        proxy.answer("POST /(my-order|authZ|finalize-order)", Answer(404, "gone", "text/plain"), 3)
        httpd.start()
        tls.wait_for_cert(httpd.https_port, name(), 60)


def test_an_account_the_ca_has_forgotten_is_made_anew(new_ca, new_httpd, name):
    ca = new_ca()
    httpd = new_httpd(ca)
    httpd.managing(name(), extra="MDRetryDelay 1s").start()
    first = tls.wait_for_cert(httpd.https_port, name())
    httpd.restart()
    ca.stop()
    ca.start()                                          # Pebble forgets everything
    httpd.managing(name(), name("more"), extra="MDRetryDelay 1s")
    httpd.graceful()
    cert = tls.wait_for_cert(httpd.https_port, name(), 60, unlike=first)
    assert covers(cert, name(), name("more"))
