# SPDX-License-Identifier: Apache-2.0
"""Many domains at a time: all arrive, few threads and little memory suffice, and nobody waits for those who are stuck."""

import os
import socket

import pytest

from kit import tls
from kit.ca_proxy import Answer, Proxy
from kit.proc import wait_until

MANY = int(os.environ.get("MD_SIDE_BY_SIDE", "100"))
THREADS, MEMORY_KIB = 8, 64


def tasks(pid):
    """How many threads a process has now; none when it has ended."""
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except FileNotFoundError:
        return 0


def memory(pid):
    """KiB of memory of its own."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))


def host_of_the_engine(httpd):
    """The child with more threads than the others."""
    return max(httpd.children(), key=tasks)


def test_many_domains_that_are_due_at_once_all_arrive(new_ca, new_httpd, name):
    ca = new_ca(va_sleeptime=3, wfe_noncereject=15)
    httpd = new_httpd(ca)
    hosts = [name(f"h{i}") for i in range(MANY)]
    httpd.configure("MDPrivateKeys P-256", *[f"MDomain {h}" for h in hosts], *[httpd.vhost(h, http=False) for h in hosts],
                    httpd.vhost("localhost", https=False)).start(60)
    most, have = 0, set()

    def all_arrived():
        nonlocal most
        counts = sorted(tasks(pid) for pid in httpd.children())
        most = max(most, counts[-1] - counts[0])        # another child of the same kind has httpd's own threads only
        for group in ("staging", "domains"):
            have.update(path.parent.name for path in httpd.store.file(group).glob("*/pubcert.p-256.pem"))
        return have.issuperset(hosts)
    wait_until(all_arrived, 45 + MANY, f"{MANY} certificates", pause=0.02)
    assert 1 <= most <= THREADS, "threads besides httpd's"
    for host in hosts:
        tls.wait_for_cert(httpd.https_port, host, 20)
    assert not httpd.log_lines("AH10056"), "refused nonces are no failures"
    assert ca.count("Added order") <= MANY * 1.05, "no order to spare"


def test_an_order_in_progress_needs_little_memory(ca, new_httpd, name):
    few, many, used = 8, 208, {}
    hosts = [name(f"h{i}") for i in range(many)]
    with Proxy(ca.folder, ca) as proxy:
        proxy.answer("POST /chalZ", Answer(200, "{}"))  # the CA never hears that it may check
        for count in (few, many):
            httpd = new_httpd(ca)
            told = len(proxy.seen("POST /chalZ"))
            httpd.configure(f"MDRenewConcurrency {count}", "MDPrivateKeys P-256", *[f"MDomain {h}" for h in hosts],
                            *[httpd.vhost(h, http=False) for h in hosts], ca_url=proxy.url, ca_file=proxy.ca_file,
                            ).start(60)
            proxy.wait_for("POST /chalZ", 60, more_than=told + count - 1)
            used[count] = memory(host_of_the_engine(httpd))
            httpd.kill()
    assert (used[many] - used[few]) / (many - few) <= MEMORY_KIB


@pytest.fixture
def silent_ca():
    """The URL of a CA that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"https://localhost:{listening.getsockname()[1]}/dir"


def slow_command(httpd):
    """A command for dns-01 that takes its time."""
    path = httpd.root / "sleep.sh"
    path.write_text("#!/bin/sh\nexec sleep 60\n")
    path.chmod(0o755)
    return path


def test_who_is_stuck_delays_nobody_else(ca, httpd, name, silent_ca):
    dead, slow, hung, good = ([name(f"{kind}{i}") for i in range(count)]
                              for kind, count in (("dead", 20), ("slow", 3), ("hung", 1), ("good", 12)))
    with Proxy(httpd.root, ca) as deaf:
        deaf.answer("POST /chalZ", Answer(200, "{}"))
        roots = httpd.root / "roots.pem"
        roots.write_bytes(ca.ca_file.read_bytes() + deaf.ca_file.read_bytes())
        sections = [f"<MDomain {h}>\nMDCertificateAuthority {silent_ca}\n</MDomain>" for h in dead]
        sections += [f"<MDomain {h}>\nMDCAChallenges dns-01\nMDChallengeDns01 {slow_command(httpd)}\n</MDomain>" for h in slow]
        sections += [f"<MDomain {h}>\nMDCertificateAuthority {deaf.url}\n</MDomain>" for h in hung]
        httpd.configure("MDRenewConcurrency 6", "MDPrivateKeys P-256", *sections, *[f"MDomain {h}" for h in good],
                        *[httpd.vhost(h) for h in dead + slow + hung + good], ca_file=roots).start()
        for host in good:
            tls.wait_for_cert(httpd.https_port, host, 25)
        assert not httpd.log_lines("AH10056"), "they came before anybody gave up"
        for host in dead + slow + hung:
            assert tls.is_placeholder(tls.leaf(httpd.https_port, host))


def test_what_is_found_out_about_a_silent_ca_is_known_to_all_its_domains(httpd, name, silent_ca):
    hosts = [name(f"h{i}") for i in range(30)]
    httpd.configure(*[f"MDomain {h}" for h in hosts],
                    *[httpd.vhost(h) for h in hosts], ca_url=silent_ca).start()
    wait_until(lambda: len(httpd.log_lines("AH10056")) >= len(hosts), 60, "all have failed")
