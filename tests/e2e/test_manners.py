# SPDX-License-Identifier: Apache-2.0
"""How we treat the CA and the operator: Retry-After, few requests side by side, contacts, advice before any failure."""

import re

import pytest

from kit import places, tls
from kit.ca_proxy import Proxy
from kit.checks import promoted
from kit.pki import cert_pem, key_pem, new_cert, new_key


def polls_of(proxy, pattern):
    """{url: times of requests to it}."""
    times = {}
    for when, request, _ in proxy.seen(pattern):
        times.setdefault(request, []).append(when)
    return times


def test_retry_after_is_obeyed_in_both_forms(new_ca, new_httpd, name):
    ca = new_ca(va_sleeptime=3, wfe_noncereject=0, config={"retryAfter": {"authz": 4, "order": 4}})
    httpd = new_httpd(ca)
    hosts = [name(f"h{i}") for i in range(6)]           # the form is drawn by lot for each answer
    with Proxy(httpd.root, ca) as proxy:
        httpd.configure(*[f"MDomain {h}" for h in hosts], *[httpd.vhost(h) for h in hosts],
                        ca_url=proxy.url, ca_file=proxy.ca_file).start()
        for host in hosts:
            tls.wait_for_cert(httpd.https_port, host, 60)
        for url, times in polls_of(proxy, "POST /(authZ|my-order)").items():
            waits = [b - a for a, b in zip(times[1:], times[2:])]    # the first poll needs no advice
            assert len(times) <= 4, f"{url} was asked {len(times)} times"
            assert all(wait > 2.5 for wait in waits), f"{url}: {waits}"


def test_orders_in_progress_are_bounded(new_ca, new_httpd, name):
    ca = new_ca(va_sleeptime=2, wfe_noncereject=0)
    httpd = new_httpd(ca)
    hosts = [name(f"h{i}") for i in range(9)]
    with Proxy(httpd.root, ca) as proxy:
        httpd.configure("MDRenewConcurrency 3", "MDPrivateKeys P-256", *[f"MDomain {h}" for h in hosts],
                        *[httpd.vhost(h) for h in hosts], ca_url=proxy.url, ca_file=proxy.ca_file).start()
        for host in hosts:
            tls.wait_for_cert(httpd.https_port, host, 60)
        going, most = 0, 0
        for _, request, _ in proxy.seen("POST /(order-plz|certZ)"):
            going += 1 if "order-plz" in request else -1
            most = max(most, going)
        assert 2 <= most <= 3
        assert going == 0


def test_requests_side_by_side_are_few(new_ca, new_httpd, name):
    ca = new_ca(va_sleeptime=2)
    httpd = new_httpd(ca)
    hosts = [name(f"h{i}") for i in range(30)]
    with Proxy(httpd.root, ca) as proxy:
        httpd.configure("MDRenewConcurrency 30", "MDPrivateKeys P-256", *[f"MDomain {h}" for h in hosts],
                        *[httpd.vhost(h) for h in hosts], ca_url=proxy.url, ca_file=proxy.ca_file).start()
        for host in hosts:
            tls.wait_for_cert(httpd.https_port, host, 60)
        assert proxy.peak <= 8
        assert len(proxy.accounts) == 1


def test_contacts_are_told_to_the_ca_and_kept_up_to_date(ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        at = {"ca_url": proxy.url, "ca_file": proxy.ca_file}
        httpd.managing(name(), **at).start()
        first = tls.wait_for_cert(httpd.https_port, name())
        told = proxy.payloads("POST /sign-me-up")[-1]
        assert told["contact"] == ["mailto:admin@example.test"]
        assert told["termsOfServiceAgreed"] is True
        httpd.managing(name(), name("more"), extra="MDContactEmail other@example.test", **at)
        httpd.graceful()
        tls.wait_for_cert(httpd.https_port, name(), 60, unlike=first)
        updates = [p for p in proxy.payloads("POST /my-account") if p]
        assert updates and updates[-1]["contact"] == ["mailto:other@example.test"]
        assert len(proxy.accounts) == 1


def test_the_server_says_who_it_is(ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file).start()
        tls.wait_for_cert(httpd.https_port, name())
        assert proxy.agents and all(re.search(r"Apache/2.* mod_md/\d", a) for a in proxy.agents), proxy.agents


def test_a_wildcard_without_dns_is_explained(ca, httpd, name):
    rest = name().split(".", 1)[1]
    httpd.configure(f"MDomain {rest} *.{rest}\nMDomain {name('fine')}.other.test\n", httpd.vhost(rest, f"*.{rest}"),
                    httpd.vhost(name("fine") + ".other.test")).start()
    line = httpd.wait_for_log("AH10173|AH10056", 20)
    assert rest in line and re.search("dns-01|wildcard", line)
    tls.wait_for_cert(httpd.https_port, name("fine") + ".other.test")


def test_a_server_that_cannot_be_reached_by_http_is_explained(ca, httpd, name):
    httpd.managing(name(), extra="MDPortMap http:- https:-")
    httpd.start()
    line = httpd.wait_for_log("AH10173|AH10056", 20)
    assert name() in line and re.search("http-01|challenge", line)


def test_a_base_server_can_be_managed(ca, httpd, name):
    httpd.configure(f"MDBaseServer on\nServerName {name()}\nSSLEngine on\nMDomain {name()}\n",
                    f"<VirtualHost *:{httpd.http_port}>\nServerName localhost\nSSLEngine off\n</VirtualHost>\n").start()
    tls.wait_for_cert(httpd.https_port, name())


def test_another_host_in_front_of_a_managed_one_is_noticed(ca, httpd, name):
    """After going live one handshake with ourselves proves what clients get; here they get something else."""
    key = new_key("rsa")
    (httpd.root / "own.pem").write_bytes(cert_pem(new_cert([name()], key)))
    (httpd.root / "own.key").write_bytes(key_pem(key))
    in_front = httpd.vhost("front.example.test", name(), http=False, extra=f"SSLCertificateFile {httpd.root}/own.pem\n"
                                                                           f"SSLCertificateKeyFile {httpd.root}/own.key")
    httpd.configure("MDMatchNames servernames", f"MDomain {name()} manual\n", in_front, httpd.vhost(name())).start()
    line = httpd.wait_for_log(r"\[md:error\].*serves another certificate", 40)
    assert name() in line


def test_certificates_of_ones_own_are_left_alone(ca, httpd, name):
    key = new_key("rsa")
    cert = new_cert([name()], key)
    (httpd.root / "own.pem").write_bytes(cert_pem(cert))
    (httpd.root / "own.key").write_bytes(key_pem(key))
    orders = ca.count("POST /order-plz")
    httpd.configure(f"<MDomain {name()}>\n  MDCertificateFile own.pem\n  MDCertificateKeyFile own.key\n</MDomain>\n",
                    httpd.vhost(name())).start()
    assert tls.leaf(httpd.https_port, name()) == cert
    assert tls.get(httpd.https_port, name())[0] == 200
    assert ca.count("POST /order-plz") == orders


def test_without_watchdog_or_ssl_the_module_still_loads(ca, httpd, name):
    httpd.configure("")
    config = httpd.root / "conf/httpd.conf"
    text = [l for l in config.read_text().splitlines() if not re.match(r"LoadModule ssl|SSLSessionCache|Listen .* https", l)]
    config.write_text("\n".join(text) + "\n")
    assert httpd.configtest()[0]
    httpd.start()


@pytest.mark.parametrize("mpm", ["worker", "prefork"])
def test_the_parent_promotes_under_every_mpm(ca, new_httpd, name, mpm):
    httpd = new_httpd(ca, mpm=mpm)
    httpd.managing(name()).start()
    promoted(httpd, name(), tls.wait_for_cert(httpd.https_port, name()))
    assert not places.is_stock()
