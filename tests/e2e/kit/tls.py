# SPDX-License-Identifier: Apache-2.0
"""TLS seen from a client: which certificate a name gets, https requests that verify, resumed sessions."""

import contextlib
import http.client
import socket
import ssl
import warnings

from cryptography import x509

from .proc import wait_until

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def context(version=None, roots=None, alpn=None, ciphers=None):
    """A client context; without `roots` (PEM text) nothing is verified."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        ctx = ssl.create_default_context(cadata=roots) if roots else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not roots:
        ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    if version:
        ctx.minimum_version = ctx.maximum_version = VERSIONS[version]
    if alpn:
        ctx.set_alpn_protocols([alpn])
    if ciphers:
        ctx.set_ciphers(ciphers)
    return ctx


def connect(port, name, ctx, session=None, timeout=10.0):
    """A TLS connection to our own server, with SNI."""
    raw = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    try:
        return ctx.wrap_socket(raw, server_hostname=name, session=session)
    except BaseException:
        raw.close()
        raise


def leaf_of(conn):
    """The certificate the server showed on this connection."""
    return x509.load_der_x509_certificate(conn.getpeercert(binary_form=True))


def leaf(port, name, version=None, alpn=None, ciphers=None):
    """The certificate a fresh handshake for `name` shows."""
    with contextlib.closing(connect(port, name, context(version, None, alpn, ciphers))) as conn:
        if alpn and conn.selected_alpn_protocol() != alpn:
            raise AssertionError(f"the server did not agree to speak {alpn}")
        return leaf_of(conn)


def is_placeholder(cert):
    """Whether this is the self-signed stand-in, not a CA's certificate."""
    return cert.issuer == cert.subject


def wait_for_cert(port, name, timeout=30.0, unlike=None):
    """The CA's certificate of `name`, waited for; `unlike` is one that must have been replaced."""
    def shown():
        try:
            cert = leaf(port, name)
        except ConnectionError:                         # of a child that is just ended
            return None
        return cert if not is_placeholder(cert) and (unlike is None or cert != unlike) else None
    return wait_until(shown, timeout, f"a{'nother' if unlike else ''} certificate for {name} is live")


class Visitor:
    """A client that keeps its connection: verifies by `roots`, remembers what it saw."""

    def __init__(self, port, name, roots=None, version=None, timeout=10.0):
        self.port, self.name, self.timeout = port, name, timeout
        self.ctx = context(version, roots)
        self.session, self.conn, self.cert, self.resumed = None, None, None, False

    def open(self):
        """Connect, offering the last session."""
        self.close()
        self.conn = connect(self.port, self.name, self.ctx, self.session, self.timeout)
        self.cert, self.resumed = leaf_of(self.conn), self.conn.session_reused

    def get(self, path="/", method="GET"):
        """(status, headers, body); connects when there is no connection."""
        if self.conn is None:
            self.open()
        self.conn.sendall(f"{method} {path} HTTP/1.1\r\nHost: {self.name}\r\n\r\n".encode())
        answer = http.client.HTTPResponse(self.conn, method=method)
        answer.begin()
        body = answer.read()
        self.session = self.conn.session
        if answer.will_close:
            self.close()
        return answer.status, answer.headers, body

    def close(self):
        """Let go of the connection, not of the session."""
        if self.conn:
            self.conn.close()
            self.conn = None


def get(port, name, path="/", roots=None, version=None, method="GET"):
    """(status, headers, body) of one https request on a connection of its own."""
    with contextlib.closing(Visitor(port, name, roots, version)) as visitor:
        return visitor.get(path, method)
