# SPDX-License-Identifier: Apache-2.0
"""Caddy as a certificate authority: its ACME server is that of smallstep, with nothing in common with Pebble."""

import http.client
import json
import os
import shutil
import ssl

from . import pki
from .proc import Proc, free_port, wait_until


def caddy_program():
    """The caddy binary: $CADDY, else what the system has."""
    found = os.environ.get("CADDY") or shutil.which("caddy")
    if not found:
        raise RuntimeError("no caddy found: install it or set $CADDY")
    return found


class Caddy:
    """One CA. It has no test switches: it connects to port 80 of what a certificate is for, so that is an address."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.http_port, self.tls_port = free_port(), free_port()
        self.url = f"https://localhost:{self.port}/acme/local/directory"
        self.ca_file = folder / "caddy-tls.pem"
        key = pki.new_key()
        self.ca_file.write_bytes(pki.cert_pem(pki.new_cert(["localhost", "127.0.0.1"], key, days=365)))
        (folder / "caddy-key.pem").write_bytes(pki.key_pem(key))
        (folder / "caddy.json").write_text(json.dumps(self._config()))
        env = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        self.proc = Proc([caddy_program(), "run", "--config", folder / "caddy.json"], folder / "caddy.log", env)
        wait_until(self.answers, 20, "Caddy answers")

    def _config(self):
        acme = {"handler": "acme_server", "ca": "local", "host": f"localhost:{self.port}"}
        server = {"listen": [f"127.0.0.1:{self.port}"], "automatic_https": {"disable": True},
                  "tls_connection_policies": [{}], "routes": [{"handle": [acme]}]}
        return {
            "admin": {"disabled": True, "config": {"persist": False}},
            "storage": {"module": "file_system", "root": str(self.folder / "data")},
            "apps": {
                "pki": {"certificate_authorities": {"local": {"install_trust": False}}},
                "http": {"http_port": free_port(), "https_port": free_port(), "servers": {"ca": server}},
                "tls": {"certificates": {"load_files": [{"certificate": str(self.ca_file),
                                                         "key": str(self.folder / "caddy-key.pem")}]}},
            },
        }

    def answers(self):
        """Whether its directory can be fetched."""
        if not self.proc.alive():
            raise RuntimeError("Caddy ended:\n" + self.proc.output()[-2000:])
        conn = http.client.HTTPSConnection("localhost", self.port, timeout=3,
                                           context=ssl.create_default_context(cafile=self.ca_file))
        try:
            conn.request("GET", "/acme/local/directory")
            return "newOrder" in json.loads(conn.getresponse().read())
        except (OSError, ValueError, http.client.HTTPException):
            return False
        finally:
            conn.close()

    def root(self):
        """The PEM of the root that its certificates chain up to."""
        return (self.folder / "data/pki/authorities/local/root.crt").read_text()

    def count(self, text):
        """How many of its log lines contain `text`."""
        return sum(text in line for line in self.proc.output().splitlines())

    def stop(self):
        """End it."""
        self.proc.stop(timeout=3)
