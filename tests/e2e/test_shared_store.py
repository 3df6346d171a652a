# SPDX-License-Identifier: Apache-2.0
"""Servers that share one store: the lock of MDStoreLocks, and what happens with it and without."""

import fcntl

from kit import tls
from kit.checks import promoted
from kit.proc import free_port, wait_until


def test_a_store_that_is_locked_for_long_is_used_as_it_is(ca, httpd, name):
    httpd.managing(name(), extra="MDLiveActivation off\nMDStoreLocks on").start()
    wait_until(lambda: httpd.log_lines("AH10059"), 30, "a set is staged")
    httpd.stop()
    httpd.managing(name(), extra="MDStoreLocks 1s")
    with open(httpd.store.file("store.lock"), "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = httpd.mark()
        httpd.start()
        line = httpd.wait_for_log("AH10398", since=mark)
        assert "another server that shares this store had" in line and "store.lock locked for more than 1s" in line
        assert httpd.store.cert(name()) is None, "activated without the lock"
        assert not httpd.log_lines("noting how the domains stand", since=mark), "it waited for the lock once more"
    httpd.restart()
    assert httpd.store.json("domains", name(), "md.json")["state"] == 2
    assert httpd.store.cert(name()) == tls.leaf(httpd.https_port, name())


def test_two_servers_start_on_one_store_and_both_serve_its_certificate(ca, httpd, new_httpd, name):
    httpd.managing(name(), extra="MDStoreLocks on").start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    promoted(httpd, name(), cert)
    other = new_httpd(ca, http_port=free_port(), https_port=free_port())
    other.managing(name(), extra=f"MDStoreLocks on\nMDStoreDir {httpd.store.path}\nMDRenewMode manual").start()
    assert tls.leaf(other.https_port, name()) == cert
    assert not other.log_lines("AH10398|another server")


def test_a_second_server_on_the_same_store_is_noticed(ca, httpd, new_httpd, name):
    httpd.managing(name()).start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    promoted(httpd, name(), cert)
    other = new_httpd(ca, http_port=free_port(), https_port=free_port())
    other.managing(name(), extra=f"MDStoreDir {httpd.store.path}\nMDRenewMode manual").start()
    line = other.wait_for_log("another server")
    assert f"process {httpd.proc.pid}" in line and str(httpd.store.path) in line and "MDStoreLocks" in line
    httpd.graceful()
    assert not httpd.log_lines("another server")
    httpd.stop()
    mark = other.mark()
    other.graceful()
    assert not other.log_lines("another server", since=mark)
