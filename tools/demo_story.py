# SPDX-License-Identifier: Apache-2.0
"""The story that tools/demo tells: placeholder, order, live certificate, and a renewal under load without one failure."""

import argparse
import os
import pathlib
import re
import shutil
import signal
import sys
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests/e2e"))

from kit import places, pebble, tls                 # noqa: E402
from kit.httpd import Httpd                         # noqa: E402
from kit.load import Load                           # noqa: E402
from kit.proc import Timeout, wait_until            # noqa: E402
from kit.store import dns_names                     # noqa: E402

SHOP, BLOG = "shop.example.test", "blog.example.test"
LIFETIME_S, WINDOW_S = 60, 40
STATUS = """
<Location "/md-status">
    SetHandler md-status
    Require local
</Location>
<Location "/server-status">
    SetHandler server-status
    Require local
</Location>
"""
BEGAN = time.monotonic()


def say(text, mark=" "):
    """One line of the story, with the time since it began."""
    print(f"{time.monotonic() - BEGAN:7.2f} s {mark} {text}", flush=True)


def passable(path):
    """Whether httpd's unprivileged children can pass all folders on the way."""
    return os.geteuid() != 0 or all(p.stat().st_mode & 0o001 for p in [path, *path.parents])


def work_folder():
    """build/demo, or one below /tmp if the server's user could not reach that."""
    folder = TOP / "build/demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    if passable(folder):
        return folder
    elsewhere = places.new_folder("md-demo-")
    say(f"{places.unprivileged_user()} may not enter {folder}: working in {elsewhere}")
    return elsewhere


class LogTeller(threading.Thread):
    """Tells what the module writes into the error log, line by line."""

    def __init__(self, httpd):
        super().__init__(daemon=True)
        self.log, self.ended = httpd.root / "logs/error.log", threading.Event()

    def run(self):
        wait_until(self.log.exists, 30, "the error log")
        with open(self.log, encoding="utf-8", errors="replace") as log:
            while not self.ended.wait(0.01):
                for line in log.readlines():
                    self.tell(line)

    @staticmethod
    def tell(line):
        """What an operator would want to read, and each step of the orders (AH10052)."""
        found = re.search(r"\[md:(\w+)\] \[pid.*?\] (?:\w+\.c\(\d+\): )?(?:AH\d+: )?(.*)", line)
        if found and (found[1] != "debug" or "AH10052" in line):
            say(found[2].strip()[:160], "!" if found[1] in ("error", "crit", "emerg") else "|")

    def stop(self):
        """Tell no more."""
        self.ended.set()
        self.join(5)


class Demo:
    """The servers, and the acts of the story."""

    def __init__(self, folder):
        self.folder, self.parts = folder, []
        (folder / "httpd").mkdir()
        (folder / "httpd").chmod(0o755)

    def raise_curtain(self):
        """CA and httpd come up."""
        dns = self.keep(pebble.ChallengeServer(self.folder))
        config = {"profiles": {"default": {"description": "one minute", "validityPeriod": LIFETIME_S}}}
        self.ca = self.keep(pebble.Pebble(self.folder, dns, strict=True, config=config, va_sleeptime=3))
        (self.folder / "root.pem").write_text(self.ca.root())
        say(f"Pebble is up: {self.ca.url}; its certificates live for {LIFETIME_S} s, its root is in {self.folder}/root.pem")
        self.httpd = self.keep(Httpd(self.ca, folder=self.folder / "httpd", md_level="debug", preflight="warn"))
        # Configuration for everyone else: two lines. The rest makes time run faster.
        managed = f"MDomain {SHOP} www.{SHOP}\nMDomain {BLOG}\n"
        self.httpd.configure(managed, f"MDRenewWindow {WINDOW_S}s\nMDRenewViaARI off\nMDRetryDelay 1s\nMDDnsServer 127.0.0.1:{dns.dns_port}\n", STATUS,
                             self.httpd.vhost(SHOP, f"www.{SHOP}"), self.httpd.vhost(BLOG))
        teller = LogTeller(self.httpd)
        teller.start()
        self.parts.append(teller)
        self.httpd.start()
        say(f"httpd is up, configured with: {managed.strip()!r}".replace("\\n", "', '"))
        say(f"the whole configuration: {self.httpd.root}/conf/httpd.conf")

    def keep(self, part):
        """Remember to end it."""
        self.parts.append(part)
        return part

    def show_placeholder(self):
        """What clients get before there is a certificate."""
        for name in (SHOP, BLOG):
            cert = tls.leaf(self.httpd.https_port, name)
            status, headers, _ = tls.get(self.httpd.https_port, name)
            if not tls.is_placeholder(cert) or status != 503:
                raise AssertionError(f"{name}: expected a placeholder and 503, got {status}")
            say(f"https://{name}:{self.httpd.https_port}/ -> {status}, Retry-After {headers['Retry-After']}, "
                "placeholder certificate")

    def show_live(self, name, unlike=None):
        """A certificate is live; a request is verified against the CA's root."""
        cert = tls.wait_for_cert(self.httpd.https_port, name, 60, unlike)
        say(f"{name}: certificate {cert.serial_number:x} for {', '.join(dns_names(cert))} is live", "*")
        status, _, body = tls.get(self.httpd.https_port, name, roots=self.ca.root())
        if status != 200:
            raise AssertionError(f"{name}: {status} instead of 200")
        say(f"https://{name}:{self.httpd.https_port}/ -> {status} {body.decode().strip()!r}, "
            "verified against the CA's root", "*")
        return cert

    def renew_under_load(self, first):
        """The forced renewal: the minute is nearly over, and requests go on all the time."""
        say(f"now requests without end; the renewal begins {WINDOW_S} s before the certificate's end ...")
        with Load(self.httpd.https_port, SHOP, self.ca.root()) as load:
            self.show_live(SHOP, unlike=first)
            seen = load.requests
            wait_until(lambda: load.requests > seen + 300, 20, "the load goes on")
        say(f"under load: {load.report()}", "*")
        if load.failures:
            raise AssertionError(f"requests failed: {load.failures[:3]}")
        if load.connects["keeps"] != 2:
            raise AssertionError("kept connections were closed")

    def play(self):
        """All acts; raises where one fails."""
        self.raise_curtain()
        self.show_placeholder()
        first = self.show_live(SHOP)
        self.show_live(f"www.{SHOP}")
        self.show_live(BLOG)
        self.renew_under_load(first)

    def stay(self):
        """Say where to look and wait for Ctrl-C."""
        port = self.httpd.https_port
        print(f"\n  status    http://localhost:{self.httpd.http_port}/md-status\n"
              f"            http://localhost:{self.httpd.http_port}/server-status\n"
              f"  try       curl --cacert {self.folder}/root.pem --resolve {SHOP}:{port}:127.0.0.1 https://{SHOP}:{port}/\n"
              f"  store     {self.httpd.store.path}\n"
              f"  logs      {self.httpd.root}/logs\n\n  Ctrl-C ends everything.\n", flush=True)
        threading.Event().wait()

    def end(self):
        """Nothing stays running."""
        for part in reversed(self.parts):
            part.stop()


def interrupted(*_):
    """Signals end the story in good order."""
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(prog="tools/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end by itself, with exit code 0 if all went well")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupted)
    folder = work_folder()
    demo = Demo(folder)
    try:
        demo.play()
        if not args.once:
            demo.stay()
        say("that was it")
        return 0
    except KeyboardInterrupt:
        print("\nending", flush=True)
        return 1 if args.once else 0
    except (AssertionError, Timeout, OSError, RuntimeError) as failure:
        say(f"FAILED: {failure}", "!")
        return 1
    finally:
        demo.end()
        if not folder.is_relative_to(TOP):
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
