# SPDX-License-Identifier: Apache-2.0
"""Whatever goes wrong here, and however often the server starts, a CA is asked for no more than it allows."""

import shutil
import time

import pytest

from kit import tls
from kit.a2md import A2md
from kit.ca_proxy import Proxy
from kit.proc import wait_until

LIVES = 7


@pytest.mark.parametrize("how", ["reloads", "crashes"])
def test_a_name_that_cannot_be_proved_does_not_use_up_what_the_ca_allows(ca, dns, httpd, name, how):
    dns.tell("add-a", host=name(), addresses=["127.0.0.9"])
    with Proxy(httpd.root, ca) as proxy:
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file, extra="MDCABudget on").start()
        for _ in range(LIVES):
            seen = httpd.wait_for_log("AH10056", 30, since=httpd.begun)
            if "md:budget" in seen:
                break
            if how == "reloads":
                httpd.graceful()
            else:
                httpd.kill()
                httpd.start()
        assert len(proxy.orders) == 4
        line = httpd.wait_for_log("md:budget")
        assert "at most 4 failed validations of a domain within 1 hour (MDCABudget)" in line and "a2md renew" in line
        assert tls.is_placeholder(tls.leaf(httpd.https_port, name()))
        httpd.graceful()                                # a limit is not tried again by a start
        dns.tell("clear-a", host=name())
        began = int(time.time())
        wait_until(lambda: time.time() > began + 1.1, 5, "people are slower than records, which have seconds")
        A2md(httpd.store.path).run("renew", name())     # but by a person
        tls.wait_for_cert(httpd.https_port, name(), 20)
        assert len(proxy.orders) == 5


def test_a_certificate_that_gets_lost_is_not_ordered_again_and_again(ca, httpd, name):
    httpd.managing(name(), extra="MDLiveActivation off")
    for _ in range(4):
        httpd.start()
        httpd.wait_for_log("AH10059", 30, since=httpd.begun)
        httpd.stop()
        shutil.rmtree(httpd.store.file("staging", name()))
    httpd.start()
    assert "at most 4 certificates for the same names within 7 days" in httpd.wait_for_log("md:budget", 20)


def test_many_domains_at_a_ca_of_ones_own_are_not_held_back(ca, httpd, name):
    hosts = [name(f"h{i}") for i in range(12)]
    httpd.configure(*[f"MDomain {host}" for host in hosts], *[httpd.vhost(host) for host in hosts]).start()
    for host in hosts:
        tls.wait_for_cert(httpd.https_port, host, 30)
    assert not httpd.log_lines("md:budget|one by one")
