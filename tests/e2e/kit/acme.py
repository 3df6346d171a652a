# SPDX-License-Identifier: Apache-2.0
"""A bare ACME client (RFC 8555) over one kept connection: for facts about a CA, floods, and checks."""

import base64
import hashlib
import http.client
import json
import ssl
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from . import pki


def b64(data):
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def new_csr(names, key):
    """A certificate request in DER."""
    alternatives = x509.SubjectAlternativeName([x509.DNSName(n) for n in names])
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(alternatives, False)
    return csr.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class Account:
    """An account key; thumbprint and signatures as JOSE wants them."""

    def __init__(self):
        self.key = pki.new_key()
        numbers = self.key.public_key().public_numbers()
        self.jwk = {"crv": "P-256", "kty": "EC", "x": b64(numbers.x.to_bytes(32, "big")),
                    "y": b64(numbers.y.to_bytes(32, "big"))}
        canonical = json.dumps(self.jwk, separators=(",", ":"), sort_keys=True).encode()
        self.thumbprint = b64(hashlib.sha256(canonical).digest())
        self.url = None

    def sign(self, data):
        """An ES256 signature, r and s side by side."""
        r, s = utils.decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class Client:
    """One connection to one CA. `trace` collects (what, status, Retry-After, milliseconds) of every request."""

    def __init__(self, directory, ca_file, account=None):
        self.host = urllib.parse.urlsplit(directory).netloc
        self.conn = http.client.HTTPSConnection(self.host, timeout=20,
                                                context=ssl.create_default_context(cafile=ca_file))
        self.account = account or Account()
        self.nonce, self.trace = None, []
        self.directory = json.loads(self._send("GET", directory)[1])

    def _send(self, method, url, body=None):
        started = time.monotonic()
        headers = {"User-Agent": "md-e2e"}
        if body is not None:
            headers["Content-Type"] = "application/jose+json"
        self.conn.request(method, urllib.parse.urlsplit(url).path, body, headers)
        answer = self.conn.getresponse()
        data = answer.read()
        self.nonce = answer.headers.get("Replay-Nonce", self.nonce)
        self.trace.append((f"{method} {urllib.parse.urlsplit(url).path}", answer.status,
                           answer.headers.get("Retry-After"), round((time.monotonic() - started) * 1000, 2)))
        return answer, data

    def post(self, url, payload):
        """A signed POST; `payload` None is POST-as-GET. Bad nonces are tried again."""
        for _ in range(20):
            if not self.nonce:
                self._send("HEAD", self.directory["newNonce"])
            head = {"alg": "ES256", "nonce": self.nonce, "url": url}
            head.update({"kid": self.account.url} if self.account.url else {"jwk": self.account.jwk})
            protected = b64(json.dumps(head).encode())
            text = "" if payload is None else b64(json.dumps(payload).encode())
            self.nonce = None
            answer, data = self._send("POST", url, json.dumps({
                "protected": protected, "payload": text,
                "signature": b64(self.account.sign(f"{protected}.{text}".encode()))}))
            if answer.status != 400 or b"badNonce" not in data:
                break
        if answer.status >= 400:
            raise RuntimeError(f"{url}: {answer.status} {data[:300]!r}")
        return answer, data

    def fetch(self, url):
        """(answer, parsed JSON) of a POST-as-GET."""
        answer, data = self.post(url, None)
        return answer, json.loads(data)

    def register(self):
        """Make the account at the CA."""
        answer, _ = self.post(self.directory["newAccount"], {"termsOfServiceAgreed": True,
                                                            "contact": ["mailto:md@example.test"]})
        self.account.url = answer.headers["Location"]
        return self.account.url

    def until(self, url, status, pause=0.002):
        """Poll until the object has this status; returns (polls, object)."""
        for polls in range(1, 2000):
            _, doc = self.fetch(url)
            if doc["status"] == status:
                return polls, doc
            if doc["status"] == "invalid":
                raise RuntimeError(f"{url} is invalid: {doc}")
            time.sleep(pause)
        raise RuntimeError(f"{url} never became {status}")

    def issue(self, names, key, pause=0.002, prepare=None):
        """A whole order over http-01; `prepare(name, token, key_authorization)` sets up an answer."""
        answer, data = self.post(self.directory["newOrder"],
                                 {"identifiers": [{"type": "dns", "value": n} for n in names]})
        order, order_url = json.loads(data), answer.headers["Location"]
        for authz_url in order["authorizations"]:
            _, authz = self.fetch(authz_url)
            if authz["status"] == "valid":
                continue
            challenge = next(c for c in authz["challenges"] if c["type"] == "http-01")
            if prepare:
                prepare(authz["identifier"]["value"], challenge["token"],
                        f"{challenge['token']}.{self.account.thumbprint}")
            self.post(challenge["url"], {})
            self.until(authz_url, "valid", pause)
        if order["status"] != "ready":
            self.until(order_url, "ready", pause)
        self.post(order["finalize"], {"csr": b64(new_csr(names, key))})
        _, order = self.until(order_url, "valid", pause)
        return self.post(order["certificate"], None)[1]
