# SPDX-License-Identifier: Apache-2.0
"""An OCSP responder: `openssl ocsp` with an index file says what is signed; around it stands an HTTP server that can be
slow, refuse, or talk nonsense. Without a word of the test it says `good` of every certificate of one issuer."""

import base64
import datetime
import http.server
import pathlib
import re
import subprocess
import tempfile
import threading
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from . import pki
from .proc import free_port

REVOKED = "R\t400101000000Z\t200101000000Z,keyCompromise\t{0}\tunknown\t/CN=any\n"
GOOD = "V\t400101000000Z\t\t{0}\tunknown\t/CN=any\n"


class Server(http.server.ThreadingHTTPServer):
    """Many may knock at once."""

    request_queue_size = 256
    daemon_threads = True


class Responder:
    """Answers POST and GET; `issuer` is a function that gives the PEM of (certificate, key), known once the CA runs.

    Members that tests set: `revoked` and `unknown`, sets of serials; `signer`, the PEM of (certificate, key) of who signs
    instead of the issuer; `options` of openssl ocsp; `instead`, a function (handler, request) that answers instead and
    returns True; `delay` in seconds; `headers` of each answer. `by_openssl` off is for many quick answers about `certs`,
    which are valid for `life` seconds.
    """

    def __init__(self, issuer, port=None):
        responder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One request."""

            protocol_version = "HTTP/1.1"
            wbufsize = -1                               # one packet an answer

            def answer(self, der):
                """Sign and send."""
                with responder.lock:
                    responder.asked += 1
                    responder.at_work += 1
                    responder.most_at_work = max(responder.at_work, responder.most_at_work)
                    responder.requests.append((self.command, der))
                try:
                    time.sleep(responder.delay)         # what a slow responder does
                    if not (responder.instead and responder.instead(self, der)):
                        self.send(200, responder.sign(der), responder.headers)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True
                finally:
                    with responder.lock:
                        responder.at_work -= 1

            def send(self, status, body=b"", headers=()):
                """A whole answer."""
                self.send_response(status)
                self.send_header("Content-Type", "application/ocsp-response")
                self.send_header("Content-Length", str(len(body)))
                for line in dict(headers).items():
                    self.send_header(*line)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):                          # noqa: N802
                """RFC 6960 A.1."""
                self.answer(self.rfile.read(int(self.headers["Content-Length"])))

            def do_GET(self):                           # noqa: N802
                """RFC 6960 A.1."""
                self.answer(base64.b64decode(urllib.parse.unquote(self.path.lstrip("/"))))

            def log_message(self, *_):
                """Nothing on the console."""

        self.issuer, self.asked, self.requests = issuer, 0, []
        self.revoked, self.unknown, self.signer, self.options = set(), set(), None, ["-ndays", "4"]
        self.instead, self.delay, self.headers, self.by_openssl = None, 0, {}, True
        self.certs, self.life = {}, 4 * 86400
        self.at_work, self.most_at_work, self.lock = 0, 0, threading.Lock()
        self.handler, self.port = Handler, port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.server = None
        self.start()

    def start(self):
        """Listen, again after stop()."""
        self.server = Server(("127.0.0.1", self.port), self.handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        """End it; connections are refused from now on."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def sign(self, der):
        """The DER of an answer."""
        return self._by_openssl(der) if self.by_openssl else self._by_hand(der)

    def _by_openssl(self, der):
        cert, key = self.issuer()
        signer, signer_key = self.signer or (cert, key)
        number = ocsp.load_der_ocsp_request(der).serial_number
        serial = f"{number:X}"
        serial = serial.zfill(len(serial) + len(serial) % 2)
        line = "" if number in self.unknown else REVOKED if number in self.revoked else GOOD
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            for name, content in (("issuer.pem", cert), ("signer.pem", signer), ("signer.key", signer_key), ("request", der)):
                (place / name).write_bytes(content)
            (place / "index").write_text(line.format(serial))
            subprocess.run(["openssl", "ocsp", "-index", "index", "-CA", "issuer.pem", "-rsigner", "signer.pem", "-rkey",
                            "signer.key", "-reqin", "request", "-respout", "answer", *self.options],
                           cwd=place, check=True, timeout=20, capture_output=True)
            return (place / "answer").read_bytes()

    def _by_hand(self, der):
        asked = ocsp.load_der_ocsp_request(der)
        cert, key = self._loaded()
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        return (ocsp.OCSPResponseBuilder()
                .add_response(self.certs[asked.serial_number], cert, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, now,
                              now + datetime.timedelta(seconds=self.life), None, None)
                .responder_id(ocsp.OCSPResponderEncoding.HASH, cert).sign(key, hashes.SHA256())
                .public_bytes(serialization.Encoding.DER))

    def _loaded(self):
        if not hasattr(self, "_pair"):
            cert, key = self.issuer()
            self._pair = (x509.load_pem_x509_certificate(cert), serialization.load_pem_private_key(key, None))
        return self._pair


class Authority:
    """A CA of one's own with a responder: makes certificates that name it, as files for httpd."""

    def __init__(self, folder):
        self.folder = folder
        self.cert, self.key = pki.new_ca("Stapling CA")
        self.pem = pki.cert_pem(self.cert)
        self.responder = Responder(lambda: (self.pem, pki.key_pem(self.key)))
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self.pem)

    def access(self, url=None):
        """The extension that names the responder."""
        place = x509.UniformResourceIdentifier(url or self.responder.url)
        return x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)]), False

    def new(self, *names, kind="p-256", url=None, must_staple=False, ocsp_url=True, days=30, file=None):
        """A certificate for names; leaves NAME.pem (with its issuer) and NAME.key."""
        key = pki.new_key(kind)
        extensions = [self.access(url)] if ocsp_url else []
        if must_staple:
            extensions.append((x509.TLSFeature([x509.TLSFeatureType.status_request]), False))
        cert = pki.new_cert(list(names), key, (self.cert, self.key), days=days, extensions=extensions)
        self.responder.certs[cert.serial_number] = cert
        stem = file or names[0]
        (self.folder / f"{stem}.pem").write_bytes(pki.cert_pem(cert, self.cert))
        (self.folder / f"{stem}.key").write_bytes(pki.key_pem(key))
        return cert

    def files(self, stem):
        """Directives that use them."""
        return f"SSLCertificateFile {self.folder}/{stem}.pem\nSSLCertificateKeyFile {self.folder}/{stem}.key"

    def delegate(self, purpose=True, issuer=None, starts=-1, days=30):
        """PEM of (certificate, key) of somebody who signs for the CA."""
        key = pki.new_key()
        usage = [ExtendedKeyUsageOID.OCSP_SIGNING] if purpose else [ExtendedKeyUsageOID.SERVER_AUTH]
        now = datetime.datetime.now(datetime.timezone.utc)
        by, by_key = issuer or (self.cert, self.key)
        cert = (x509.CertificateBuilder()
                .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Delegate")])).issuer_name(by.subject)
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now + datetime.timedelta(days=starts))
                .not_valid_after(now + datetime.timedelta(days=starts + days))
                .add_extension(x509.ExtendedKeyUsage(usage), False).sign(by_key, hashes.SHA256()))
        return pki.cert_pem(cert), pki.key_pem(key)

    def stop(self):
        """End its responder."""
        self.responder.stop()


class Stapled:
    """What `openssl s_client -status` saw of one handshake."""

    def __init__(self, port, name, ca_file, *options):
        argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", name, "-status", "-CAfile", str(ca_file),
                *options]
        done = subprocess.run(argv, input="", capture_output=True, text=True, timeout=20, check=False)
        self.output = done.stdout + done.stderr
        self.sent = "OCSP Response Status: successful" in self.output
        found = re.search(r"Cert Status: (\w+)", self.output)
        self.status = found[1] if found else None
        serial = re.search(r"Serial Number: ([0-9A-F]+)", self.output)
        self.serial = int(serial[1], 16) if serial else None
        until = re.search(r"Next Update: (.+)", self.output)
        self.until = until[1] if until else None


def sha1(cert):
    """The id by which a staple is kept."""
    return cert.fingerprint(hashes.SHA1()).hex()
