# SPDX-License-Identifier: Apache-2.0
"""A man in the middle before the CA that answers badly on request: wrong types, errors, slowness, other people's
certificates. Without a CA behind it, it is a CA that only ever answers badly."""

import base64
import contextlib
import http.client
import http.server
import json
import re
import socket
import ssl
import struct
import threading
import time

from . import pki
from .proc import free_port, wait_until

JSON = "application/json"
PROBLEM = "application/problem+json"


class Answer:
    """What to answer instead: status, body, headers; `slow` seconds before it. Within the body it may `cut` the connection,
    `reset` it, `stall`, or go on `endless`ly."""

    def __init__(self, status=200, body=b"", kind=JSON, headers=(), slow=0.0, cut=False, how=""):
        self.status, self.kind, self.headers, self.slow = status, kind, list(headers), slow
        self.how = "cut" if cut else how
        self.body = body.encode() if isinstance(body, str) else body


def problem(kind, detail, status=400, headers=()):
    """A problem document of RFC 8555."""
    text = f'{{"type":"urn:ietf:params:acme:error:{kind}","detail":"{detail}","status":{status}}}'
    return Answer(status, text, PROBLEM, headers)


class Handler(http.server.BaseHTTPRequestHandler):
    """One request: answered by the first rule that fits, else by the CA."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self):
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        proxy.note(f"{self.command} {self.path}", body)
        proxy.agents.add(self.headers.get("User-Agent"))
        with proxy.in_flight():
            self._reply(proxy, body)

    do_GET = do_POST = do_HEAD = _serve

    def _reply(self, proxy, body):
        rule = proxy.rule_for(f"{self.command} {self.path}")
        if isinstance(rule, threading.Event):
            rule.wait(60)
            rule = None
        if isinstance(rule, Answer):
            self._answer(rule)
        elif rule is not None and not proxy.ca:
            self._answer(rule(None))
        elif not proxy.ca:
            self._answer(Answer(404, "nobody here", "text/plain"))
        else:
            answer = self._ask_ca(body)
            self._answer(rule(answer) if rule else answer)

    def _ask_ca(self, body):
        ca = self.server.proxy.ca
        conn = http.client.HTTPSConnection("localhost", ca.port, timeout=20,
                                           context=ssl.create_default_context(cafile=ca.ca_file))
        with contextlib.closing(conn):
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("connection", "expect")}
            conn.request(self.command, self.path, body or None, headers)
            got = conn.getresponse()
            data = got.read()
        if self.path.startswith("/sign-me-up") and got.headers.get("Location"):
            self.server.proxy.accounts.add(got.headers["Location"])
        if self.path.startswith("/order-plz") and got.headers.get("Location"):
            self.server.proxy.orders.add(got.headers["Location"])
        keep = [(k, v) for k, v in got.getheaders()
                if k.lower() not in ("content-length", "transfer-encoding", "content-type", "connection", "date")]
        return Answer(got.status, data, got.headers.get("Content-Type", ""), keep)

    def _answer(self, answer):
        if answer.slow:
            self.server.proxy.released.wait(answer.slow)
        self.send_response(answer.status)
        if answer.kind:
            self.send_header("Content-Type", answer.kind)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.how != "endless":
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[:len(answer.body) // 2] if answer.how else answer.body)
        self.close_connection |= bool(answer.how)
        if answer.how == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.socket(fileno=self.connection.detach()).close()  # without a word of TLS
        elif answer.how == "stall":
            self.server.proxy.released.wait(60)
        while answer.how == "endless":
            self.wfile.write(b" " * 65536)              # until the client has had enough

    def log_message(self, *args):
        """Requests are noted by the proxy."""


class Server(http.server.ThreadingHTTPServer):
    """One thread a connection, TLS handshakes in that thread, no words about clients that leave."""

    daemon_threads = True
    request_queue_size = 64

    def finish_request(self, request, client_address):
        request.settimeout(60)
        with contextlib.suppress(OSError), self.proxy.tls.wrap_socket(request, server_side=True) as conn:
            super().finish_request(conn, client_address)

    def handle_error(self, request, client_address):
        pass


class Proxy:
    """The proxy in front of `ca` (a Pebble), or alone when `ca` is None. Use as a context manager."""

    def __init__(self, folder, ca=None, names=("localhost", "127.0.0.1"), days=30, starts=-1):
        self.ca, self.port = ca, free_port()
        self.url = f"https://localhost:{self.port}/dir"
        self.folder, self.ca_file = folder, folder / "proxy-tls.pem"
        self.tls = self.identity("proxy", names, days, starts)
        self.rules, self.requests, self.gates, self.lock = [], [], [], threading.Lock()
        self.flying, self.peak = 0, 0   # requests side by side: now, and at most
        self.agents = set()             # User-Agent headers
        self.accounts = set()           # URLs of accounts the CA made or found
        self.orders = set()             # URLs of orders it made: requests are more, as some nonces are refused
        self.released = threading.Event()
        self.server = None
        self.open()

    def identity(self, name, names, days=30, starts=-1):
        """A TLS context with a certificate of its own, which is its own root: <name>-tls.pem."""
        cert_file, key_file = self.folder / f"{name}-tls.pem", self.folder / f"{name}-key.pem"
        key = pki.new_key()
        cert_file.write_bytes(pki.cert_pem(pki.new_cert(list(names), key, days=days, starts=starts)))
        key_file.write_bytes(pki.key_pem(key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert_file, key_file)
        return context

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for event in [self.released, *self.gates]:
            event.set()
        self.close()

    def open(self):
        """Take connections."""
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.proxy = self
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        """Refuse connections."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def answer(self, pattern, what, times=1_000_000):
        """From now on requests `METHOD /path` that match get `what`: an Answer, or a function of the CA's Answer."""
        with self.lock:
            self.rules.insert(0, [re.compile(pattern), what, times])

    def hold(self, pattern, times=1_000_000):
        """Requests that match wait until the returned event is set, then go on to the CA."""
        gate = threading.Event()
        self.gates.append(gate)
        self.answer(pattern, gate, times)
        return gate

    def behave(self):
        """Forget all rules."""
        with self.lock:
            self.rules.clear()

    def rule_for(self, request):
        """The rule for this request, used up once more."""
        with self.lock:
            for rule in self.rules:
                if rule[2] > 0 and rule[0].search(request):
                    rule[2] -= 1
                    return rule[1]
        return None

    def note(self, request, body=b""):
        """Remember a request."""
        with self.lock:
            self.requests.append((time.monotonic(), request, body))

    @contextlib.contextmanager
    def in_flight(self):
        """Counts requests that are side by side."""
        with self.lock:
            self.flying += 1
            self.peak = max(self.peak, self.flying)
        try:
            yield
        finally:
            with self.lock:
                self.flying -= 1

    def payloads(self, pattern):
        """What the client said in the signed requests that match: parsed payloads, None for POST-as-GET."""
        texts = [json.loads(body)["payload"] for _, _, body in self.seen(pattern) if body]
        return [json.loads(base64.urlsafe_b64decode(t + "=" * (-len(t) % 4))) if t else None for t in texts]

    def wait_for(self, pattern, timeout=30.0, more_than=0):
        """Wait until such a request came in (for the nth time)."""
        wait_until(lambda: len(self.seen(pattern)) > more_than, timeout, f"the CA is asked {pattern}", pause=0.005)

    def seen(self, pattern):
        """The requests that match, as (time, request, body)."""
        with self.lock:
            return [r for r in self.requests if re.search(pattern, r[1])]
