# SPDX-License-Identifier: Apache-2.0
"""Accounts with a key of one's own, shared between servers: each answers challenges that the other asked for."""

import base64
import hashlib
import json

import pytest

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from kit import pki, tls
from kit.proc import free_port


def b64(data):
    """base64url as JOSE has it."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def thumbprint(key):
    """RFC 7638, of a P-256 key."""
    numbers = key.public_key().public_numbers()
    jwk = {"crv": "P-256", "kty": "EC", "x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}
    return b64(hashlib.sha256(json.dumps(jwk, separators=(",", ":")).encode()).digest())


def key_file(folder, key, name="own.pem"):
    """The key as a file that only its owner reads."""
    path = folder / name
    path.write_bytes(pki.key_pem(key))
    path.chmod(0o600)
    return path


def account_url(httpd):
    """Of the account that a server has registered."""
    return httpd.wait_for_log("registered the account").split("registered the account ")[1].split()[0]


@pytest.mark.parametrize("make", [lambda: ec.generate_private_key(ec.SECP256R1()), lambda: ec.generate_private_key(ec.SECP384R1()),
                                  lambda: rsa.generate_private_key(65537, 2048)], ids=["P-256", "P-384", "RSA"])
def test_servers_with_the_same_key_share_an_account(ca, new_httpd, name, make):
    key, urls = make(), []
    for label in ("one", "two"):
        httpd = new_httpd(ca)
        httpd.managing(name(label), extra=f"MDAccountKeyFile {key_file(httpd.root, key)}").start()
        tls.wait_for_cert(httpd.https_port, name(label))
        urls.append(account_url(httpd))
        httpd.restart()     # promotes it
        assert httpd.store.names("accounts")
        httpd.stop()
    assert urls[0] == urls[1]


def test_domains_with_different_keys_have_different_accounts(ca, httpd, name):
    files = [key_file(httpd.root, ec.generate_private_key(ec.SECP256R1()), each) for each in ("a.pem", "b.pem")]
    httpd.configure(*(f"<MDomain {name(label)}>\nMDAccountKeyFile {file}\n</MDomain>" for label, file in zip("ab", files)),
                    f"MDomain {name('c')}", *(httpd.vhost(name(label)) for label in "abc")).start()
    for label in "abc":
        tls.wait_for_cert(httpd.https_port, name(label))
    lines = httpd.log_lines("registered the account")
    assert len({line.split("registered the account ")[1].split()[0] for line in lines}) == 3


def test_a_key_that_cas_do_not_take_is_refused(httpd, name):
    httpd.managing(name(), extra=f"MDAccountKeyFile {key_file(httpd.root, ed25519.Ed25519PrivateKey.generate())}")
    accepted, output = httpd.configtest()
    assert not accepted and "MDAccountKeyFile: its key cannot be used for an account: " in output


def test_a_server_answers_for_another_one_with_the_same_account(ca, new_httpd, name):
    key = ec.generate_private_key(ec.SECP256R1())
    front, back = new_httpd(ca), new_httpd(ca, http_port=free_port(), https_port=free_port())
    own = key_file(front.root, key)
    front.configure(f"<MDomain {name('shared')} {name('www')}>\nMDAccountKeyFile {own}\nMDStatelessChallenge on\nMDRenewMode manual\n</MDomain>\n"
                    f"<MDomain {name('alone')}>\nMDAccountKeyFile {own}\nMDRenewMode always\nMDCAChallenges http-01\n</MDomain>",
                    front.vhost(name("shared"), name("www")), front.vhost(name("alone"))).start()
    path = "/.well-known/acme-challenge/some-token"
    assert front.get(path, name("www"))[::2] == (200, f"some-token.{thumbprint(key)}".encode())
    assert front.get(path, name("alone"))[0] == 404
    assert front.get(path, name("nobody"))[0] == 404
    assert front.get(path + "%20x", name("www"))[0] == 404
    back.managing(name("shared"), extra=f"MDAccountKeyFile {own}\nMDCAChallenges http-01").start()
    tls.wait_for_cert(back.https_port, name("shared"))
