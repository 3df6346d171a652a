#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How fast certificates are issued: our module, the original, and a client that only floods the CA's protocol.

The clock runs from the server's first answer until the last verified set is in the store (for the flood: until the last
certificate was downloaded). Each contestant has a fresh Pebble with the same settings; ratios come from one run."""

import os
import queue
import time

from common import MODULES, arguments, contestants, cpu_seconds, median, note, show, workplace
from flood import flood
from kit import pebble, tls
from kit.httpd import Httpd
from kit.proc import Timeout, wait_until


class Wedged(Exception):
    """Pebble locked up."""


class Usage:
    """Who used the processors from here on: shares of all of them, for what a figure is made of."""

    def __init__(self, ca):
        self.ca = ca.proc.pid
        self.before = self.read()

    def read(self):
        """(seconds of the clock, of the CA, of all processes) so far."""
        with open("/proc/stat", encoding="utf-8") as stat:
            user, nice, system, _idle, _wait, irq, softirq = map(int, stat.readline().split()[1:8])
        return (time.monotonic(), cpu_seconds(self.ca),
                (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK"))

    def shares(self):
        """{"ca": share, "others": share, "idle": share}."""
        clock, of_ca, of_all = (now - then for now, then in zip(self.read(), self.before))
        whole = clock * os.cpu_count()
        return {"ca": round(of_ca / whole, 2), "others": round((of_all - of_ca) / whole, 2),
                "idle": round(max(0, 1 - of_all / whole), 2)}


def through_httpd(ca, hosts, module, folder, args):
    """(seconds until all sets are in the store, seconds until all are live or None, shares of the processors)."""
    httpd = Httpd(ca, module=module, folder=folder, md_level="warn")
    httpd.configure("MDPrivateKeys P-256", "MDRetryDelay 1s", *[f"MDomain {h}" for h in hosts],
                    *[httpd.vhost(h) for h in hosts])
    written = {}

    def all_stored():
        for group in ("staging", "domains"):
            for file in httpd.store.file(group).glob("*/pubcert.p-256.pem"):
                written.setdefault(file.parent.name, file.stat().st_mtime)
        return len(written) == len(hosts)
    try:
        httpd.start(60)
        usage = Usage(ca)
        began, first = time.monotonic(), time.time()
        wait_until(all_stored, args.limit, f"{len(hosts)} certificates", pause=0.05)
        stored, shares = max(written.values()) - first, usage.shares()
        for line in httpd.log_lines("AH10056")[:3]:
            note("an attempt failed: " + line[:300])
        return stored, (all_live(httpd, hosts, began) if module == MODULES["ours"]() else None), shares
    finally:
        httpd.stop()


def all_live(httpd, hosts, began):
    """Seconds until a handshake with every host shows a certificate of the CA."""
    for host in hosts:
        tls.wait_for_cert(httpd.https_port, host, 30)
    return time.monotonic() - began


def run(who, count, sleep, folder, args):
    """One contestant, one Pebble."""
    folder.mkdir()
    folder.chmod(0o755)
    dns = pebble.ChallengeServer(folder)
    knobs = {"va_sleeptime": sleep} if sleep else {"va_nosleep": 1}
    ca = pebble.Pebble(folder, dns, wfe_noncereject=args.nonces, **knobs)
    hosts = [f"h{i}.bench.example.test" for i in range(count)]
    try:
        if who == "flood":
            usage = Usage(ca)
            return flood(ca, hosts, args.connections), None, usage.shares()
        return through_httpd(ca, hosts, MODULES[who](), folder, args)
    except (Timeout, queue.Empty) as err:
        raise Wedged(str(err)) if not ca.answers() else err
    finally:
        ca.stop()
        dns.stop()


def run_again_if_wedged(who, count, sleep, folder, args):
    """Pebble is known to lock up now and then; that is said, and the run repeated with another one."""
    for attempt in range(3):
        try:
            return run(who, count, sleep, folder.with_name(f"{folder.name}-{attempt}"), args)
        except Wedged as err:
            note(f"Pebble no longer answers ({err}): this run is repeated")
    raise RuntimeError("Pebble locked up three times")


def scene(title, count, sleep, folder, args):
    """All contestants in one scene, interleaved over the runs."""
    rates, live = {}, {}
    for turn in range(args.runs):
        for who in contestants(args.of):
            seconds, until_live, shares = run_again_if_wedged(who, count, sleep, folder / f"{title}-{who}-{turn}", args)
            note(f"{title} {who}: {count} in {seconds:.2f} s = {count / seconds:.2f}/s"
                 + (f", all live after {until_live:.2f} s" if until_live else "")
                 + f"; processors: {shares}")
            rates.setdefault(who, []).append(count / seconds)
            if until_live:
                live.setdefault(who, []).append(until_live)
    result = {who: {"per_second": median(each), "runs": [round(r, 2) for r in each]} for who, each in rates.items()}
    for who, each in live.items():
        result[who]["all_live_after_s"] = median(each)
    for other in ("stock", "flood"):
        if "ours" in result and other in result:
            result[f"ours/{other}"] = round(result["ours"]["per_second"] / result[other]["per_second"], 2)
    return result


def main():
    args = arguments(__doc__, of="ours,stock,flood", runs=1, quick=100, slow=60, sleep=3, nonces=5, connections=8, limit=600)
    result = {}
    with workplace() as folder:
        if args.quick:
            result[f"{args.quick} without CA delay"] = scene("quick", args.quick, 0, folder, args)
        if args.slow:
            result[f"{args.slow} with PEBBLE_VA_SLEEPTIME={args.sleep}, {args.nonces} % bad nonces"] = scene("slow", args.slow, args.sleep, folder, args)
    rows = [(title, who, f"{value['per_second']}/s" if isinstance(value, dict) else f"{value} x")
            for title, part in result.items() for who, value in part.items()]
    show(result, rows, ("scene", "who", "rate"), args.json)


if __name__ == "__main__":
    main()
