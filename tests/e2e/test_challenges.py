# SPDX-License-Identifier: Apache-2.0
"""Answers to the CA's questions: http-01 on any virtual host, tls-alpn-01 beside certificates that went live hot."""

import pytest

from kit import pki, tls
from kit.ca_proxy import Proxy
from kit.checks import promoted
from kit.proc import wait_until

CLOSED = '<Location "/">\n    Require all denied\n</Location>'
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"


@pytest.fixture
def waiting(ca, httpd, name):
    """A server whose CA does not answer yet, with all of its virtual hosts closed by access control."""
    with Proxy(httpd.root, ca) as proxy:
        gate = proxy.hold("GET /dir")
        httpd.configure(f"MDomain {name()}\n", httpd.vhost("other.example.test", extra=CLOSED, https=False),
                        httpd.vhost(name(), extra=CLOSED),
                        httpd.vhost("unmanaged.example.test", extra=CLOSED, https=False), ca_url=proxy.url, ca_file=proxy.ca_file).start()
        httpd.gate = gate
        yield httpd


def put_token(httpd, host):
    folder = httpd.store.file("challenges", host)
    folder.mkdir(exist_ok=True)
    (folder / "acme-http-01.txt").write_text(f"{TOKEN}.thumbprint")
    folder.chmod(0o755)


def test_http_01_is_answered_before_access_control(waiting, name):
    put_token(waiting, name())
    path = f"/.well-known/acme-challenge/{TOKEN}"
    assert waiting.get("/", host=name())[0] == 403
    status, headers, body = waiting.get(path, host=name())
    assert (status, body) == (200, f"{TOKEN}.thumbprint".encode())
    assert headers["Content-Length"] == str(len(body))
    assert waiting.get(path, host=f"{name()}:{waiting.http_port}")[0] == 200, "the Host header may have a port"
    assert waiting.get(path, host=name().upper())[0] == 200
    assert waiting.get(path, host=name(), method="HEAD")[0] == 200
    assert waiting.get(path, host=name(), method="POST")[0] == 501
    assert tls.get(waiting.https_port, name(), path)[::2] == (200, body), "on https as well"


def test_http_01_for_what_is_not_asked_is_not_found(waiting, name):
    put_token(waiting, name())
    for path in ("some-other-token", "", f"{TOKEN}/x", "../../../md_store.json", f"{TOKEN}.thumbprint"):
        status = waiting.get(f"/.well-known/acme-challenge/{path}", host=name())[0]
        assert status in (400, 403, 404), f"{path} is answered with {status}"
    assert waiting.get(f"/.well-known/acme-challenge/{TOKEN}", host="unmanaged.example.test")[0] == 403
    assert waiting.get(f"/.well-known/acme-challenge/{TOKEN}", host="../challenges/" + name())[0] in (400, 403, 404)


def test_http_01_is_answered_where_everything_is_redirected(ca, httpd, name):
    httpd.configure(f"MDomain {name()}\n", httpd.vhost(name(), extra="Redirect permanent / https://else.example.test/",
                                                       https=False), httpd.vhost(name(), http=False)).start()
    tls.wait_for_cert(httpd.https_port, name())
    assert httpd.get("/", host=name())[0] == 301


def test_http_01_is_answered_by_the_default_host_for_names_without_one(ca, httpd, name):
    httpd.configure(f"MDomain {name()}\n", httpd.vhost("first.example.test", extra=CLOSED, https=False),
                    httpd.vhost(name(), http=False)).start()
    tls.wait_for_cert(httpd.https_port, name())


def shows_challenge(httpd, name, cert):
    for version in tls.VERSIONS:
        assert tls.leaf(httpd.https_port, name, version, alpn="acme-tls/1") == cert, f"TLS {version}"


def test_a_hot_certificate_never_replaces_a_tls_alpn_challenge(ca, httpd, name):
    key = pki.new_key("rsa")
    cert = pki.acme_alpn_cert(name(), key)
    with Proxy(httpd.root, ca) as proxy:
        gate = proxy.hold("GET /dir")
        httpd.managing(name(), extra="Protocols http/1.1 acme-tls/1", ca_url=proxy.url, ca_file=proxy.ca_file).start()
        httpd.store.put_challenge(name(), key, cert)
        shows_challenge(httpd, name(), cert)            # beside the placeholder
        gate.set()
        live = tls.wait_for_cert(httpd.https_port, name())
    httpd.store.put_challenge(name(), key, cert)
    shows_challenge(httpd, name(), cert)                # beside the hot certificate out of staging
    assert tls.leaf(httpd.https_port, name()) == live
    promoted(httpd, name(), live)
    httpd.store.put_challenge(name(), key, cert)
    shows_challenge(httpd, name(), cert)                # after it was moved
    httpd.graceful()
    httpd.store.put_challenge(name(), key, cert)
    shows_challenge(httpd, name(), cert)                # and as any certificate loaded at start
    for version in tls.VERSIONS:
        assert tls.leaf(httpd.https_port, name(), version) == live


def test_challenge_answers_are_gone_when_the_order_is_done(ca, httpd, name):
    httpd.managing(name(), name("alias")).start()
    tls.wait_for_cert(httpd.https_port, name())
    wait_until(lambda: not list(httpd.store.file("challenges").glob("*/acme-http-01.txt")), 10, "answers are removed")
