# SPDX-License-Identifier: Apache-2.0
"""Answers to the CA's questions: http-01 on any virtual host, tls-alpn-01 beside certificates that went live hot."""

import pytest

from kit import pki, tls
from kit.ca_proxy import Proxy
from kit.checks import promoted
from kit.proc import wait_until
from kit.store import dns_names

CLOSED = '<Location "/">\n    Require all denied\n</Location>'
THUMBPRINT = "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
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
    (folder / "acme-http-01.txt").write_text(f"{TOKEN}.{THUMBPRINT}")
    folder.chmod(0o755)


def test_http_01_is_answered_before_access_control(waiting, name):
    put_token(waiting, name())
    path = f"/.well-known/acme-challenge/{TOKEN}"
    assert waiting.get("/", host=name())[0] == 403
    status, headers, body = waiting.get(path, host=name())
    assert (status, body) == (200, f"{TOKEN}.{THUMBPRINT}".encode())
    assert headers["Content-Length"] == str(len(body))
    assert waiting.get(path, host=f"{name()}:{waiting.http_port}")[0] == 200, "the Host header may have a port"
    assert waiting.get(path, host=name().upper())[0] == 200
    assert waiting.get(path, host=name(), method="HEAD")[0] == 200
    assert waiting.get(path, host=name(), method="POST")[0] == 501
    assert tls.get(waiting.https_port, name(), path)[::2] == (200, body), "on https as well"


def test_http_01_for_what_is_not_asked_is_not_found(waiting, name):
    put_token(waiting, name())
    for path in ("some-other-token", "", f"{TOKEN}/x", "../../../md_store.json", f"{TOKEN}.{THUMBPRINT}"):
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


def put_pairs(httpd, name):
    """A challenge pair for each key type, as TLS 1.2 settles for one before it knows of the challenge."""
    made = {kind: pki.new_key(kind) for kind in ("rsa", "p-256")}
    certs = [pki.acme_alpn_cert(name, key) for key in made.values()]
    for cert, (kind, key) in zip(certs, made.items()):
        httpd.store.put_challenge(name, key, cert, "" if kind == "rsa" else f".{kind}")
    return certs


def shows_challenge(httpd, name):
    """The hand-made certificates are what a CA gets; clients go on to get something else."""
    certs = put_pairs(httpd, name)
    for version in tls.VERSIONS:
        assert tls.leaf(httpd.https_port, name, version, alpn="acme-tls/1") in certs, f"TLS {version}"
        assert tls.leaf(httpd.https_port, name, version) not in certs


@pytest.mark.parametrize("keys", ["RSA 2048", "P-256", "RSA 2048 P-256"])
def test_a_hot_certificate_never_replaces_a_tls_alpn_challenge(ca, httpd, name, keys):
    with Proxy(httpd.root, ca) as proxy:
        gate = proxy.hold("GET /dir")
        httpd.managing(name(), extra=f"Protocols http/1.1 acme-tls/1\nMDPrivateKeys {keys}", ca_url=proxy.url,
                       ca_file=proxy.ca_file).start()
        shows_challenge(httpd, name())                  # beside the placeholder
        gate.set()
        live = tls.wait_for_cert(httpd.https_port, name())
    shows_challenge(httpd, name())                      # beside the hot certificate out of staging
    promoted(httpd, name(), live, "pubcert.p-256.pem" if "P-256" in keys else "pubcert.pem")
    shows_challenge(httpd, name())                      # after it was moved
    httpd.graceful()
    shows_challenge(httpd, name())                      # and as any certificate loaded at start
    for version in tls.VERSIONS:
        assert tls.leaf(httpd.https_port, name(), version) == live


def test_one_challenge_pair_suffices_for_tls_1_3(ca, httpd, name):
    httpd.managing(name(), extra="Protocols http/1.1 acme-tls/1\nMDPrivateKeys P-256").start()
    tls.wait_for_cert(httpd.https_port, name())
    key = pki.new_key("rsa")
    cert = pki.acme_alpn_cert(name(), key)
    httpd.store.put_challenge(name(), key, cert)
    assert tls.leaf(httpd.https_port, name(), "1.3", alpn="acme-tls/1") == cert


def test_challenge_answers_are_gone_when_the_order_is_done(ca, httpd, name):
    httpd.managing(name(), name("alias")).start()
    tls.wait_for_cert(httpd.https_port, name())
    wait_until(lambda: not list(httpd.store.file("challenges").glob("*/acme-http-01.txt")), 10, "answers are removed")


# Which keys the domain has, and which TLS the host speaks when the CA comes.
@pytest.mark.parametrize("keys", ["RSA 2048", "P-256"])
@pytest.mark.parametrize("protocol", ["all", "-all +TLSv1.2"])
def test_tls_alpn_01_first_certificate_and_renewal(ca, httpd, name, keys, protocol):
    extra = f"Protocols http/1.1 acme-tls/1\nMDCAChallenges tls-alpn-01\nSSLProtocol {protocol}\nMDPrivateKeys {keys}"
    httpd.managing(name(), name("alias"), extra=extra).start()
    first = tls.wait_for_cert(httpd.https_port, name())
    assert tls.get(httpd.https_port, name(), roots=ca.root())[0] == 200
    httpd.managing(name(), name("alias"), name("more"), extra=extra)
    httpd.graceful()                                    # while a certificate is there, hot or loaded
    second = tls.wait_for_cert(httpd.https_port, name(), unlike=first)
    assert set(dns_names(second)) == {name(), name("alias"), name("more")}
    wait_until(lambda: httpd.store.names("challenges") == [], 10, "answers are removed")


@pytest.mark.parametrize("protocols, port_map, chosen", [
    ("http/1.1 acme-tls/1", "", "tls-alpn-01"), ("http/1.1", "", "http-01"),
    ("http/1.1 acme-tls/1", "MDPortMap http:- https:{https}", "tls-alpn-01"), ("http/1.1 acme-tls/1", "MDPortMap http:{http} https:-", "http-01")])
def test_the_challenge_type_is_chosen_by_what_this_server_can_answer(ca, httpd, name, protocols, port_map, chosen):
    httpd.managing(name(), extra=f"Protocols {protocols}\n" + port_map.format(http=httpd.http_port, https=httpd.https_port)).start()
    tls.wait_for_cert(httpd.https_port, name())
    asked = any("/.well-known/acme-challenge/" in line for line in httpd.access_log())
    assert asked == (chosen == "http-01")
