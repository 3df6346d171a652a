#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Full TLS handshakes per second on managed hosts against plain mod_ssl with the same certificate and key.

All servers run side by side, and short slices alternate between them in changing order, so that whatever else happens on
this machine happens to all. `hot` went live without a restart, `loaded` is the same server after a restart."""

import math
import random
import statistics
import subprocess

from common import arguments, contestants, note, places, show, workplace
from kit import pebble, pki, tls
from kit.checks import promoted
from kit.httpd import Httpd
from kit.proc import free_port

NAME = "www.bench.example.test"
MPM = ("StartServers 1\nServerLimit 1\nThreadsPerChild 16\nMaxRequestWorkers 16\nMinSpareThreads 1\n"
       "MaxSpareThreads 16\nMaxConnectionsPerChild 0\n")


def build_client(folder):
    """The C client, compiled on the spot."""
    program = folder / "handshake"
    source = places.TOP / "bench/handshake.c"
    subprocess.run(["cc", "-O2", "-o", program, source, "-lssl", "-lcrypto"], check=True, timeout=120)
    return program


def new_server(folder, name, ca=None, module=None):
    """A server with one child."""
    place = folder / name
    place.mkdir()
    place.chmod(0o755)
    return Httpd(ca, module=module, folder=place, managed=ca is not None, http_port=None if ca else free_port(),
                 https_port=None if ca else free_port())


def managed(folder, name, module, graceful):
    """A server whose certificate comes from a CA of its own, hot or loaded by a restart."""
    dns = pebble.ChallengeServer(folder)
    ca = pebble.Pebble(folder, dns)
    httpd = new_server(folder, name, ca, module)
    try:
        httpd.managing(NAME, extra="MDPrivateKeys P-256", mpm_settings=MPM).start()
        if module == places.stock_module():
            httpd.wait_for_log("AH10059", 40)
        else:
            promoted(httpd, NAME, tls.wait_for_cert(httpd.https_port, NAME), "pubcert.p-256.pem")
        if graceful:
            httpd.restart()
        assert not tls.is_placeholder(tls.leaf(httpd.https_port, NAME))
        return httpd
    finally:
        ca.stop()
        dns.stop()


def plain(folder, chain, key):
    """mod_ssl alone with this certificate."""
    httpd = new_server(folder, "plain")
    (folder / "chain.pem").write_bytes(pki.cert_pem(*chain))
    (folder / "key.pem").write_bytes(pki.key_pem(key))
    httpd.configure(httpd.vhost(NAME, extra=f"SSLCertificateFile {folder}/chain.pem\n"
                                            f"SSLCertificateKeyFile {folder}/key.pem"), mpm_settings=MPM)
    return httpd.start()


def start_all(folder, names):
    """{contestant: server}."""
    servers = {}
    for who in names:
        if who == "plain":
            continue
        place = folder / f"ca-{who}"
        place.mkdir()
        place.chmod(0o755)
        module = places.stock_module() if who == "stock" else places.module_under_test()
        servers[who] = managed(place, who, module, who != "hot")
    any_one = next(iter(servers.values()))
    group = "domains" if any_one.store.cert(NAME, "domains", "pubcert.p-256.pem") else "staging"
    servers["plain"] = plain(folder, any_one.store.chain(NAME, group, "pubcert.p-256.pem"),
                             any_one.store.key(NAME, group, "privkey.p-256.pem"))
    return servers


def slices(client, servers, args):
    """{contestant: [handshakes per second of each round]}."""
    rates = {who: [] for who in servers}
    order = list(servers)
    for turn in range(args.rounds + 1):
        random.shuffle(order)
        for who in order:
            argv = [client, str(servers[who].https_port), NAME, str(args.slice), str(args.processes)]
            done = subprocess.run(argv + (["1.2"] if args.tls == "1.2" else []), capture_output=True, text=True,
                                  check=True, timeout=60 + args.slice)
            if turn:                                    # the first round only warms up
                rates[who].append(int(done.stdout) / args.slice)
    return rates


def main():
    args = arguments(__doc__, of="plain,stock,loaded,hot", rounds=20, slice=1.0, processes=2, tls="1.3")
    names = contestants(args.of)
    if not places.module_under_test().is_file() or places.is_stock():
        names = [n for n in names if n in ("plain", "stock")]
    servers = {}
    with workplace() as folder:
        client = build_client(folder)
        try:
            servers = start_all(folder, names)
            note(f"{args.rounds} rounds of {args.slice} s for {', '.join(servers)}")
            rates = slices(client, servers, args)
        finally:
            for httpd in servers.values():
                httpd.stop()
    result = {}
    for who, each in rates.items():
        ratios = [a / b for a, b in zip(each, rates["plain"])]
        result[who] = {"per_second": round(statistics.median(each), 1), "x_plain": round(statistics.mean(ratios), 4),
                       "x_plain_error": round(statistics.stdev(ratios) / math.sqrt(len(ratios)), 4)}
    rows = [(who, r["per_second"], f"{r['x_plain']} +- {r['x_plain_error']}") for who, r in result.items()]
    show({"tls": args.tls, **result}, rows, ("who", "handshakes/s", "x plain"), args.json)


if __name__ == "__main__":
    main()
