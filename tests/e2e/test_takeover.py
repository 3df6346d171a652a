# SPDX-License-Identifier: Apache-2.0
"""A whole installation of the original module is taken over: domains of every kind, staples, an account that is bound to
one elsewhere. Nothing is renewed because of it, and the original can go on afterwards."""

import base64
import json
import stat

import pytest

from kit import places, tls
from kit.ocsp import Responder
from kit.pki import cert_pem, key_pem, new_cert, new_key
from kit.proc import wait_until

MAC = base64.urlsafe_b64encode(b"a secret of thirty two bytes long").decode().rstrip("=")
PAGE = '<Location "/md-status">\n    SetHandler md-status\n</Location>\n'
DNS_SCRIPT = """#!/bin/sh
# arguments: setup NAME VALUE | teardown NAME
case $1 in
setup) body="{\\"host\\":\\"_acme-challenge.$2.\\",\\"value\\":\\"$3\\"}"; call=set-txt ;;
*) body="{\\"host\\":\\"_acme-challenge.$2.\\"}"; call=clear-txt ;;
esac
exec curl -sf -d "$body" http://127.0.0.1:%d/$call
"""


class Installation:
    """The configuration of an administrator who uses what there is."""

    def __init__(self, httpd, dns, ca, bound_ca, name):
        self.httpd, self.ca, self.bound_ca, self.name = httpd, ca, bound_ca, name
        self.hosts = {label: name(label) for label in ("rsa", "ec", "dual", "own", "bound", "wild")}
        script = httpd.root / "dns.sh"
        script.write_text(DNS_SCRIPT % dns.port)
        script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        key = new_key("rsa")
        self.own = new_cert([self.hosts["own"]], key)
        (httpd.root / "own.pem").write_bytes(cert_pem(self.own))
        (httpd.root / "own.key").write_bytes(key_pem(key))
        (httpd.root / "roots.pem").write_text(ca.ca_file.read_text() + bound_ca.ca_file.read_text())

    def configure(self, *more):
        """The same for both modules; `more` are names to add to the RSA domain."""
        h = self.hosts
        wild = f"*.{h['wild']}"
        sections = [f"MDomain {' '.join([h['rsa'], *more])}",
                    f"<MDomain {h['ec']}>\nMDPrivateKeys secp384r1\n</MDomain>",
                    f"<MDomain {h['dual']}>\nMDPrivateKeys RSA 2048 P-256\n</MDomain>",
                    f"<MDomain {h['own']}>\nMDCertificateFile own.pem\nMDCertificateKeyFile own.key\n</MDomain>",
                    f"<MDomain {h['bound']}>\nMDCertificateAuthority {self.bound_ca.url}\n"
                    f"MDExternalAccountBinding kid-1 {MAC}\n</MDomain>",
                    f"<MDomain {wild} {h['wild']}>\nMDCAChallenges dns-01\nMDChallengeDns01 {self.httpd.root}/dns.sh\n</MDomain>"]
        hosts = [self.httpd.vhost(h[label]) for label in ("rsa", "ec", "dual", "own", "bound")]
        hosts.append(self.httpd.vhost(h["wild"], wild))
        self.httpd.configure("MDStapling on", "MDRetryDelay 1s", PAGE, *sections, *hosts)
        # one file of roots for both CAs: the original cannot have one for each domain
        conf = self.httpd.root / "conf/httpd.conf"
        conf.write_text(conf.read_text().replace(str(self.ca.ca_file), str(self.httpd.root / "roots.pem")))
        return self.httpd

    def served(self):
        """{label: certificate} that clients get."""
        found = {label: tls.leaf(self.httpd.https_port, host) for label, host in self.hosts.items()}
        found["dual of rsa"] = tls.leaf(self.httpd.https_port, self.hosts["dual"], "1.2", ciphers="ECDHE-RSA-AES128-GCM-SHA256")
        found["below wild"] = tls.leaf(self.httpd.https_port, f"any.{self.hosts['wild']}")
        return found

    def issued(self):
        """Certificates of both CAs."""
        return sum(ca.count("Issued certificate serial") for ca in (self.ca, self.bound_ca))


@pytest.fixture
def responder():
    """Says good of all."""
    server = Responder(None)
    yield server
    server.stop()


def test_a_whole_installation_is_taken_over_and_given_back(new_ca, new_httpd, dns, responder, name):
    ca = new_ca(config={"ocspResponderURL": responder.url, "keyAlgorithm": "rsa"})
    responder.issuer = lambda: (ca.get("/intermediates/0"), ca.get("/intermediate-keys/0"))
    httpd = new_httpd(ca)
    bound_ca = new_ca(http_port=ca.http_port, tls_port=ca.tls_port,
                      config={"externalAccountBindingRequired": True, "externalAccountMACKeys": {"kid-1": MAC}})
    site = Installation(httpd, dns, ca, bound_ca, name)
    ours, httpd.module = httpd.module, places.stock_module()
    site.configure().start()
    managed = [host for label, host in site.hosts.items() if label not in ("own", "wild")] + [f"*.{site.hosts['wild']}"]
    wait_until(lambda: len(httpd.log_lines("AH10059")) >= len(managed), 90, "the original has all certificates", pause=0.2)
    httpd.restart()
    wait_until(lambda: list(httpd.store.file("ocsp").glob("*/ocsp-*.json")), 30, "the original has staples", pause=0.1)
    before, issued = site.served(), site.issued()
    staples = {p: p.read_bytes() for p in httpd.store.file("ocsp").glob("*/ocsp-*.json")}
    assert not any(tls.is_placeholder(cert) for label, cert in before.items() if label != "own")
    httpd.stop()

    httpd.module = ours
    site.configure().start()
    assert site.served() == before
    status = json.loads(httpd.get("/md-status")[2])
    states = {md["name"]: md["state"] for md in status["managed-domains"]}
    assert set(states.values()) == {2} and set(states) == {*managed, site.hosts["own"]}, states
    httpd.restart()
    assert site.served() == before and site.issued() == issued, "nothing is renewed because of the change"
    assert {p: p.read_bytes() for p in httpd.store.file("ocsp").glob("*/ocsp-*.json")} == staples

    site.configure(name("more"))                        # a renewal of our own, with the account that is there
    accounts = httpd.store.names("accounts")
    httpd.restart()
    renewed = tls.wait_for_cert(httpd.https_port, name("rsa"), unlike=before["rsa"])
    httpd.restart()
    assert httpd.store.names("accounts") == accounts
    httpd.stop()

    httpd.module = places.stock_module()
    site.configure(name("more")).start()
    assert site.served() == {**before, "rsa": renewed}
    assert site.issued() == issued + 1
    assert json.loads(httpd.get("/md-status")[2])["managed-domains"]
