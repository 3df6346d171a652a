#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What stapling costs, and how fast staples come: full handshakes per second of clients that ask for a staple and get one,
against plain mod_ssl without stapling, for one host and for many; memory per staple; and the time to fetch the staples
of all hosts from one responder, against asking one after another."""

import http.client
import math
import random
import statistics
import subprocess
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from common import arguments, note, places, show, workplace
from handshakes import build_client
from kit.httpd import Httpd
from kit.ocsp import Authority
from kit.proc import free_port, wait_until

PATTERN = "h%d.bench.example.test"
MPM = ("StartServers 2\nServerLimit 2\nThreadsPerChild 16\nMaxRequestWorkers 32\nMinSpareThreads 1\n"
       "MaxSpareThreads 32\nMaxConnectionsPerChild 0\n")


def server(folder, name, authority, hosts, staples):
    """A server for the first `hosts` names; not started."""
    place = folder / name
    place.mkdir()
    place.chmod(0o755)
    httpd = Httpd(folder=place, managed=staples, http_port=free_port(), https_port=free_port(), md_level="notice")
    vhosts = [httpd.vhost(PATTERN % i, extra=authority.files(PATTERN % i), http=False) for i in range(hosts)]
    return httpd.configure("MDStapling on" if staples else "", *vhosts, mpm_settings=MPM)


def kept(httpd):
    """How many responses are in its store."""
    return len(list(httpd.store.file("ocsp/other").glob("ocsp-*.json")))


def fetch(httpd, hosts):
    """Seconds from the first request to the last response, with an empty store."""
    begin = time.monotonic()
    httpd.launch()
    wait_until(lambda: kept(httpd), 120, "the first staple", pause=0.002)
    first = time.monotonic()
    wait_until(lambda: kept(httpd) == hosts, 600, "all staples", pause=0.005)
    note(f"{hosts} staples {time.monotonic() - begin:.2f} s after the start")
    return time.monotonic() - first


def one_after_another(authority, certs):
    """Seconds to ask about all certificates by one client on one connection."""
    questions = [ocsp.OCSPRequestBuilder().add_certificate(cert, authority.cert, hashes.SHA1()).build()
                 .public_bytes(serialization.Encoding.DER) for cert in certs]
    conn = http.client.HTTPConnection("127.0.0.1", authority.responder.port, timeout=20)
    begin = time.monotonic()
    for question in questions:
        conn.request("POST", "/", question)
        ocsp.load_der_ocsp_response(conn.getresponse().read())
    conn.close()
    return time.monotonic() - begin


def rates(client, servers, args):
    """{contestant: [handshakes per second of each round]}, by turns."""
    found = {who: [] for who in servers}
    order = list(servers)
    for turn in range(args.rounds + 1):
        random.shuffle(order)
        for who in order:
            httpd, hosts = servers[who]
            argv = [client, str(httpd.https_port), PATTERN, str(args.slice), str(args.processes), f"names={hosts}",
                    "status=must" if httpd.managed else "status"]
            done = subprocess.run(argv + (["1.2"] if args.tls == "1.2" else []), capture_output=True, text=True, check=True,
                                  timeout=60 + args.slice)
            if turn:                                    # the first round only warms up
                found[who].append(int(done.stdout) / args.slice)
    return found


def compare(found, ours, plain):
    """Handshakes per second of both, their ratio and its error."""
    ratios = [a / b for a, b in zip(found[ours], found[plain])]
    return {"stapled": round(statistics.median(found[ours]), 1), "plain": round(statistics.median(found[plain]), 1),
            "ratio": round(statistics.mean(ratios), 4), "error": round(statistics.stdev(ratios) / math.sqrt(len(ratios)), 4)}


def memory_after_load(many, client, hosts, status):
    """KiB of all processes after a restart and the same handshakes."""
    many.restart()
    for _ in range(2):
        subprocess.run([client, str(many.https_port), PATTERN, "2", "2", f"names={hosts}", status], check=True, timeout=60,
                       capture_output=True)
    return many.memory()


def memory_per_staple(many, client, hosts):
    """KiB that all processes need more when staples are there, per staple: the same server, without and with them."""
    with_staples = memory_after_load(many, client, hosts, "status=must")
    store = many.store.file("ocsp")
    store.rename(store.with_name("ocsp.away"))
    conf = many.root / "conf/httpd.conf"
    conf.write_text(conf.read_text() + "MDInitialDelay 1h\n")
    without = memory_after_load(many, client, hosts, "status")
    note(f"memory: {with_staples} KiB with, {without} KiB without staples")
    return (with_staples - without) / hosts


def main():
    args = arguments(__doc__, hosts=1000, rounds=20, slice=1.0, processes=2, tls="1.3", delay=20)
    servers, started = {}, []
    result = {"tls": args.tls, "hosts": args.hosts, "responder_delay_ms": args.delay}
    with workplace() as folder:
        client = build_client(folder)
        authority = Authority(folder)
        authority.responder.by_openssl = False
        certs = [authority.new(PATTERN % i) for i in range(args.hosts)]
        assert isinstance(certs[0], x509.Certificate) and places.module_under_test().is_file()
        try:
            for name, hosts, staples in (("one", 1, True), ("plain-one", 1, False), ("many", args.hosts, True),
                                         ("plain-many", args.hosts, False)):
                servers[name] = (server(folder, name, authority, hosts, staples), hosts)
                started.append(servers[name][0])
            many = servers["many"][0]
            authority.responder.delay = args.delay / 1000
            result["fetch_s"] = round(fetch(many, args.hosts), 2)
            result["one_after_another_s"] = round(one_after_another(authority, certs), 2)
            authority.responder.delay = 0
            many.stop()
            for httpd, _ in servers.values():
                httpd.start()
            wait_until(lambda: kept(servers["one"][0]) == 1, 20, "the staple of the only host")
            note(f"{args.rounds} rounds of {args.slice} s for {', '.join(servers)}")
            found = rates(client, servers, args)
            result["one_host"] = compare(found, "one", "plain-one")
            result["many_hosts"] = compare(found, "many", "plain-many")
            result["kib_per_staple"] = round(memory_per_staple(many, client, args.hosts), 2)
        finally:
            for httpd in started:
                httpd.stop()
            authority.stop()
    rows = [(f"{name}", r["stapled"], r["plain"], f"{r['ratio']} +- {r['error']}")
            for name, r in result.items() if isinstance(r, dict)]
    rows.append((f"{args.hosts} staples", f"{result['fetch_s']} s", f"{result['one_after_another_s']} s", "one after another"))
    rows.append(("a staple", f"{result['kib_per_staple']} KiB", "", ""))
    show(result, rows, ("what", "stapled", "plain", "ratio"), args.json)


if __name__ == "__main__":
    main()
