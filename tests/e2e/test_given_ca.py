# SPDX-License-Identifier: Apache-2.0
"""A CA of which only the directory URL is known: the Pebble that ./configure --with-pebble=URL names, else one of ours.

The given one validates http-01 on $MD_PEBBLE_HTTP_PORT (5002, as in Pebble's own sample), and its DNS server answers with
127.0.0.1."""

import os
import ssl
import urllib.parse

from kit import tls


def tls_certificate(url, folder):
    """A file with the certificate that the CA's own server shows."""
    at = urllib.parse.urlsplit(url)
    path = folder / "given-ca.pem"
    path.write_text(ssl.get_server_certificate((at.hostname, at.port or 443), timeout=10))
    return path


def test_a_certificate_comes_from_a_ca_known_by_its_url(ca, new_httpd, name):
    given = os.environ.get("MD_PEBBLE_URL")
    url = given or ca.url
    port = int(os.environ.get("MD_PEBBLE_HTTP_PORT", "5002")) if given else ca.http_port
    httpd = new_httpd(None, http_port=port)
    httpd.managing(name(), ca_url=url, ca_file=tls_certificate(url, httpd.root)).start()
    assert tls.wait_for_cert(httpd.https_port, name(), 60).serial_number
