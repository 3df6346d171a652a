# SPDX-License-Identifier: Apache-2.0
"""Pebble, the ACME test CA, with its DNS and challenge test server, on free ports and under our control."""

import http.client
import json
import re
import signal
import ssl
import threading
import time

from . import pki
from .places import pebble_program
from .proc import Proc, free_port, port_answers, wait_until

LIFETIME = 90 * 24 * 3600
RUNNING = set()


class ChallengeServer:
    """pebble-challtestsrv: answers the CA's DNS questions with 127.0.0.1 for every name."""

    def __init__(self, folder):
        self.dns_port, self.port = free_port(), free_port()
        self.proc = Proc([pebble_program("pebble-challtestsrv"), "-defaultIPv4", "127.0.0.1",
                          "-defaultIPv6", "", "-dnsserver", f"127.0.0.1:{self.dns_port}",
                          "-management", f"127.0.0.1:{self.port}", "-doh", "", "-http01", "",
                          "-https01", "", "-tlsalpn01", ""], folder / "challtestsrv.log")
        wait_until(lambda: port_answers(self.port) and port_answers(self.dns_port), 10,
                   "the challenge test server answers")

    def tell(self, what, **body):
        """One call of its management API, such as tell("set-servfail", host="x.test")."""
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        conn.request("POST", f"/{what}", json.dumps(body))
        answer = conn.getresponse().read()
        conn.close()
        return answer

    def stop(self):
        """End it."""
        self.proc.stop()


class Pebble:
    """One Pebble. Knobs are its environment variables without PEBBLE_, in lower case: va_sleeptime=3."""

    # Deterministic unless a test asks otherwise: every order brings fresh authorizations.
    KNOBS = {"authzreuse": 0, "wfe_noncereject": 5}

    def __init__(self, folder, dns, strict=False, config=None, http_port=None, tls_port=None, **knobs):
        self.folder, self.dns, self.strict = folder, dns, strict
        self.port, self.admin_port = free_port(), free_port()
        self.http_port, self.tls_port = http_port or free_port(), tls_port or free_port()
        self.url = f"https://localhost:{self.port}/dir"
        self.ca_file = folder / "pebble-tls.pem"
        self.knobs = {**self.KNOBS, **knobs}
        if "va_sleeptime" not in self.knobs:
            self.knobs.setdefault("va_nosleep", 1)
        self.proc = None
        self._write_config(config or {})
        self.start()

    def _write_config(self, extra):
        key = pki.new_key()
        cert = pki.new_cert(["localhost", "127.0.0.1"], key, days=365)
        self.ca_file.write_bytes(pki.cert_pem(cert))
        (self.folder / "pebble-key.pem").write_bytes(pki.key_pem(key))
        settings = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.admin_port}",
            "certificate": str(self.ca_file), "privateKey": str(self.folder / "pebble-key.pem"),
            "httpPort": self.http_port, "tlsPort": self.tls_port,
            "ocspResponderURL": "", "externalAccountBindingRequired": False,
            "domainBlocklist": ["blocked-domain.example"],
            "profiles": {"default": {"description": "the only one", "validityPeriod": LIFETIME}},
            **extra,
        }
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": settings}, indent=2))

    def start(self):
        """Start it and wait until it answers; a restart forgets accounts and makes new roots."""
        env = {f"PEBBLE_{name.upper()}": str(value) for name, value in self.knobs.items()}
        argv = [pebble_program(), "-config", self.folder / "pebble.json",
                "-dnsserver", f"127.0.0.1:{self.dns.dns_port}"]
        self.proc = Proc(argv + (["-strict"] if self.strict else []), self.folder / "pebble.log", env)
        RUNNING.add(self)
        wait_until(self.answers, 15, "Pebble answers")

    def is_stuck(self):
        """Whether requests wait for each other's locks: it is told to end with a list of what everybody waits for, and
        started again."""
        begin = len(self.log())
        self.proc.signal(signal.SIGQUIT)
        wait_until(lambda: not self.proc.alive(), 10, "Pebble ends")
        waiting = re.findall(r"^goroutine \d+ .*\[sync\.(?:RW)?Mutex\.R?Lock", self.log()[begin:], re.M)
        self.start()
        return len(waiting) > 1

    def answers(self):
        """Whether its directory can be fetched, within a few seconds."""
        if not self.proc.alive():
            raise RuntimeError("Pebble ended:\n" + self.proc.output()[-2000:])
        try:
            return "renewalInfo" in json.loads(self.get("/dir", self.port, timeout=3))
        except (OSError, http.client.HTTPException):
            return False

    def stop(self):
        """End it."""
        RUNNING.discard(self)
        self.proc.stop(timeout=3)

    def ensure(self):
        """Pebble is known to lock up under load: restart one that no longer answers. Returns whether it had to."""
        try:
            if self.answers():
                return False
        except RuntimeError:
            pass
        print("Pebble no longer answers and is restarted (known trouble of Pebble, not of its client)")
        self.stop()
        self.start()
        return True

    def get(self, path, port=None, timeout=10):
        """The body of a GET to its management port, or to `port`."""
        conn = http.client.HTTPSConnection("localhost", port or self.admin_port, timeout=timeout,
                                           context=ssl.create_default_context(cafile=self.ca_file))
        try:
            conn.request("GET", path, headers={"User-Agent": "md-e2e"})
            return conn.getresponse().read()
        finally:
            conn.close()

    def post(self, path, body):
        """The status of a POST to its management port."""
        conn = http.client.HTTPSConnection("localhost", self.admin_port, timeout=10,
                                           context=ssl.create_default_context(cafile=self.ca_file))
        try:
            conn.request("POST", path, body, headers={"User-Agent": "md-e2e"})
            return conn.getresponse().status
        finally:
            conn.close()

    def root(self, number=0):
        """The PEM of the root that its certificates chain up to."""
        return self.get(f"/roots/{number}").decode()

    def cert_status(self, cert):
        """"Valid" or "Revoked"."""
        return json.loads(self.get(f"/cert-status-by-serial/{cert.serial_number:x}"))["Status"]

    def log(self):
        """What it has printed, one line a request."""
        return self.proc.output()

    def count(self, text):
        """How many of its log lines contain `text`, such as 'POST /sign-me-up'."""
        return sum(text in line for line in self.log().splitlines())


class IssueWatch:
    """Notes when the CA issues: {serial: time.monotonic()}. Use as a context manager."""

    def __init__(self, ca):
        self.ca, self.issued, self._ended = ca, {}, threading.Event()
        self.offset = len(ca.log().encode())
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self._ended.set()
        self.thread.join(5)

    def _run(self):
        with open(self.ca.proc.log, "rb") as log:
            log.seek(self.offset)
            while not self._ended.wait(0.005):
                for serial in re.findall(rb"Issued certificate serial ([0-9a-f]+)", log.read()):
                    self.issued.setdefault(int(serial, 16), time.monotonic())
