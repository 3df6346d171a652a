# SPDX-License-Identifier: Apache-2.0
"""A CA that cannot be reached or makes no sense: one readable line, another attempt, and the old certificate stays."""

import json
import re
import socket

import pytest

from kit import pki, tls
from kit.ca_proxy import Answer, Proxy, problem
from kit.proc import free_port, wait_until
from kit.store import load_chain

HTML = "<!DOCTYPE html><html><head><title>It works!</title></head><body>" + "welcome " * 500 + "</body></html>"
NEXT = r"(?i)next|again|retry|will try|retried"

# what, the request it concerns, the answer, what the error line must say
STRANGE = [
    ("html for the directory", "GET /dir", Answer(200, HTML, "text/html"), "html|JSON"),
    ("html named json", "GET /dir", Answer(200, HTML, "application/json"), "JSON|It works"),
    ("json of a wrong type", "GET /dir", Answer(200, '{"newNonce":"x"}', "image/png"), "image/png"),
    ("half a directory", "GET /dir", Answer(200, '{"newNonce":"https://localhost/n"}'), "newAccount|newOrder|directory"),
    ("an empty body", "GET /dir", Answer(200, ""), "JSON|empty"),
    ("an array", "GET /dir", Answer(200, "[1, 2]"), "object|JSON|directory"),
    ("404 for the directory", "GET /dir", Answer(404, HTML, "text/html"), "404"),
    ("500 for the directory", "GET /dir", Answer(500, "oh no", "text/plain"), "500"),
    ("503 for the directory", "GET /dir", Answer(503, "later", "text/plain"), "503"),
    ("a redirect", "GET /dir", Answer(302, "", "text/html", [("Location", "https://localhost:1/dir")]), "302"),
    ("a truncated body", "GET /dir", Answer(200, "{" + " " * 5000 + "}", cut=True), "transfer|closed|incomplete|short|body|partial|bytes"),
    ("a huge body", "GET /dir", Answer(200, b'{"a":"' + b"x" * 3_000_000 + b'"}'), "(?i)large|limit|MiB|too|more than|bytes"),
    ("problem on newAccount", "POST /sign-me-up", problem("serverInternal", "the CA is unwell"), "the CA is unwell"),
    ("problem on newOrder", "POST /order-plz", problem("serverInternal", "no orders today", 500), "no orders today"),
    ("html for the order", "POST /order-plz", Answer(201, HTML, "text/html", [("Location", "https://localhost/x")]),
     "html|JSON"),
    ("no location of the order", "POST /order-plz", Answer(201, '{"status":"pending","authorizations":[],"finalize":""}'),
     "(?i)location|order|url"),
    ("500 for an authorization", "POST /authZ", Answer(500, HTML, "text/html"), "500"),
    ("problem on finalize", "POST /finalize-order", problem("badCSR", "I do not like this request"),
     "I do not like this request"),
    ("html for the certificate", "POST /certZ", Answer(200, HTML, "text/html"), "(?i)certificate|html"),
    ("a truncated certificate", "POST /certZ",
     lambda a: Answer(200, a.body[:300], a.kind, a.headers) if a.status == 200 else a, "(?i)certificate|PEM"),
]


@pytest.mark.parametrize("request_line, answer, says", [row[1:] for row in STRANGE], ids=[row[0] for row in STRANGE])
def test_a_strange_answer_is_one_readable_line_and_is_overcome(ca, httpd, name, request_line, answer, says):
    with Proxy(httpd.root, ca) as proxy:
        proxy.answer(request_line, answer)
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file, extra="MDRetryDelay 1s").start()
        line = httpd.wait_for_log("AH10056", 20)
        readable(line, name(), says)
        assert tls.get(httpd.https_port, name())[0] == 503
        proxy.behave()
        if "badCSR" not in line:                        # that one is for the operator and waits for a day
            tls.wait_for_cert(httpd.https_port, name(), 40)
    quiet(httpd)


def readable(line, name, says):
    """One line names the domain, what came back (shortened) and when the next attempt is."""
    assert name in line
    assert re.search(says, line), line
    assert re.search(NEXT, line), line
    assert len(line) < 1200, "shortened"
    assert "<html" not in line or len(line) < 700


def quiet(httpd):
    """One error line an attempt, not several, and no crash."""
    lines = httpd.log_lines(r"\[md:(error|warn)\]")
    attempts = httpd.log_lines("AH10056")
    assert len([l for l in lines if "AH10056" not in l]) <= 2, lines
    assert len(attempts) <= 12, "attempts back off"
    assert not httpd.log_lines("AH00052|AH00051|exit signal")


def certificate_of(make):
    """Replaces the CA's certificate by what `make(leaf, chain)` returns."""
    def change(answer):
        if answer.status == 200 and b"BEGIN CERTIFICATE" in answer.body:
            chain = load_chain(answer.body)
            answer.body = make(chain[0], chain)
        return answer
    return change


def for_another_key(leaf, chain):
    return pki.cert_pem(pki.new_cert([n.value for n in names_of(leaf)], pki.new_key(), pki.new_ca()), *chain[1:])


def names_of(leaf):
    from cryptography import x509
    return list(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)


def reissued(leaf, **kw):
    """The leaf again over the same key, changed."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    import datetime
    issuer, key = pki.new_ca("Some CA")
    now = datetime.datetime.utcnow()
    start = now + datetime.timedelta(days=kw.get("starts", -1))
    names = [x509.DNSName(n) for n in kw.get("names", [])] or names_of(leaf)
    cert = (x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(issuer.subject)
            .public_key(leaf.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(start).not_valid_after(start + datetime.timedelta(days=kw.get("days", 30)))
            .add_extension(x509.SubjectAlternativeName(names), False).sign(key, hashes.SHA256()))
    return cert, issuer


WRONG_CERTIFICATES = {
    "for another key": (for_another_key, "key"),
    "for other names": (lambda leaf, chain: pki.cert_pem(*reissued(leaf, names=["other.example.test"])), "name|cover"),
    "already expired": (lambda leaf, chain: pki.cert_pem(*reissued(leaf, starts=-60, days=30)), "expire|valid|time"),
    "valid years from now": (lambda leaf, chain: pki.cert_pem(*reissued(leaf, starts=2000)), "valid|time|future"),
    "with a chain of others": (lambda leaf, chain: pki.cert_pem(leaf, pki.new_ca("Stranger")[0]), "chain|issuer"),
}


@pytest.mark.parametrize("kind", WRONG_CERTIFICATES)
def test_a_wrong_certificate_is_not_accepted_and_the_old_one_stays(ca, httpd, name, kind):
    make, says = WRONG_CERTIFICATES[kind]
    with Proxy(httpd.root, ca) as proxy:
        at = {"ca_url": proxy.url, "ca_file": proxy.ca_file, "extra": "MDRetryDelay 1s"}
        httpd.managing(name(), **at).start()
        old = tls.wait_for_cert(httpd.https_port, name())
        httpd.managing(name(), name("more"), **at)
        proxy.answer("POST /certZ", certificate_of(make))
        httpd.graceful()
        readable(httpd.wait_for_log("AH10056", 20), name(), "(?i)" + says)
        assert tls.leaf(httpd.https_port, name()) == old
        httpd.graceful()
        assert tls.leaf(httpd.https_port, name()) == old
        proxy.behave()
        new = tls.wait_for_cert(httpd.https_port, name(), 60, unlike=old)
        assert tls.get(httpd.https_port, name("more"), roots=ca.root())[0] == 200, new


def test_nobody_listens_at_the_ca(httpd, name):
    port = free_port()
    httpd.managing(name(), ca_url=f"https://localhost:{port}/dir", extra="MDRetryDelay 1s").start()
    readable(httpd.wait_for_log("AH10056", 20), name(), "(?i)connect|refused")
    wait_until(lambda: len(httpd.log_lines("AH10056")) >= 2, 20, "another attempt")
    quiet(httpd)


def test_a_ca_of_unknown_name_in_dns(httpd, name):
    httpd.managing(name(), ca_url="https://no-such-ca.invalid/dir", extra="MDRetryDelay 1s").start()
    readable(httpd.wait_for_log("AH10056", 30), name(), "no-such-ca.invalid")


@pytest.mark.parametrize("kind, says", [("unknown root", "(?i)certificate|verif"), ("expired", "(?i)expired|certificate"),
                                        ("wrong name", "(?i)name|certificate|match")])
def test_a_ca_with_a_bad_tls_certificate_is_not_trusted(ca, httpd, name, kind, says):
    names = ("other.example.test",) if kind == "wrong name" else ("localhost",)
    starts, days = (-60, 30) if kind == "expired" else (-1, 30)
    with Proxy(httpd.root, ca, names, days, starts) as proxy:
        trusted = ca.ca_file if kind == "unknown root" else proxy.ca_file
        httpd.managing(name(), ca_url=proxy.url, ca_file=trusted).start()
        readable(httpd.wait_for_log("AH10056", 20), name(), says)
        assert proxy.requests == []


def test_a_wrong_path_at_the_ca(ca, httpd, name):
    httpd.managing(name(), ca_url=f"https://localhost:{ca.port}/wrong").start()
    readable(httpd.wait_for_log("AH10056", 20), name(), "404|/wrong")


def test_a_ca_file_that_is_missing_is_named(ca, httpd, name):
    httpd.managing(name(), ca_file=httpd.root / "missing.pem").start()
    readable(httpd.wait_for_log("AH10056", 20), name(), "missing.pem")


def test_a_ca_that_accepts_and_says_nothing_does_not_stop_other_domains(ca, httpd, name):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        httpd.configure(f"<MDomain {name('stuck')}>\n  MDCertificateAuthority https://localhost:{port}/dir\n</MDomain>\n"
                        f"MDomain {name()}\n", httpd.vhost(name("stuck")), httpd.vhost(name())).start(timeout=5)
        tls.wait_for_cert(httpd.https_port, name(), 20)


def test_nonces_that_are_refused_again_and_again_are_overcome(new_ca, new_httpd, name):
    httpd = new_httpd(new_ca(wfe_noncereject=60))
    httpd.managing(name(), extra="MDRetryDelay 1s").start()
    tls.wait_for_cert(httpd.https_port, name(), 60)


def next_run_in(httpd, md):
    """Seconds until the job's next attempt, as its record says."""
    import email.utils
    import time
    job = wait_until(lambda: (httpd.store.json("staging", md, "job.json") or {}).get("errors")
                     and httpd.store.json("staging", md, "job.json"), 15, "the error is recorded")
    return email.utils.parsedate_to_datetime(job["next-run"]).timestamp() - time.time()


def test_a_failed_validation_is_retried_slowly(ca, dns, httpd, name):
    dns.tell("add-a", host=name(), addresses=["127.0.0.9"])
    httpd.managing(name()).start()
    readable(httpd.wait_for_log("AH10056", 30), name(), "127.0.0.9|refused|connection")
    assert 25 < next_run_in(httpd, name()) < 95, "a minute, give or take a half"


def test_a_failed_validation_is_retried_as_configured(ca, dns, httpd, name):
    dns.tell("add-a", host=name(), addresses=["127.0.0.9"])
    httpd.managing(name(), extra="MDRetryDelay 1s").start()
    httpd.wait_for_log("AH10056", 30)
    dns.tell("clear-a", host=name())
    tls.wait_for_cert(httpd.https_port, name(), 30)


def test_a_name_the_ca_refuses_does_not_stop_other_domains(ca, httpd, name):
    httpd.configure(f"MDomain blocked-domain.example\nMDomain {name()}\n", httpd.vhost("blocked-domain.example"),
                    httpd.vhost(name())).start()
    tls.wait_for_cert(httpd.https_port, name())
    readable(httpd.wait_for_log("AH10056"), "blocked-domain.example", "rejectedIdentifier|forbidden by policy")
    assert next_run_in(httpd, "blocked-domain.example") > 3600, "the operator must act first"


def test_a_rate_limit_is_obeyed(ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        proxy.answer("POST /order-plz", problem("rateLimited", "too many of those", 429, [("Retry-After", "300")]))
        httpd.managing(name(), ca_url=proxy.url, ca_file=proxy.ca_file, extra="MDRetryDelay 1s").start()
        readable(httpd.wait_for_log("AH10056", 20), name(), "too many of those")
        assert 250 < next_run_in(httpd, name()) < 700


def test_terms_of_service_that_are_not_accepted_are_the_operators_task(ca, httpd, name):
    httpd.managing(name())
    config = httpd.root / "conf/httpd.conf"
    config.write_text(config.read_text().replace("MDCertificateAgreement accepted\n", ""))
    httpd.start()
    readable(httpd.wait_for_log("AH10056|AH10173", 20), name(), "MDCertificateAgreement")
    assert tls.is_placeholder(tls.leaf(httpd.https_port, name()))


@pytest.mark.parametrize("settings, problem, advice", [
    ("MDCertificateAuthority https://acme.zerossl.com/v2/DV90", "externalAccountRequired", "MDExternalAccountBinding"),
    ("MDCAChallenges dns-99", "challenge-mismatch", "challenge type"),
    ("MDPrivateKeys secp256x9", "md:config", "MDPrivateKeys")])
def test_what_can_never_work_is_in_log_and_status_at_once_and_no_ca_is_asked(ca, httpd, name, settings, problem, advice):
    orders = ca.count("POST")
    httpd.configure('<Location "/md-status">\n    SetHandler md-status\n</Location>', f"<MDomain {name()}>\n{settings}\n</MDomain>",
                    httpd.vhost(name())).start()
    assert advice in httpd.wait_for_log("AH10173")

    def shown():
        return json.loads(httpd.get(f"/md-status/{name()}")[2]).get("renewal", {}).get("last", {}).get("problem")
    assert problem in wait_until(shown, 10, "the status shows it")
    assert ca.count("POST") == orders
