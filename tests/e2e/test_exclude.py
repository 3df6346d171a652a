# SPDX-License-Identifier: Apache-2.0
"""MDExclude: a virtual host that is left out keeps its own certificate and answers, beside one that is managed."""

import pytest

from kit import tls
from kit.pki import cert_pem, key_pem, new_cert, new_key
from kit.store import dns_names

STATUS = "/.httpd/certificate-status"


@pytest.fixture
def pair(ca, httpd, name):
    """A running server with a managed host and one that would be of the same domain, were it not left out; the certificate of
    the latter."""
    key = new_key("rsa")
    cert = new_cert([name("own")], key)
    (httpd.root / "own.pem").write_bytes(cert_pem(cert))
    (httpd.root / "own.key").write_bytes(key_pem(key))
    extra = "MDExclude on\nSSLCertificateFile own.pem\nSSLCertificateKeyFile own.key\n"
    httpd.configure("MDRequireHttps permanent", f"MDomain {name('www')} {name('own')}", httpd.vhost(name("www"), name("alias")),
                    httpd.vhost(name("own"), name("other"), extra=extra)).start()
    return httpd, cert


def test_a_host_that_is_left_out_is_not_touched(pair, name):
    httpd, own = pair
    assert tls.leaf(httpd.https_port, name("own")) == own
    assert tls.get(httpd.https_port, name("own"))[0] == 200, "no waiting for a certificate"
    managed = tls.wait_for_cert(httpd.https_port, name("www"))
    assert sorted(dns_names(managed)) == sorted([name("www"), name("own"), name("alias")]), "its alias is not added"
    assert tls.leaf(httpd.https_port, name("own")) == own
    status, headers, _ = httpd.get("/", host=name("own"))
    assert status == 200 and "Strict-Transport-Security" not in headers
    assert httpd.get("/", host=name("www"))[0] == 301
    assert httpd.get(STATUS, host=name("own"))[0] == 404
    assert httpd.get(STATUS, host=name("www"))[0] == 200


def test_challenges_of_others_pass_through_a_host_that_is_left_out(pair, name):
    httpd, _ = pair
    folder = httpd.root / "htdocs/.well-known/acme-challenge"
    folder.mkdir(parents=True)
    (folder / "token-of-another-client").write_text("its answer\n")
    path = "/.well-known/acme-challenge/token-of-another-client"
    assert httpd.get(path, host=name("own"))[::2] == (200, b"its answer\n")
    assert httpd.get(path, host=name("www"))[0] == 404


def test_leaving_a_host_out_ends_its_membership(ca, httpd, name):
    both = [httpd.vhost(name("www")), httpd.vhost(name("own"))]
    httpd.configure("MDRenewMode manual", f"MDomain {name('www')}", f"MDomain {name('own')}", *both).start()
    assert not httpd.log_lines("AH10045")
    both[1] = httpd.vhost(name("own"), extra="MDExclude on", https=False)
    httpd.configure("MDRenewMode manual", f"MDomain {name('www')}", f"MDomain {name('own')}", *both)
    mark = httpd.mark()
    httpd.graceful()
    lines = httpd.log_lines("AH10045", mark)
    assert len(lines) == 1 and f"{name('own')} (" in lines[0] and "httpd.conf, line " in lines[0]


def test_a_file_may_be_shared_by_hosts_of_both_kinds(httpd, name):
    """`off` is how a host gets back what an included file took."""
    httpd.configure("MDRenewMode manual", f"MDomain {name('www')}", httpd.vhost(name("www"), name("alias"), extra="MDExclude on\nMDExclude off"))
    httpd.start()
    assert name("alias") in httpd.store.json("domains", name("www"), "md.json")["domains"]
