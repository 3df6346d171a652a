# SPDX-License-Identifier: Apache-2.0
"""Stapling of certificates that come as files: what clients get, what responders may do, what is kept."""

import json
import os
import re
import subprocess
import threading

import pytest

from kit import pki, when
from kit.ocsp import Authority, Responder, Stapled, sha1
from kit.proc import wait_until

NO_STAPLE = "OCSP response: no response sent"


@pytest.fixture
def authority(tmp_path):
    """A CA with a responder."""
    made = Authority(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def site(new_httpd, authority, name):
    """A server without any managed domain, and a certificate."""
    return Site(new_httpd(), authority, name())


class Site:
    """One server with one certificate of `authority`, `just the stapling`."""

    def __init__(self, httpd, authority, host):
        self.httpd, self.authority, self.host = httpd, authority, host
        self.responder = authority.responder
        self.cert = authority.new(host)

    def configure(self, *settings, extra=""):
        """One TLS host."""
        host = self.httpd.vhost(self.host, extra=self.authority.files(self.host) + "\n" + extra, http=False)
        return self.httpd.configure("\n".join(settings or ("MDStapling on",)), host)

    def seen(self, *options, host=None):
        """What a client gets."""
        return Stapled(self.httpd.https_port, host or self.host, self.authority.ca_file, *options)

    def wait(self, *options, host=None, status="good", timeout=20):
        """The first handshake with a staple of this status."""
        return wait_until(lambda: (lambda seen: seen.status == status and seen)(self.seen(*options, host=host)), timeout,
                          f"a client gets '{status}'", pause=0.1)

    def kept(self, cert=None, md="other"):
        """The file in the store."""
        return self.httpd.store.json("ocsp", md, f"ocsp-{sha1(cert or self.cert)}.json")

    def record(self, cert=None, md="other"):
        """What is written about the job."""
        return self.httpd.store.json("ocsp", md, f"job-{sha1(cert or self.cert)}.json")

    def errored(self):
        """The record after a failure."""
        return wait_until(lambda: (lambda job: job and job["errors"] and job)(self.record()), 20, "a failure is recorded")


def test_just_the_stapling(site):
    site.configure().start()
    assert site.wait().serial == site.cert.serial_number
    assert site.seen("-tls1_2").status == "good" and site.seen("-tls1_3").status == "good"
    kept = site.kept()
    assert set(kept) == {"response", "status", "valid"} and kept["status"] == "good"
    assert site.httpd.log_lines("no effect yet") == []


def test_server_status_shows_staples_where_no_domain_is_managed(site):
    site.configure('MDStapling on\n<Location "/server-status">\nSetHandler server-status\n</Location>').start()
    site.wait()
    page = site.httpd.get("/server-status")[2].decode()
    assert "<h3>Managed Staplings</h3>" in page and sha1(site.cert) in page
    assert "Managed Certificates" not in page


def test_the_engine_is_seen_at_work_where_no_domain_is_managed(site):
    pages = "".join(f'<Location "/{page}">\nSetHandler {page}\n</Location>\n' for page in ("md-status", "md-metrics"))
    site.configure("MDStapling on", pages).start()
    site.wait()
    engine = wait_until(lambda: (lambda doc: doc["engine"]["running"] and doc["engine"])(json.loads(site.httpd.get("/md-status")[2])),
                        10, "the engine is seen")
    assert engine["next-run"] and engine["in-progress"] == engine["queued"] == 0
    assert re.search(r"^md_engine_seen_timestamp_seconds \d", site.httpd.get("/md-metrics")[2].decode(), re.MULTILINE)


def test_curl_accepts_the_staple(site):
    site.configure().start()
    site.wait()
    done = subprocess.run(["curl", "-sS", "--cert-status", "--cacert", site.authority.ca_file, "--resolve",
                           f"{site.host}:{site.httpd.https_port}:127.0.0.1", f"https://{site.host}:{site.httpd.https_port}/"],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0 and "hello" in done.stdout, done.stderr


def test_the_first_handshake_after_a_restart_is_stapled_without_asking(site):
    site.configure().start()
    site.wait()
    site.responder.stop()
    asked = site.responder.asked
    for again in (site.httpd.graceful, site.httpd.restart, lambda: (site.httpd.kill(), site.httpd.start())):
        again()
        assert site.seen().status == "good"
    assert site.responder.asked == asked


@pytest.mark.parametrize("mpm", ["worker", "prefork"])
def test_every_child_staples(site, new_httpd, mpm):
    site.httpd = new_httpd(mpm=mpm)
    site.configure().start()
    site.wait()
    assert [site.seen().status for _ in range(8)] == ["good"] * 8


def test_both_keys_of_a_host_are_stapled(site):
    other = site.authority.new(site.host, kind="rsa", file="rsa")
    site.configure(extra=site.authority.files("rsa")).start()
    by_ec, by_rsa = ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"), ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")
    assert site.wait(*by_rsa).serial == other.serial_number
    assert site.wait(*by_ec).serial == site.cert.serial_number


def test_revoked_is_stapled_too(site):
    site.responder.revoked.add(site.cert.serial_number)
    site.configure().start()
    site.wait(status="revoked")
    site.httpd.wait_for_log("other: the certificate of .* was revoked")
    assert site.kept()["status"] == "revoked"


def test_a_delegate_of_the_issuer_may_sign(site):
    site.responder.signer = site.authority.delegate()
    site.configure().start()
    site.wait()


def answer_with(status, body=b"<html>no</html>", **headers):
    """An HTTP answer instead of an OCSP one."""
    def instead(handler, _request):
        handler.send(status, body, {key.replace("_", "-"): value for key, value in headers.items()})
        return True
    return instead


def ocsp_error(code):
    """The DER of an OCSP response that is not successful."""
    return bytes([0x30, 3, 0x0a, 1, code])


def strange_ca(authority):
    """A CA that nobody asked."""
    return pki.new_ca(authority.cert.subject.rfc4514_string()[3:])


# How a responder fails, what is said about it.
FAILURES = {
    "unknown": (lambda s: s.responder.unknown.add(s.cert.serial_number), "md:ocsp-unknown", "does not know the certificate"),
    "delegate-without-purpose": (lambda s: setattr(s.responder, "signer", s.authority.delegate(purpose=False)),
                                 "md:ocsp-untrusted", "not for signing OCSP responses"),
    "delegate-expired": (lambda s: setattr(s.responder, "signer", s.authority.delegate(starts=-40)),
                         "md:ocsp-untrusted", "expired"),
    "delegate-of-another": (lambda s: setattr(s.responder, "signer", s.authority.delegate(issuer=strange_ca(s.authority))),
                            "md:ocsp-untrusted", "cannot be trusted"),
    "html": (lambda s: setattr(s.responder, "instead", answer_with(200)), "md:ocsp-malformed", "no OCSP response"),
    "huge": (lambda s: setattr(s.responder, "instead", answer_with(200, b"x" * 100000)), "md:ocsp-malformed", "16 KiB"),
    "try-later": (lambda s: setattr(s.responder, "instead", answer_with(200, ocsp_error(3))), "md:ocsp-busy", "tryLater"),
    "unauthorized": (lambda s: setattr(s.responder, "instead", answer_with(200, ocsp_error(6))), "md:ocsp-refused",
                     "unauthorized"),
    "http-500": (lambda s: setattr(s.responder, "instead", answer_with(500)), "md:ocsp-busy", "HTTP status 500"),
    "dead": (lambda s: s.responder.stop(), "md:ocsp-unreachable", "127.0.0.1"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_what_cannot_be_believed_is_not_stapled_and_is_explained(site, failure):
    fail, problem, text = FAILURES[failure]
    fail(site)
    site.configure("MDStapling on", "MDRetryDelay 1h").start()
    job = site.errored()
    assert job["last"]["problem"] == problem, job["last"]
    assert text in job["last"]["detail"] and site.responder.url in job["last"]["detail"], job["last"]
    assert job["log"]["entries"][0]["type"] == "ocsp-error"
    line = site.httpd.wait_for_log("Fetching the OCSP response for other failed")
    assert text in line and site.responder.url in line and site.host in line
    assert NO_STAPLE in site.seen().output and site.kept() is None


def test_a_good_response_outlives_a_responder_that_has_gone_mad(site):
    site.configure("MDStapling on", "MDStaplingRenewWindow 99%", "MDRetryDelay 1h").start()
    site.wait()
    before = site.kept()
    site.httpd.stop()
    site.responder.signer = site.authority.delegate(purpose=False)
    file = site.httpd.store.file("ocsp/other", f"job-{sha1(site.cert)}.json")
    file.unlink()                                       # which would say when to ask again
    site.configure("MDStapling on", "MDStaplingRenewWindow 9d", "MDRetryDelay 1h").start()
    assert site.seen().status == "good"
    assert site.kept() == before


def test_an_expired_response_is_not_stapled(site):
    site.responder.by_openssl, site.responder.life = False, 4
    site.configure("MDStapling on", "MDRetryDelay 1h", "MDStaplingRenewWindow 1ms").start()
    site.wait()
    kept = site.kept()
    site.httpd.stop()
    site.responder.stop()
    path = site.httpd.store.file("ocsp/other", f"ocsp-{sha1(site.cert)}.json")
    wait_until(lambda: when.is_past(kept["valid"]["until"]), 10, "the response expires")
    site.httpd.start()
    assert NO_STAPLE in site.seen().output
    assert path.exists()


def test_responses_are_renewed_while_clients_come(site):
    site.responder.by_openssl, site.responder.life = False, 9
    site.configure("MDStapling on", "MDStaplingRenewWindow 50%").start()
    first = site.wait().until
    second = wait_until(lambda: (lambda seen: seen.until != first and seen)(site.seen()), 20, "a newer one is stapled")
    assert second.status == "good", "and there was one at all times"
    assert site.responder.asked == 2, "not without end"


def test_a_response_without_end_is_used_for_half_a_day(site):
    site.responder.options = []
    site.configure().start()
    assert site.wait().until is None
    valid = site.kept()["valid"]
    assert when.read(valid["until"]) - when.read(valid["from"]) == 12 * 3600


def test_get_is_used_where_post_is_refused(site):
    site.responder.instead = lambda handler, _: handler.command == "POST" and (handler.send(405) or True)
    site.configure().start()
    site.wait()
    assert [method for method, _ in site.responder.requests] == ["POST", "GET"]


def test_retry_after_is_followed(site):
    site.responder.instead = answer_with(503, Retry_After="3")
    site.configure("MDStapling on", "MDRetryDelay 100ms").start()
    site.errored()
    site.responder.instead = None
    site.wait()
    assert site.responder.asked == 2


def test_max_age_is_followed_but_not_beyond_the_end(site):
    site.responder.headers = {"Cache-Control": "public, max-age=345600, no-transform"}
    site.configure().start()
    site.wait()
    next_run = wait_until(lambda: (site.record() or {}).get("next-run"), 10, "the next run is known")
    valid = site.kept()["valid"]
    assert when.read(valid["until"]) - 36000 <= when.read(next_run) < when.read(valid["until"])


def test_a_certificate_without_responder_is_left_alone(site):
    site.authority.new(site.host, ocsp_url=False)
    site.httpd.md_level = "debug"
    site.configure().start()
    assert NO_STAPLE in site.seen().output
    assert len(site.httpd.log_lines("names no OCSP responder")) == 1
    assert site.responder.asked == 0


def test_a_slow_responder_keeps_no_handshake_waiting(site):
    site.responder.delay = 4
    site.configure().start()
    assert NO_STAPLE in site.seen().output
    site.wait()


def test_a_slow_responder_delays_no_other(site, name):
    slow = Responder(None)
    slow.instead = lambda *_: slow.hold.wait(30)
    slow.hold = threading.Event()
    try:
        hosts = [name(f"slow{i}") for i in range(12)]
        for host in hosts:
            site.authority.new(host, url=slow.url)
        vhosts = [site.httpd.vhost(host, extra=site.authority.files(host), http=False) for host in hosts]
        site.configure("MDStapling on", *vhosts).start()
        site.wait(timeout=8)
        assert 0 < slow.at_work <= 5 and slow.most_at_work <= 5
    finally:
        slow.hold.set()
        slow.stop()


def test_the_proxy_is_used(site):
    site.authority.new(site.host, url="http://ocsp.stapling.test/ca")
    site.configure("MDStapling on", f"MDHttpProxy {site.responder.url}").start()
    site.wait()


def test_settings_of_hosts_count(site, name):
    """By mod_md where it is on, by mod_ssl where SSLUseStapling is on and mod_md is not."""
    hosts = {"ours": "MDStapling on", "none": "", "theirs": "SSLUseStapling on", "both": "MDStapling on\nSSLUseStapling on",
             "excluded": "MDStapling on\nMDExclude on", "no-others": "MDStapling on\nMDStapleOthers off"}
    certs = {label: site.authority.new(name(label)) for label in hosts}
    vhosts = [site.httpd.vhost(name(label), extra=site.authority.files(name(label)) + "\n" + text, http=False)
              for label, text in hosts.items()]
    site.httpd.configure("SSLStaplingCache shmcb:run/staples(512000)", *vhosts).start()
    for label in ("ours", "both"):
        assert site.wait(host=name(label)).serial == certs[label].serial_number
    assert sorted(p.name for p in site.httpd.store.file("ocsp/other").glob("ocsp-*")) == sorted(
        f"ocsp-{sha1(certs[label])}.json" for label in ("ours", "both"))
    assert site.seen(host=name("theirs")).status == "good", "mod_ssl's own"
    for label in ("none", "excluded", "no-others"):
        assert NO_STAPLE in site.seen(host=name(label)).output, label


def test_must_staple_without_stapling_is_warned_of(site, name):
    site.authority.new(site.host, must_staple=True)
    site.authority.new(name("off"), must_staple=True)
    off = site.httpd.vhost(name("off"), extra=site.authority.files(name("off")) + "\nMDStapling off", http=False)
    site.configure("MDStapling on", off).start()
    lines = site.httpd.log_lines("must be stapled")
    assert len(lines) == 1 and name("off") in lines[0], lines


def test_old_responses_are_removed_at_start_but_none_that_is_in_use(site):
    site.configure().start()
    site.wait()
    site.httpd.stop()
    folder = site.httpd.store.file("ocsp/other")
    used, left, young = (folder / f"ocsp-{digest}.json" for digest in (sha1(site.cert), "ab" * 20, "cd" * 20))
    for path in (left, young):
        path.write_bytes(used.read_bytes())
    for path in (left, used):
        os.utime(path, (1, 1))
    site.responder.stop()
    site.httpd.start()
    assert site.seen().status == "good"
    assert used.exists() and young.exists() and not left.exists()


def test_a_damaged_file_is_replaced(site):
    site.configure().start()
    site.wait()
    site.httpd.stop()
    path = site.httpd.store.file("ocsp/other", f"ocsp-{sha1(site.cert)}.json")
    path.write_text(path.read_text()[:100])
    site.httpd.start()
    site.wait()
    assert site.kept()["status"] == "good"


def test_events_are_told(site):
    script = site.httpd.root / "told.sh"
    script.write_text(f"#!/bin/sh\necho \"$@\" >> {site.httpd.root}/run/told\n")
    script.chmod(0o755)
    (site.httpd.root / "run").chmod(0o777)
    told = site.httpd.root / "run/told"
    site.responder.instead = answer_with(500)
    site.configure("MDStapling on", "MDRetryDelay 1s", f"MDMessageCmd {script}").start()
    wait_until(lambda: told.exists() and "ocsp-errored other" in told.read_text(), 20, "the failure is told")
    site.responder.instead = None
    wait_until(lambda: "ocsp-renewed other" in told.read_text(), 20, "the success is told")


def test_two_hundred_certificates_are_stapled_side_by_side(site, name):
    site.responder.by_openssl = False
    hosts = [name(f"h{i}") for i in range(200)]
    certs = [site.authority.new(host) for host in hosts]
    vhosts = [site.httpd.vhost(host, extra=site.authority.files(host), http=False) for host in hosts]
    site.httpd.configure("MDStapling on", *vhosts).start()
    folder = site.httpd.store.file("ocsp/other")
    wait_until(lambda: len(list(folder.glob("ocsp-*.json"))) == 200, 20, "all are fetched")
    assert all(site.wait(host=host, timeout=2).serial == cert.serial_number for host, cert in list(zip(hosts, certs))[::20])
    assert site.responder.most_at_work <= 6
    asked = site.responder.asked
    assert asked == 200
    site.httpd.restart()
    assert all(site.seen(host=host).status == "good" for host in hosts[::20]), "from the first handshake on"
    assert site.responder.asked == asked
