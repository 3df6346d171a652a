# SPDX-License-Identifier: Apache-2.0
"""What can be asked of a running server about its domains."""

import json

from kit import tls
from kit.ca_proxy import Proxy, problem
from kit.proc import wait_until

PAGE = '<Location "/md-status">\n    SetHandler md-status\n</Location>\n'


def status(httpd, md=""):
    code, headers, body = httpd.get(f"/md-status/{md}")
    assert code == 200 and headers["Content-Type"].startswith("application/json")
    return json.loads(body)


def test_the_status_tells_about_a_live_certificate(ca, httpd, name):
    httpd.managing(name(), name("alias"), extra=PAGE).start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    one = wait_until(lambda: status(httpd, name())["cert"].get("rsa") and status(httpd, name()), 15, "the status knows")
    assert one["name"] == name() and one["domains"] == [name(), name("alias")]
    assert int(one["cert"]["rsa"]["serial"], 16) == cert.serial_number
    assert one["watched"] is True and one["renew-at"]
    whole = status(httpd)
    assert [d["name"] for d in whole["managed-domains"]] == [name()]
    assert "version" in whole


def test_the_status_tells_what_went_wrong_and_when_it_goes_on(ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        proxy.answer("POST /order-plz", problem("serverInternal", "the moon is in the wrong phase", 500))
        httpd.managing(name(), extra=PAGE, ca_url=proxy.url, ca_file=proxy.ca_file).start()
        one = wait_until(lambda: status(httpd, name()).get("renewal", {}).get("errors") and status(httpd, name()), 20,
                         "the error is shown")
        renewal = one["renewal"]
        assert "the moon is in the wrong phase" in renewal["last"]["detail"]
        assert renewal["last"]["problem"] == "urn:ietf:params:acme:error:serverInternal"
        assert renewal["next-run"]
        assert any(e["type"] == "renewal-error" for e in renewal["log"]["entries"])


def test_a_renewal_under_way_is_shown(new_ca, new_httpd, name):
    httpd = new_httpd(new_ca(va_sleeptime=6))
    hosts = [name(f"h{i}") for i in range(3)]           # how long the CA takes is drawn by lot
    httpd.configure(PAGE, *[f"MDomain {h}" for h in hosts], *[httpd.vhost(h) for h in hosts]).start()
    shown = wait_until(lambda: [d for d in status(httpd)["managed-domains"]
                                if "waiting" in d.get("renewal", {}).get("last", {}).get("activity", "")], 10, "a wait is shown",
                       pause=0.1)
    assert shown[0]["renew"] is True
    assert "renewing" in shown[0]["conditions"] and shown[0]["progress"]["stage"] == "await-authz"
    assert shown[0]["progress"]["doing"] and 1 < shown[0]["progress"]["step"] < shown[0]["progress"]["steps"]


def test_no_secret_is_ever_shown(ca, httpd, name):
    httpd.managing(name(), extra=PAGE).start()
    tls.wait_for_cert(httpd.https_port, name())
    secret = httpd.store.json("md_store.json")["key"]
    shown = json.dumps(status(httpd)) + json.dumps(status(httpd, name())) + httpd.error_log()
    assert secret not in shown
    assert "PRIVATE KEY" not in shown


def test_everybody_may_ask_for_the_certificate_status(ca, httpd, name):
    httpd.managing(name()).start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    code, _, body = tls.get(httpd.https_port, name(), "/.httpd/certificate-status")
    assert code == 200
    assert int(json.loads(body)["rsa"]["serial"], 16) == cert.serial_number
    assert tls.get(httpd.https_port, name(), "/.httpd/certificate-status", method="POST")[0] == 501


def test_the_certificate_status_is_there_before_the_certificate(ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        proxy.hold("GET /dir")
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file).start()
        assert tls.get(httpd.https_port, name(), "/.httpd/certificate-status")[0] == 200
