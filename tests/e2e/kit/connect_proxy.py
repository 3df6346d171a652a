# SPDX-License-Identifier: Apache-2.0
"""An HTTP proxy for CONNECT, over http or https, that wants a password or refuses everything."""

import base64
import select
import socket
import socketserver
import ssl
import threading

from . import pki


def pump(conn, out):
    """Moves bytes both ways until one side ends or is silent for long."""
    while True:
        waits = isinstance(conn, ssl.SSLSocket) and conn.pending()
        for sock in [conn] if waits else select.select([conn, out], [], [], 20)[0] or [None]:
            data = sock.recv(65536) if sock else b""
            if not data:
                return
            (out if sock is conn else conn).sendall(data)


def read_head(conn):
    """The lines of a request's head."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = conn.recv(4096)
        if not more:
            raise OSError("no request")
        head += more
    return head.decode("latin-1").split("\r\n")


class Handler(socketserver.BaseRequestHandler):
    """One tunnel."""

    def handle(self):
        self.request.settimeout(20)
        try:
            tls = self.server.proxy.tls
            self._tunnel(tls.wrap_socket(self.request, server_side=True) if tls else self.request)
        except OSError:
            pass

    def _tunnel(self, conn):
        proxy, lines = self.server.proxy, read_head(conn)
        proxy.requests.append(lines[0])
        if proxy.status:
            conn.sendall(f"HTTP/1.1 {proxy.status} No\r\nContent-Length: 0\r\n\r\n".encode())
        elif proxy.wants and proxy.wants not in lines:
            conn.sendall(b'HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n')
        else:
            host, port = lines[0].split()[1].rsplit(":", 1)
            with socket.create_connection((host, int(port)), timeout=10) as out:
                conn.sendall(b"HTTP/1.1 200 Go\r\n\r\n")
                pump(conn, out)


class Server(socketserver.ThreadingTCPServer):
    """One thread a tunnel."""

    daemon_threads = True
    allow_reuse_address = True


class ConnectProxy:
    """The proxy. `login` is user:password that it wants; `status` what it answers instead. Use as a context manager."""

    def __init__(self, folder, login=None, status=None, secure=False):
        self.status, self.requests, self.tls, self.ca_file = status, [], None, None
        self.wants = f"Proxy-Authorization: Basic {base64.b64encode(login.encode()).decode()}" if login else None
        if secure:
            key = pki.new_key()
            self.ca_file, key_file = folder / "connect-tls.pem", folder / "connect-key.pem"
            self.ca_file.write_bytes(pki.cert_pem(pki.new_cert(["localhost"], key, days=30)))
            key_file.write_bytes(pki.key_pem(key))
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(self.ca_file, key_file)
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.proxy = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, login=None):
        """How it is configured."""
        return f"{'https' if self.tls else 'http'}://{login + '@' if login else ''}localhost:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()
