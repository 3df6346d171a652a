#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What many domains cost at start and in memory: plain mod_ssl, the original, and our module, with one virtual host and
one certificate for each domain. Contestants take turns; figures are medians, ratios come from one run."""

import json
import signal
import time

from common import MODULES, arguments, contestants, cpu_seconds, median, note, show, workplace
from kit import pki, tls
from kit.httpd import RESUMING, Httpd
from kit.proc import free_port, wait_until


def make_certificates(folder, hosts):
    """A leaf with its issuer and its key for each host, as files in the store's layout."""
    issuer = pki.new_ca("Bench CA")
    for host in hosts:
        place = folder / host
        place.mkdir(parents=True)
        key = pki.new_key()
        (place / "pubcert.p-256.pem").write_bytes(pki.cert_pem(pki.new_cert([host], key, issuer, days=90), issuer[0]))
        (place / "privkey.p-256.pem").write_bytes(pki.key_pem(key))
        (place / "privkey.p-256.pem").chmod(0o600)
        (place / "md.json").write_text(json.dumps({"name": host, "domains": [host], "ca": {
            "proto": "ACME", "url": "https://localhost:1/dir", "urls": ["https://localhost:1/dir"]},
            "privkey": {"type": "EC", "curve": "P-256"}, "state": 2}, indent=2))


def server(who, folder, hosts, certs, extra=""):
    """A configured server of this contestant."""
    place = folder / who
    place.mkdir()
    place.chmod(0o755)
    managed = who != "plain"
    httpd = Httpd(module=MODULES[who]() if managed else None, folder=place, managed=managed, md_level="warn",
                  http_port=free_port(), https_port=free_port())
    vhosts = []
    for host in hosts:
        files = "" if managed else (f"SSLCertificateFile {certs}/{host}/pubcert.p-256.pem\n"
                                    f"SSLCertificateKeyFile {certs}/{host}/privkey.p-256.pem")
        vhosts.append(httpd.vhost(host, extra=files, http=False))
    if managed:
        httpd.store.path.mkdir()
        (httpd.store.path / "domains").mkdir(mode=0o700)
        make_links(httpd.store.file("domains"), certs, hosts)
    return httpd.configure(extra, "MDPrivateKeys P-256" if managed else "", *[f"MDomain {h}" for h in hosts if managed], *vhosts)


def make_links(domains, certs, hosts):
    """The same certificates in the store, as files of its own."""
    for host in hosts:
        (domains / host).mkdir(mode=0o700)
        for file in (certs / host).iterdir():
            copy = domains / host / file.name
            copy.write_bytes(file.read_bytes())
            copy.chmod(0o600)


def answers(httpd, host):
    """Whether `host` answers over https with its own certificate."""
    if not httpd.proc.alive():
        raise RuntimeError(f"{httpd.root.name} ended:\n{httpd.proc.output()}\n{httpd.error_log()[-3000:]}")
    try:
        visitor = tls.Visitor(httpd.https_port, host, timeout=60)
        status = visitor.get("/")[0]
        visitor.close()
        return status == 200 and not tls.is_placeholder(visitor.cert)
    except OSError:
        return False


def cold(httpd, host):
    """Seconds from the start of the program to the first https answer."""
    began = time.monotonic()
    httpd.launch()
    wait_until(lambda: answers(httpd, host), 300, f"{httpd.root.name} answers", pause=0.005)
    return time.monotonic() - began


def graceful(httpd, host):
    """Seconds from the signal to the first answer of the new generation."""
    log = httpd.root / "logs/error.log"
    before = log.stat().st_size
    began = time.monotonic()
    httpd.proc.signal(signal.SIGUSR1)

    def resumed():
        with open(log, encoding="utf-8", errors="replace") as text:
            text.seek(before)
            return RESUMING in text.read()
    wait_until(resumed, 300, "the new generation", pause=0.005)
    wait_until(lambda: answers(httpd, host), 60, "an answer", pause=0.005)
    return time.monotonic() - began


def measure(httpd, host):
    """One start, two graceful restarts, memory at rest."""
    figures = {"cold_s": cold(httpd, host), "cold_cpu_s": cpu_seconds(httpd.proc.pid)}
    time.sleep(1)
    figures["memory_kib"] = httpd.memory()
    turns = []
    for _ in range(2):
        turns.append(graceful(httpd, host))
        time.sleep(1)
    figures["graceful_s"] = median(turns)
    figures["memory_after_graceful_kib"] = httpd.memory()
    httpd.stop(60)
    return figures


def main():
    args = arguments(__doc__, of="plain,stock,ours", domains=3000, runs=3)
    hosts = [f"h{i}.bench.example.test" for i in range(args.domains)]
    taken = {}
    with workplace() as folder:
        certs = folder / "certs"
        make_certificates(certs, hosts)
        servers = {who: server(who, folder, hosts, certs) for who in contestants(args.of)}
        for who, httpd in servers.items():              # the first start brings the store into shape
            cold(httpd, hosts[-1])
            httpd.stop(60)
        for turn in range(args.runs):
            for who, httpd in servers.items():
                figures = measure(httpd, hosts[-1])
                note(f"run {turn + 1} {who}: " + ", ".join(f"{k} {v:.2f}" for k, v in figures.items()))
                taken.setdefault(who, []).append(figures)
    result = {who: {key: median([f[key] for f in each]) for key in each[0]} for who, each in taken.items()}
    rows = []
    for who, figures in result.items():
        if "plain" in result:
            plain = result["plain"]
            figures["cold_ratio"] = round(figures["cold_s"] / plain["cold_s"], 3)
            figures["cold_cpu_ratio"] = round(figures["cold_cpu_s"] / plain["cold_cpu_s"], 3)
            figures["graceful_ratio"] = round(figures["graceful_s"] / plain["graceful_s"], 3)
            figures["kib_per_domain_more"] = round((figures["memory_kib"] - plain["memory_kib"]) / args.domains, 2)
        rows.append([who] + [figures.get(k, "") for k in ("cold_s", "cold_ratio", "cold_cpu_ratio", "graceful_s", "graceful_ratio",
                                                          "memory_kib", "kib_per_domain_more")])
    show({"domains": args.domains, **result}, rows, ("who", "cold s", "x plain", "x plain (CPU)", "graceful s", "x plain", "PSS KiB",
                                                     "KiB/domain more"), args.json)


if __name__ == "__main__":
    main()
