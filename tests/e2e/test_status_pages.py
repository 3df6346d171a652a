# SPDX-License-Identifier: Apache-2.0
"""The status of several domains in several states: asked for in parts, unchanged, as server-status, as metrics, in logs."""

import datetime
import json
import pathlib
import re

from kit import pki, tls
from kit.a2md import A2md
from kit.ca_proxy import Proxy, problem
from kit.proc import wait_until
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

PAGES = ('<Location "/md-status">\n    SetHandler md-status\n</Location>\n'
         '<Location "/md-metrics">\n    SetHandler md-metrics\n</Location>\n'
         '<Location "/server-status">\n    SetHandler server-status\n</Location>\n')
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


def status(httpd, query=""):
    code, headers, body = httpd.get(f"/md-status/{query}")
    assert code == 200 and headers["Content-Type"] == "application/json", body
    return json.loads(body)


def names(doc):
    return [d["name"] for d in doc.get("managed-domains", [])]


def own_files(httpd, host, days):
    """A section for a domain with certificate files of its own that is not renewed."""
    key = pki.new_key()
    cert, key_file = httpd.root / f"{host}.pem", httpd.root / f"{host}.key"
    cert.write_bytes(pki.cert_pem(pki.new_cert([host], key, days=days, starts=-90)))
    key_file.write_bytes(pki.key_pem(key))
    return (f"<MDomain {host}>\nMDCertificateFile {cert}\nMDCertificateKeyFile {key_file}\n</MDomain>\n")


def at_rest(entry):
    """Whether a certificate is proved and nothing is left to do for it."""
    return entry["live"].get("proved") and "progress" not in entry


def fleet(httpd, name, ca, proxy):
    """One domain that gets its certificate, one that fails, one whose certificate of its own ends soon."""
    good, bad, ending = name("good"), name("bad"), name("ending")
    httpd.configure(PAGES, f"MDomain {good}\n<MDomain {bad}>\nMDCertificateAuthority {proxy.url}\n"
                    f"MDCACertificateFile {proxy.ca_file}\n</MDomain>\n", own_files(httpd, ending, 92),
                    *[httpd.vhost(n) for n in (good, bad, ending)], ca_url=ca.url, ca_file=ca.ca_file).start()
    tls.wait_for_cert(httpd.https_port, good)
    wait_until(lambda: names(status(httpd, "?state=errored")) == [bad] and
               at_rest(status(httpd, good)), 20, "one fails, one is proved")
    return good, bad, ending


def in_fleet(httpd, name, ca):
    """The same, with a CA that refuses orders of the one that fails."""
    proxy = Proxy(httpd.root, ca)
    proxy.answer("POST /order-plz", problem("rejectedIdentifier", "<b>not for you & me</b>", 400))
    return proxy


def test_parts_of_the_list_can_be_asked_for(ca, httpd, name):
    with in_fleet(httpd, name, ca) as proxy:
        good, bad, ending = fleet(httpd, name, ca, proxy)
        whole = status(httpd)
        assert names(whole) == sorted([good, bad, ending])
        assert names(status(httpd, "?state=expiring")) == [ending]
        assert names(status(httpd, "?state=ok")) == [good]
        first = status(httpd, "?limit=2")
        assert names(first) == names(whole)[:2] and first["next"] == names(whole)[1]
        rest = status(httpd, f"?limit=2&after={first['next']}")
        assert names(rest) == names(whole)[2:] and "next" not in rest
        assert rest["summary"] == whole["summary"] and whole["summary"]["total"] == 3
        assert sum(whole["summary"]["worst"].values()) == 3


def test_a_domain_tells_what_to_do_and_who_must(ca, httpd, name):
    with in_fleet(httpd, name, ca) as proxy:
        good, bad, ending = fleet(httpd, name, ca, proxy)
        assert "attention" not in status(httpd, good)
        failed = status(httpd, bad)
        assert failed["attention"]["who"] == "operator" and "choose another CA" in failed["attention"]["advice"]
        assert failed["conditions"][:2] == ["errored", "incomplete"] and failed["status"].startswith("incomplete: ")
        ends = status(httpd, ending)
        assert ends["attention"]["who"] == "operator" and "expires on" in ends["attention"]["reason"]


def test_a_domain_that_is_never_renewed_is_not_renewing_when_it_was_warned_of(httpd, name):
    httpd.configure(PAGES, own_files(httpd, name(), 92), httpd.vhost(name())).start()
    wait_until(lambda: status(httpd, name()).get("log"), 20, "a warning is noted")
    one, (listed,) = status(httpd, name()), status(httpd)["managed-domains"]
    assert [e["type"] for e in one["log"]["entries"]] == ["progress", "message-expiring"] and "log" not in listed
    for shown in (one, listed):
        assert shown["conditions"] == ["expiring"] and "renew" not in shown and "renewal" not in shown
    auto = httpd.get("/server-status?auto")[2].decode()
    assert "ManagedDomain[0]Activity: Manual renew" in auto and "Ongoing" not in auto
    assert "renewal" not in json.loads(tls.get(httpd.https_port, name(), "/.httpd/certificate-status")[2])
    out = A2md(httpd.store.path).out("status")
    assert re.search(rf"^{name()} +expiring +in .* +not renewed by itself\n  its certificate expires on ", out, re.MULTILINE), out
    own_files(httpd, name(), 365)
    httpd.restart()
    assert status(httpd)["managed-domains"][0]["conditions"] == ["ok"]
    assert A2md(httpd.store.path).out("status").split()[5] == "ok"


def test_authorities_are_shown_with_our_accounts_there(ca, httpd, name):
    httpd.managing(name(), extra=PAGES).start()
    shown = wait_until(lambda: [a for a in status(httpd)["authorities"] if a["accounts"]], 40, "root has taken the account over")
    assert [a["url"] for a in shown] == [ca.url] and shown[0]["domains"] == 1
    assert shown[0]["accounts"][0]["status"] == "valid" and shown[0]["accounts"][0]["contact"] == ["mailto:admin@example.test"]


def test_the_status_of_a_name_is_that_of_its_domain(ca, httpd, name):
    httpd.managing(name(), name("alias"), extra=PAGES).start()
    assert status(httpd, name("alias"))["name"] == name()
    assert status(httpd, name("ALIAS").upper())["name"] == name()
    assert names(status(httpd, "no.such.name")) == [name()]


def test_what_is_not_understood_is_refused(ca, httpd, name):
    httpd.managing(name(), extra=PAGES).start()
    for query in ("?state=fine", "?limit=0", "?limit=x", "?limit=100001", "?after=", "?color=red", f"{name()}?limit=1"):
        code, headers, body = httpd.get(f"/md-status/{query}")
        assert code == 400 and headers["Content-Type"] == "application/problem+json", query
        assert json.loads(body)["detail"], query
    assert httpd.get("/md-status/", method="POST")[0] == 501


def test_an_unchanged_status_is_not_sent_again(ca, httpd, name):
    httpd.managing(name(), extra=PAGES).start()
    tls.wait_for_cert(httpd.https_port, name())
    wait_until(lambda: status(httpd, name()).get("live", {}).get("kept"), 30, "the domain has come to rest")
    tags = [httpd.get("/md-status/")[1]["ETag"] for _ in range(6)]      # of several processes
    assert len(set(tags)) == 1 and tags[0]
    code, headers, body = httpd.get("/md-status/", headers={"If-None-Match": tags[0]})
    assert (code, body, headers["ETag"]) == (304, b"", tags[0])
    tag = httpd.get(f"/md-status/{name()}")[1]["ETag"]
    assert httpd.get(f"/md-status/{name()}", headers={"If-None-Match": tag})[0] == 304
    code, headers, body = httpd.get("/md-status/", method="HEAD")
    assert code == 200 and body == b"" and int(headers["Content-Length"]) == len(httpd.get("/md-status/")[2])
    assert httpd.get("/md-status/?state=ok")[1]["ETag"] and httpd.get("/md-status/?state=expired")[1]["ETag"] != tags[0]


def test_every_process_sees_what_the_engine_does(ca, new_httpd, name):
    httpd = new_httpd(ca, mpm="prefork")
    httpd.managing(name(), extra=PAGES).start()
    tls.wait_for_cert(httpd.https_port, name())
    wait_until(lambda: status(httpd, name()).get("live", {}).get("proved"), 20, "it is proved")
    for _ in range(8):
        assert [d["live"]["proved"] for d in status(httpd)["managed-domains"]] == [True]


def test_server_status_shows_domains(ca, httpd, name):
    with in_fleet(httpd, name, ca) as proxy:
        good, bad, ending = fleet(httpd, name, ca, proxy)
        page = httpd.get("/server-status")[2].decode()
        rows = re.findall(r'<tr class="(?:even|odd)"><td>([^<]*)</td>', page)
        assert rows == sorted([good, bad, ending])
        assert "<h3>Managed Certificates</h3>" in page and "<b>not for" not in page
        assert "&lt;b&gt;not for you &amp; me&lt;/b&gt;" in page
        lines = dict(line.split(": ", 1) for line in httpd.get("/server-status?auto")[2].decode().splitlines()
                     if line.startswith("Managed"))
        at = rows.index(bad)
        assert lines["ManagedCertificatesTotal"] == "3" and lines["ManagedCertificatesErrored"] == "1"
        assert lines["ManagedStaplingsTotal"] == "0"
        assert lines[f"ManagedDomain[{at}]Domain"] == bad and lines[f"ManagedDomain[{at}]ActivityFinished"] == "no"
        assert lines[f"ManagedDomain[{at}]ActivityLastProblem"] == "urn:ietf:params:acme:error:rejectedIdentifier"
        assert lines[f"ManagedDomain[{rows.index(good)}]Status"] == "good"


def test_what_will_hinder_a_renewal_is_told_while_there_is_time(ca, httpd, name):
    httpd.managing(name(), extra=PAGES).start()
    tls.wait_for_cert(httpd.https_port, name())
    wait_until(lambda: at_rest(status(httpd, name())), 20, "it is proved")
    assert "attention" not in status(httpd, name())
    httpd.managing(name(), extra=PAGES + "MDCAChallenges dns-01\n")
    httpd.restart()
    line = httpd.wait_for_log("AH10173")
    assert name() in line and "MDChallengeDns01" in line
    told = status(httpd, name())
    assert told["conditions"] == ["ok"] and told["attention"]["who"] == "operator"
    assert told["attention"]["reason"].startswith("it cannot be renewed: no usable challenge type")


def test_server_status_can_be_left_alone(ca, httpd, name):
    httpd.managing(name(), extra=PAGES + "MDServerStatus off\n").start()
    assert b"Managed" not in httpd.get("/server-status")[2] + httpd.get("/server-status?auto")[2]


def test_server_status_can_be_left_alone_where_nothing_is_managed(httpd):
    httpd.configure(PAGES).start()
    assert b"ManagedCertificatesTotal: 0" in httpd.get("/server-status?auto")[2]
    httpd.stop()
    httpd.configure(PAGES + "MDServerStatus off\n").start()
    assert b"Managed" not in httpd.get("/server-status?auto")[2]


def metrics(httpd, read=read_openmetrics, **headers):
    code, got, body = httpd.get("/md-metrics", headers=headers)
    assert code == 200
    return got["Content-Type"], {(s.name, tuple(sorted(s.labels.items()))): s.value
                                 for family in read(body.decode()) for s in family.samples}


def test_metrics_are_openmetrics_and_say_what_is_so(ca, httpd, name):
    with in_fleet(httpd, name, ca) as proxy:
        good, bad, ending = fleet(httpd, name, ca, proxy)
        wait_until(lambda: ("md_renewal_errors_total", (("ca", "localhost"), ("problem", "urn:ietf:params:acme:error:rejectedIdentifier")))
                   in metrics(httpd, **OPENMETRICS)[1] and
                   metrics(httpd, **OPENMETRICS)[1].get(("md_live_activations_total", ())) == 1, 10, "what happened is counted")
        kind, values = metrics(httpd, **OPENMETRICS)
        assert kind.startswith("application/openmetrics-text; version=1.0.0")
        until = tls.leaf(httpd.https_port, good).not_valid_after
        assert values[("md_certificate_expiry_timestamp_seconds", (("domain", good), ("key", "rsa")))] == \
            int(until.replace(tzinfo=datetime.timezone.utc).timestamp())
        assert values[("md_domains", (("state", "errored"),))] == 1 and values[("md_domains", (("state", "ok"),))] == 1
        assert values[("md_certificates", (("state", "expiring"),))] == 1
        assert values[("md_renewals_total", (("ca", "localhost"),))] == 1
        assert values[("md_order_duration_seconds_count", ())] == 1
        assert values[("md_engine_seen_timestamp_seconds", ())] > 0
        assert ending in str(values.keys()) and bad in str(values.keys())


def test_metrics_are_offered_in_the_older_format_too(ca, httpd, name):
    httpd.managing(name(), extra=PAGES).start()
    kind, values = metrics(httpd, read_prometheus)
    assert kind.startswith("text/plain; version=0.0.4")
    assert [k for k in values if k[0] == "md_build_info"] and ("md_live_activations_total", ()) in values


def test_the_examples_for_monitoring_name_metrics_that_exist(ca, httpd, name):
    docs = pathlib.Path(__file__).resolve().parents[2] / "docs/monitoring"
    httpd.managing(name(), extra=PAGES).start()
    known = set(re.findall(r"^# TYPE (md_\w+) (\w+)", httpd.get("/md-metrics", headers=OPENMETRICS)[2].decode(), re.M))
    ends = {"counter": ("_total",), "info": ("_info",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum", "")}
    known = {family + end for family, kind in known for end in ends[kind]}
    json.loads((docs / "dashboard.json").read_text())
    for file, least in (("alerts.yml", 5), ("dashboard.json", 10), ("README.md", 15)):
        used = set(re.findall(r"\b(md_[a-z_]+)\b(?!\.)", (docs / file).read_text()))
        assert len(used) >= least and used <= known, (file, used - known)


def test_counts_survive_a_restart(ca, httpd, name):
    httpd.managing(name(), extra=PAGES).start()
    tls.wait_for_cert(httpd.https_port, name())
    key = ("md_renewals_total", (("ca", "localhost"),))
    wait_until(lambda: metrics(httpd, **OPENMETRICS)[1].get(key) == 1, 10, "the renewal is counted")
    httpd.restart()
    assert metrics(httpd, **OPENMETRICS)[1][key] == 1


def test_logs_and_programs_learn_about_the_domain(ca, httpd, name):
    log = 'LogFormat "%{MD_NAME}e|%{MD_CERT_EXPIRES}e|%U" vars\nCustomLog logs/vars.log vars\n'
    httpd.configure(PAGES + log, f"MDExportVars on\nMDomain {name()} {name('alias')}\n<MDomain {name('quiet')}>\nMDExportVars off\n</MDomain>\n",
                    httpd.vhost(name(), name("alias")), httpd.vhost(name("quiet"))).start()
    tls.wait_for_cert(httpd.https_port, name())
    until = status(httpd, name())["cert"]["valid"]["until"]
    tls.get(httpd.https_port, name("alias"), "/named")
    httpd.get("/quiet", host=name("quiet"))
    lines = wait_until(lambda: [line for line in (httpd.root / "logs/vars.log").read_text().splitlines() if "/quiet" in line] and
                       (httpd.root / "logs/vars.log").read_text().splitlines(), 5, "requests are logged")
    assert f"{name()}|{until}|/named" in lines
    assert "-|-|/quiet" in lines
