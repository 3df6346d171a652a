# SPDX-License-Identifier: Apache-2.0
"""Renewals that nobody notices: under load, with connections kept and sessions resumed, in children old and new."""

import os
import signal
import time

import pytest

from kit import tls
from kit.checks import every_child_shows, promoted
from kit.load import Load
from kit.proc import wait_until

RENEW_AFTER_10_S = "MDRenewWindow 50s\nMDRenewViaARI off\n"


@pytest.fixture(scope="module")
def minute_ca(lab, dns):
    """A CA whose certificates live for one minute."""
    from kit import pebble
    folder = lab / "minute"
    folder.mkdir()
    ca = pebble.Pebble(folder, dns, strict=True, config={
        "profiles": {"default": {"description": "a minute", "validityPeriod": 60}}})
    yield ca
    ca.stop()


def test_renewals_under_load_fail_no_request(minute_ca, new_httpd, name):
    httpd = new_httpd(minute_ca)
    httpd.managing(name(), extra=RENEW_AFTER_10_S).start()
    first = tls.wait_for_cert(httpd.https_port, name())
    with Load(httpd.https_port, name(), minute_ca.root()) as load:
        second = tls.wait_for_cert(httpd.https_port, name(), 30, unlike=first)
        third = tls.wait_for_cert(httpd.https_port, name(), 30, unlike=second)
        every_child_shows(httpd, name(), third)
        seen = load.requests
        wait_until(lambda: load.requests > seen + 200, 20, "the load goes on")
    assert not load.failures, load.failures[:5]
    assert load.connects["keeps"] == 2, "kept connections go on through renewals"
    assert load.resumed > 0
    assert {c.serial_number for c in (first, second, third)} <= set(load.serials)
    assert first.public_key() != second.public_key(), "a renewal brings a new key"
    assert minute_ca.count("POST /order-plz") < 12, "renewing does not go round in circles"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_session_begun_before_a_renewal_is_resumed_after_it(minute_ca, new_httpd, name, version):
    httpd = new_httpd(minute_ca)
    httpd.managing(name(), extra=RENEW_AFTER_10_S).start()
    first = tls.wait_for_cert(httpd.https_port, name())
    visitor = tls.Visitor(httpd.https_port, name(), version=version)
    visitor.get("/")
    visitor.close()
    tls.wait_for_cert(httpd.https_port, name(), 30, unlike=first)
    assert visitor.get("/")[0] == 200
    assert visitor.resumed


@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_children_forked_later_serve_the_new_certificate(ca, new_httpd, name, mpm):
    httpd = new_httpd(ca, mpm=mpm)
    httpd.managing(name()).start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    replace_children(httpd)                             # while the set is still in staging
    every_child_shows(httpd, name(), cert, 30)
    promoted(httpd, name(), cert)
    replace_children(httpd)                             # after the parent moved it
    every_child_shows(httpd, name(), cert, 30)
    assert tls.get(httpd.https_port, name(), roots=ca.root())[0] == 200


def replace_children(httpd):
    """Crash the children that are there; the parent forks others."""
    old = set(httpd.children())
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: httpd.children() and not old & set(httpd.children()), 20, "new children")


def test_children_that_live_for_few_connections_serve_it_too(ca, httpd, name):
    few = ("StartServers 1\nServerLimit 6\nThreadsPerChild 4\nMaxRequestWorkers 24\nMinSpareThreads 2\n"
           "MaxSpareThreads 8\nMaxConnectionsPerChild 8\n")
    httpd.managing(name(), mpm_settings=few).start()
    cert = tls.wait_for_cert(httpd.https_port, name(), 60)
    pids = set()
    for _ in range(60):
        assert tls.leaf(httpd.https_port, name()) == cert
        pids |= set(httpd.children())
    assert len(pids) >= 3, "children came and went"


def test_a_renewal_for_one_more_name_keeps_the_old_certificate_until_then(ca, httpd, name):
    httpd.managing(name()).start()
    first = tls.wait_for_cert(httpd.https_port, name())
    with Load(httpd.https_port, name(), ca.root(), kinds=("renews",)) as load:
        httpd.managing(name(), name("more"))
        httpd.graceful()
        second = tls.wait_for_cert(httpd.https_port, name(), unlike=first)
        time.sleep(0.5)
    assert [f for f in load.failures if "status" in f[1] or "certificate" in f[1]] == []
    assert set(load.serials) == {first.serial_number, second.serial_number}


def test_nothing_is_renewed_before_its_time(ca, httpd, name):
    httpd.managing(name()).start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    orders = ca.count("POST /order-plz")
    httpd.graceful()
    httpd.restart()
    time.sleep(2)
    assert ca.count("POST /order-plz") == orders
    assert tls.leaf(httpd.https_port, name()) == cert


def test_renew_mode_manual_orders_nothing(ca, httpd, name):
    orders = ca.count("POST /order-plz")
    httpd.managing(name(), extra="MDRenewMode manual").start()
    time.sleep(2)
    assert ca.count("POST /order-plz") == orders
    assert tls.is_placeholder(tls.leaf(httpd.https_port, name()))
