# SPDX-License-Identifier: Apache-2.0
"""An OCSP responder that says `good` of every certificate of one issuer."""

import base64
import http.server
import pathlib
import subprocess
import tempfile
import threading
import urllib.parse

from cryptography.x509 import ocsp


class Responder:
    """Answers POST and GET; `issuer` is a function that gives the PEM of (certificate, key), known once the CA runs."""

    def __init__(self, issuer):
        responder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One request."""

            def answer(self, der):
                """Sign and send."""
                responder.asked += 1
                body = responder.sign(der)
                self.send_response(200)
                self.send_header("Content-Type", "application/ocsp-response")
                self.send_header("Content-Length", str(len(body)))
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

        self.issuer, self.asked = issuer, 0
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def sign(self, der):
        """The DER of an answer, made by openssl."""
        cert, key = self.issuer()
        serial = f"{ocsp.load_der_ocsp_request(der).serial_number:X}"
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            (place / "issuer.pem").write_bytes(cert)
            (place / "issuer.key").write_bytes(key)
            (place / "index").write_text(f"V\t400101000000Z\t\t{serial.zfill(len(serial) + len(serial) % 2)}\tunknown\t/CN=any\n")
            (place / "request").write_bytes(der)
            subprocess.run(["openssl", "ocsp", "-index", "index", "-CA", "issuer.pem", "-rsigner", "issuer.pem", "-rkey",
                            "issuer.key", "-reqin", "request", "-respout", "answer", "-ndays", "4"],
                           cwd=place, check=True, timeout=20, capture_output=True)
            return (place / "answer").read_bytes()

    def stop(self):
        """End it."""
        self.server.shutdown()
        self.server.server_close()
