# SPDX-License-Identifier: Apache-2.0
"""Challenges are asked for by ourselves before the CA does: what would fail there is found and explained here."""

import http.server
import threading

import pytest

from kit import tls
from kit.proc import free_port

ELSEWHERE = "127.0.0.2"      # the loopback network has it, no interface does


@pytest.fixture
def asking(ca, new_httpd):
    """A server that looks for itself as the CA does: asking("on")."""
    def make(how, *words):
        httpd = new_httpd(ca, preflight=how)
        httpd.base_words = "\n".join([f"MDDnsServer 127.0.0.1:{ca.dns.dns_port}", "MDRetryDelay 1s",
                                      f"Listen {ELSEWHERE}:{httpd.http_port}", *words])
        return httpd
    return make


@pytest.fixture
def other_server():
    """A server that is not ours: other_server(status, location) gives its port."""
    made = []

    def make(status, location=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            """Answers all the same."""

            def do_GET(self):
                """See above."""
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.end_headers()
                self.wfile.write(b"nothing here")

            def log_message(self, *_):
                """Be quiet."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        made.append(server)
        return server.server_port
    yield make
    for server in made:
        server.shutdown()
        server.server_close()


def challenges(ca):
    """How many challenges the CA was told to check, or more: some requests are refused for their nonce."""
    return ca.count("POST /chalZ")


@pytest.mark.parametrize("words", ["MDCAChallenges http-01", "MDCAChallenges tls-alpn-01\nProtocols http/1.1 acme-tls/1"])
def test_what_is_right_goes_on_quietly(asking, name, words):
    httpd = asking("on", words)
    httpd.managing(name(), extra=httpd.base_words).start()
    tls.wait_for_cert(httpd.https_port, name())
    assert not httpd.log_lines(r"\[md:(warn|error)\]")


@pytest.mark.parametrize("challenge, port", [("http-01", 80), ("tls-alpn-01", 443)])
def test_a_name_that_leads_elsewhere_is_not_given_to_the_ca(ca, asking, name, challenge, port):
    before = challenges(ca)
    ca.dns.tell("add-a", host=f"{name()}.", addresses=[ELSEWHERE])
    httpd = asking("on", f"MDCAChallenges {challenge}", "Protocols http/1.1 acme-tls/1")
    httpd.managing(name(), extra=httpd.base_words).start()
    line = httpd.wait_for_log(f"AH10056.*{name()}")
    assert "problem[md:preflight]" in line
    assert f"{name()} leads to {ELSEWHERE} (no address of this machine), and port {port} cannot be reached there from here" in line
    assert challenges(ca) == before
    ca.dns.tell("clear-a", host=f"{name()}.")
    tls.wait_for_cert(httpd.https_port, name(), 40)


def test_another_server_is_told_by_what_it_says(ca, asking, name, other_server):
    before = challenges(ca)
    httpd = asking("on", "MDCAChallenges http-01", f"MDPortMap http:{other_server(404)}")
    httpd.managing(name(), extra=httpd.base_words).start()
    line = httpd.wait_for_log(f"AH10056.*{name()}")
    assert "problem[md:preflight]" in line and "HTTP status 404 from BaseHTTP" in line and "begins with nothing here" in line
    assert challenges(ca) == before


@pytest.mark.parametrize("location, why", [
    ("/.well-known/acme-challenge/other", "requests are redirected in a circle, at last to /.well-known/acme-challenge/other"),
    ("http://elsewhere.example.test:8080/", "requests are redirected to http://elsewhere.example.test:8080/, where CAs do not follow"),
])
def test_redirects_are_followed_as_by_a_ca(ca, asking, name, other_server, location, why):
    before = challenges(ca)
    httpd = asking("on", "MDCAChallenges http-01", f"MDPortMap http:{other_server(302, location)}")
    httpd.managing(name(), extra=httpd.base_words).start()
    assert why in httpd.wait_for_log(f"AH10056.*{name()}")
    assert challenges(ca) == before


def test_a_name_without_an_answer_is_not_given_to_the_ca(ca, asking, name):
    before = challenges(ca)
    ca.dns.tell("set-servfail", host=f"{name()}.")
    httpd = asking("on", "MDCAChallenges http-01")
    httpd.managing(name(), extra=httpd.base_words).start()
    line = httpd.wait_for_log(f"AH10056.*{name()}")
    assert "problem[md:preflight]" in line and "cannot be looked up" in line and "SERVFAIL" in line
    assert challenges(ca) == before
    ca.dns.tell("clear-servfail", host=f"{name()}.")
    tls.wait_for_cert(httpd.https_port, name(), 40)


def test_records_that_do_not_let_the_ca_issue_are_found(new_ca, new_httpd, name):
    ca = new_ca(config={"caaIdentities": ["ca.example.test"]})
    ca.dns.tell("add-caa", host=f"{name()}.", policies=[{"tag": "issue", "value": "other.example.test"}])
    httpd = new_httpd(ca, preflight="on")
    httpd.managing(name(), extra=f"MDDnsServer 127.0.0.1:{ca.dns.dns_port}\nMDRetryDelay 1s").start()
    line = httpd.wait_for_log(f"AH10056.*{name()}")
    assert "problem[md:preflight]" in line and f"the CAA records of {name()} do not let the CA issue" in line
    assert f'{name()}. CAA 0 issue "ca.example.test"' in line
    assert challenges(ca) == 0
    ca.dns.tell("clear-caa", host=f"{name()}.")
    tls.wait_for_cert(httpd.https_port, name(), 40)


def test_a_type_that_would_fail_leaves_its_place_to_the_next(asking, name, other_server):
    httpd = asking("on", "MDCAChallenges http-01 tls-alpn-01", "Protocols http/1.1 acme-tls/1", f"MDPortMap http:{other_server(404)}")
    httpd.managing(name(), extra=httpd.base_words).start()
    tls.wait_for_cert(httpd.https_port, name())
    assert httpd.log_lines("http-01 cannot be used for .*, trying another challenge")


def test_by_default_there_is_a_warning_and_the_ca_decides(ca, asking, name):
    ca.dns.tell("add-a", host=f"{name()}.", addresses=[ELSEWHERE])
    httpd = asking("warn", "MDCAChallenges http-01")
    httpd.managing(name(), extra=httpd.base_words).start()
    tls.wait_for_cert(httpd.https_port, name())
    lines = httpd.log_lines(r"\[md:warn\].*the CA will probably not be able to check by http-01")
    assert len(lines) == 1 and ELSEWHERE in lines[0]


def test_off_asks_nobody(ca, asking, name):
    ca.dns.tell("add-a", host=f"{name()}.", addresses=[ELSEWHERE])
    httpd = asking("off")
    httpd.managing(name(), extra=httpd.base_words).start()
    tls.wait_for_cert(httpd.https_port, name())
    assert not httpd.log_lines(r"\[md:(warn|error)\]")
