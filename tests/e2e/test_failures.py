# SPDX-License-Identifier: Apache-2.0
"""Limits of CAs, several CAs, and proxies on the way to them."""

import base64
import os
import re

import pytest

from kit import tls
from kit.ca_proxy import Proxy, problem
from kit.connect_proxy import ConnectProxy
from kit.store import dns_names

UNPAUSE = "https://portal.ca.example.test/sfe/v1/unpause?jwt=" + "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." * 12 + "x"


def two_domains(httpd, name, proxy):
    """Two domains, one order at a time."""
    httpd.configure("MDRenewConcurrency 1", f"MDomain {name('a')}\nMDomain {name('b')}", httpd.vhost(name("a")),
                    httpd.vhost(name("b")), ca_url=proxy.url, ca_file=proxy.ca_file).start()


def test_a_limit_of_the_account_holds_back_all_its_new_orders(ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        proxy.answer("POST /order-plz", problem("rateLimited", "too many new orders (300) from this account", 429,
                                                [("Retry-After", "5")]), times=1)
        two_domains(httpd, name, proxy)
        assert "problem[urn:ietf:params:acme:error:rateLimited]" in httpd.wait_for_log("AH10056")
        tls.wait_for_cert(httpd.https_port, name("a"), 40)
        tls.wait_for_cert(httpd.https_port, name("b"), 40)
        times = [when for when, request, _ in proxy.requests if request.startswith("POST /order-plz")]
        assert times[1] - times[0] > 4, "nobody asked while the account was at its limit"


def test_a_limit_of_names_holds_back_their_domain_alone(ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        proxy.answer("POST /order-plz", problem("rateLimited", "too many certificates (5) already issued for this exact set", 429,
                                                [("Retry-After", "600")]), times=1)
        two_domains(httpd, name, proxy)
        held = re.search(r"md\[(\w+)\.", httpd.wait_for_log("AH10056")).group(1)
        tls.wait_for_cert(httpd.https_port, name("b" if held == "a" else "a"))
        assert tls.is_placeholder(tls.leaf(httpd.https_port, name(held)))


def test_a_pause_is_shown_with_the_page_that_ends_it(ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        proxy.answer("POST /order-plz", problem("rateLimited", "Your account is temporarily prevented from requesting certificates. "
                                                f"Please visit: {UNPAUSE}", 429, [("Retry-After", "60")]))
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file).start()
        line = httpd.wait_for_log("AH10056")
        assert "problem[md:paused]" in line and UNPAUSE in line and "Open the page of the CA" in line
        last = httpd.store.json("staging", name(), "job.json")["last"]
        assert last["problem"] == "md:paused" and UNPAUSE in last["detail"]


def eab(kid):
    """(kid, hmac) that a CA knows."""
    return kid, base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


def test_after_failover_with_its_own_binding_the_first_ca_has_its_turn_again(new_ca, new_httpd, name):
    pairs = [eab("kid-1"), eab("kid-2")]
    first = new_ca(config={"externalAccountBindingRequired": True, "externalAccountMACKeys": dict(pairs[:1])})
    second = new_ca(config={"externalAccountBindingRequired": True, "externalAccountMACKeys": dict(pairs[1:])},
                    http_port=first.http_port, tls_port=first.tls_port)
    httpd, roots = new_httpd(first), first.folder / "roots.pem"
    with Proxy(httpd.root, first) as proxy:
        proxy.answer("POST /order-plz", problem("serverInternal", "broken", 500))
        roots.write_bytes(proxy.ca_file.read_bytes() + second.ca_file.read_bytes())
        settings = (f"MDCertificateAuthority {proxy.url} {second.url}\nMDRetryFailover 2\nMDRetryDelay 1s\n"
                    f"MDExternalAccountBinding {proxy.url} {' '.join(pairs[0])}\nMDExternalAccountBinding {second.url} {' '.join(pairs[1])}\n")
        httpd.managing(name(), extra=settings, ca_file=roots).start()
        from_second = tls.wait_for_cert(httpd.https_port, name(), 40)
        assert second.count("Added order") and not proxy.orders
        assert httpd.log_lines("after 2 errors in a row with localhost, trying localhost")
        assert not any(pair[1] in httpd.error_log() for pair in pairs)
        proxy.behave()
        orders = second.count("Added order")
        httpd.managing(name(), f"more.{name()}", extra=settings, ca_file=roots).restart()
        assert len(dns_names(tls.wait_for_cert(httpd.https_port, name(), 40, unlike=from_second))) == 2
        assert proxy.orders and second.count("Added order") == orders


def test_another_binding_is_another_account(new_ca, new_httpd, name):
    pairs = [eab("kid-1"), eab("kid-2")]
    ca = new_ca(config={"externalAccountBindingRequired": True, "externalAccountMACKeys": dict(pairs)})
    httpd = new_httpd(ca)
    httpd.managing(name(), extra=f"MDExternalAccountBinding {' '.join(pairs[0])}").start()
    first = tls.wait_for_cert(httpd.https_port, name())
    httpd.managing(name(), f"more.{name()}", extra=f"MDExternalAccountBinding {' '.join(pairs[1])}").restart()
    tls.wait_for_cert(httpd.https_port, name(), 40, unlike=first)
    registered = {line.split("registered the account ")[1].split()[0] for line in httpd.log_lines("registered the account")}
    assert len(registered) == 2
    assert not any(pair[1] in httpd.error_log() for pair in pairs)


def test_each_domain_trusts_the_roots_that_are_named_for_its_ca(new_ca, new_httpd, name):
    first = new_ca()
    second = new_ca(http_port=first.http_port, tls_port=first.tls_port)
    httpd = new_httpd(first)
    with Proxy(httpd.root, second) as proxy:            # whose certificate has a root of its own
        def section(label, roots):
            return f"<MDomain {name(label)}>\nMDCertificateAuthority {proxy.url}\nMDCACertificateFile {roots}\n</MDomain>"
        httpd.configure(f"MDomain {name('a')}", section("b", proxy.ca_file), section("c", first.ca_file),
                        *(httpd.vhost(name(label)) for label in "abc")).start()
        for label in "ab":
            tls.wait_for_cert(httpd.https_port, name(label))
        assert f"md[{name('c')}]" in httpd.wait_for_log("AH10056.*md:tls")
    assert len(httpd.log_lines("AH10056")) == 1


@pytest.mark.parametrize("secure", [False, True])
def test_the_way_to_the_ca_leads_through_a_proxy_with_a_password(ca, httpd, name, secure):
    with ConnectProxy(httpd.root, login="fred:se%cret", secure=secure) as proxy:
        extra = f"MDHttpProxyCACertificateFile {proxy.ca_file}\n" if secure else ""
        httpd.configure('<Location "/md-status">\n    SetHandler md-status\n</Location>', "LogLevel md:trace8",
                        f"<MDomain {name()}>\nMDHttpProxy {proxy.url('fred:se%25cret')}\n{extra}</MDomain>", httpd.vhost(name())).start()
        tls.wait_for_cert(httpd.https_port, name())
        assert proxy.requests and all(line.startswith(f"CONNECT localhost:{ca.port} ") for line in proxy.requests)
        shown = httpd.error_log() + str(httpd.get("/md-status")[2]) + str(httpd.get(f"/md-status/{name()}")[2])
        assert "cret" not in shown and "fred" not in shown


@pytest.mark.parametrize("how, says", [({"login": "fred:secret"}, "407"), ({"status": 502}, "502")])
def test_a_proxy_that_refuses_is_named_without_its_password(httpd, name, how, says):
    with ConnectProxy(httpd.root, **how) as proxy:
        httpd.managing(name(), extra=f"MDHttpProxy {proxy.url('fred:wrong')}").start()
        line = httpd.wait_for_log("AH10056")
        assert f"through the proxy localhost:{proxy.port}" in line and says in line
        assert "fred" not in httpd.error_log() and "wrong" not in httpd.error_log()


def test_a_proxy_that_is_not_there_is_named(httpd, name):
    httpd.managing(name(), extra="MDHttpProxy http://fred:secret@localhost:1").start()
    line = httpd.wait_for_log("AH10056")
    assert "through the proxy localhost:1" in line and "secret" not in httpd.error_log()
