# SPDX-License-Identifier: Apache-2.0
"""Starting waits for nobody, and stopping neither."""

import socket
import time

import pytest

from kit import tls
from kit.ca_proxy import Answer, Proxy
from kit.proc import wait_until


@pytest.fixture
def silent_port():
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


def test_a_start_does_not_wait_for_a_dead_ca(httpd, name, silent_port):
    httpd.managing(name(), ca_url=f"https://localhost:{silent_port}/dir")
    began = time.monotonic()
    httpd.start()
    assert time.monotonic() - began < 5
    assert tls.get(httpd.https_port, name())[0] == 503


@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_a_stop_does_not_wait_for_a_ca_that_does_not_answer(ca, new_httpd, name, silent_port, mpm):
    httpd = new_httpd(ca, mpm=mpm)
    httpd.managing(name(), ca_url=f"https://localhost:{silent_port}/dir").start()
    time.sleep(1.0)                                     # the request is under way by then
    began = time.monotonic()
    httpd.stop()
    assert time.monotonic() - began < 2, "a second for us, and httpd's own time"
    assert not httpd.log_lines("AH00045|still did not exit|SIGKILL")


def test_a_stop_in_the_middle_of_an_answer(ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        proxy.answer("POST /finalize", Answer(200, b"{" + b" " * 4000, slow=50))
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file).start()
        proxy.wait_for("POST /finalize")
        began = time.monotonic()
        httpd.stop()
        assert time.monotonic() - began < 2


def test_a_graceful_restart_in_the_middle_of_an_order(ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        gate = proxy.hold("POST /finalize", 1)
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file).start()
        proxy.wait_for("POST /finalize")
        old = set(httpd.children())
        httpd.graceful()
        tls.wait_for_cert(httpd.https_port, name(), 40)
        wait_until(lambda: not old & set(httpd.children()), 10, "the old children end")
        gate.set()
        assert len(proxy.orders) == 1


def test_a_server_with_many_domains_starts_at_once_and_serves_all(ca, httpd, name):
    hosts = [name(f"h{i}") for i in range(200)]
    httpd.configure("MDRenewMode manual\nMDPrivateKeys P-256", *[f"MDomain {h}" for h in hosts], *[httpd.vhost(h) for h in hosts])
    began = time.monotonic()
    httpd.start(30)
    assert time.monotonic() - began < 10
    for host in hosts[::40]:
        assert tls.get(httpd.https_port, host)[0] == 503


def test_a_reload_while_the_server_is_under_orders_keeps_the_account_single(ca, httpd, name):
    hosts = [name(f"h{i}") for i in range(8)]
    httpd.configure("MDPrivateKeys P-256", *[f"MDomain {h}" for h in hosts], *[httpd.vhost(h) for h in hosts]).start()
    for _ in range(3):
        httpd.graceful()
    for host in hosts:
        tls.wait_for_cert(httpd.https_port, host, 60)
    httpd.restart()
    assert len(httpd.store.names("accounts")) == 1
