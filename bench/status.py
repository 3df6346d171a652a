#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What it costs to see how many domains stand: every rendering of the status at several sizes, by our module and by the
one that ships with httpd, in one run. Times are those of a client on the same machine, from the request to the last byte,
at rest; the first answer of a process is apart."""

import http.client
import statistics
import time

from common import arguments, contestants, cpu_seconds, note, show, workplace
from kit.proc import wait_until
from start import make_certificates, server

PAGES = ('MDServerStatus on\n<Location "/md-status">\n    SetHandler md-status\n</Location>\n'
         '<Location "/md-metrics">\n    SetHandler md-metrics\n</Location>\n'
         '<Location "/server-status">\n    SetHandler server-status\n</Location>\n')
ONLY_OURS = ("page of 100", "unchanged", "metrics")


def questions(host):
    """Rendering -> path."""
    return {"JSON of all": "/md-status/", "JSON of one": f"/md-status/{host}",
            "for everybody": "/.httpd/certificate-status", "server-status": "/server-status",
            "server-status?auto": "/server-status?auto", "page of 100": "/md-status/?limit=100",
            "unchanged": "/md-status/", "metrics": "/md-metrics"}


def ask(httpd, host, path, **headers):
    """(milliseconds, bytes, ETag) of one answer, on a connection of its own: not everybody keeps them."""
    connection = http.client.HTTPConnection("127.0.0.1", httpd.http_port, timeout=300)
    connection.connect()
    began = time.perf_counter()
    connection.request("GET", path, headers={"Host": host, **headers})
    answer = connection.getresponse()
    body = answer.read()
    took = (time.perf_counter() - began) * 1000
    connection.close()
    if answer.status not in (200, 304):
        raise RuntimeError(f"{path}: {answer.status}")
    return took, len(body), answer.headers.get("ETag")


def answers(httpd):
    """Whether it answers plain http."""
    try:
        ask(httpd, "localhost", "/")
        return True
    except OSError:
        if not httpd.proc.alive():
            raise RuntimeError(httpd.error_log()[-3000:]) from None
        return False


def measure(httpd, host, who, asks):
    """Figures of one server, from its first answer on."""
    began = time.monotonic()
    httpd.launch()
    wait_until(lambda: answers(httpd), 600, "an answer", pause=0.02)
    figures = {"start_s": round(time.monotonic() - began, 3), "start_cpu_s": cpu_seconds(httpd.proc.pid)}
    time.sleep(3)                                       # the engine has looked at all of them
    figures["memory_kib"] = httpd.memory()
    for name, path in questions(host).items():
        if who != "ours" and name in ONLY_OURS:
            continue
        first, size, tag = ask(httpd, host, path)
        headers = {"If-None-Match": tag} if name == "unchanged" else {}
        taken = [ask(httpd, host, path, **headers) for _ in range(asks)]
        figures[name] = {"first_ms": round(first, 2), "ms": round(statistics.median(t[0] for t in taken), 2),
                         "bytes": taken[-1][1] if name == "unchanged" else size}
    figures["memory_after_kib"] = httpd.memory()
    httpd.stop(60)
    return figures


def main():
    args = arguments(__doc__, of="stock,ours", domains="1000,5000", asks=7)
    result, rows = {}, []
    for count in [int(n) for n in args.domains.split(",")]:
        hosts = [f"h{i}.bench.example.test" for i in range(count)]
        with workplace() as folder:
            make_certificates(folder / "certs", hosts)
            result[count] = {}
            for who in contestants(args.of):
                httpd = server(who, folder, hosts, folder / "certs", extra=PAGES)
                figures = result[count][who] = measure(httpd, hosts[count // 2], who, args.asks)
                note(f"{count} domains, {who}: started in {figures['start_s']} s")
        rows += table(count, result[count])
    show(result, rows, ("domains", "rendering", "first ms", "ms", "KiB", "stock ms", "x stock"), args.json)


def table(count, figures):
    """Rows about one size."""
    ours, stock, rows = figures.get("ours", {}), figures.get("stock", {}), []
    for name in questions(""):
        mine, other = ours.get(name), stock.get(name, {}).get("ms")
        if mine:
            rows.append((count, name, mine["first_ms"], mine["ms"], mine["bytes"] // 1024, other or "",
                         round(mine["ms"] / other, 4) if other else ""))
    return rows


if __name__ == "__main__":
    main()
