# SPDX-License-Identifier: Apache-2.0
"""Certificates of one's own beside managed ones: the newest valid one is served, unless told otherwise, and nothing is
renewed without end."""

import json

import pytest

from kit import tls
from kit.a2md import A2md
from kit.checks import promoted
from kit.pki import cert_pem, key_pem, new_cert, new_key
from kit.proc import wait_until


def own(httpd, name, file="own", **times):
    """A certificate in files of the server; (certificate, directives for a section, directives for a host)."""
    key = new_key("rsa")
    cert = new_cert([name], key, **times)
    (httpd.root / f"{file}.pem").write_bytes(cert_pem(cert))
    (httpd.root / f"{file}.key").write_bytes(key_pem(key))
    return (cert, f"MDCertificateFile {file}.pem\nMDCertificateKeyFile {file}.key\n",
            f"SSLCertificateFile {file}.pem\nSSLCertificateKeyFile {file}.key\n")


def section(name, *lines):
    """<MDomain> with these lines."""
    return f"<MDomain {name}>\n" + "\n".join(lines) + "\n</MDomain>\n"


def test_an_https_host_is_migrated_without_an_interruption(ca, httpd, name):
    old, _, inner = own(httpd, name(), starts=-30, days=365)
    managed, plain = httpd.vhost(name(), extra=inner, http=False), httpd.vhost(name(), https=False)
    httpd.configure("MDLiveActivation off", f"MDomain {name()}", managed, plain).start()
    assert tls.leaf(httpd.https_port, name()) == old
    assert tls.get(httpd.https_port, name())[0] == 200, "the host answers as before"
    assert any("SSLCertificateFile" in line and "remove" in line for line in httpd.log_lines(name()))
    httpd.wait_for_log("AH10059", 30)
    assert tls.leaf(httpd.https_port, name()) == old
    httpd.restart()
    new = tls.leaf(httpd.https_port, name())
    assert new == httpd.store.cert(name()) != old
    assert any("managed certificate is newer" in line for line in httpd.log_lines(name()))
    httpd.configure("MDLiveActivation off", f"MDomain {name()}", httpd.vhost(name()))
    httpd.restart()
    assert tls.leaf(httpd.https_port, name()) == new


def test_a_managed_certificate_goes_live_over_that_of_the_host(ca, httpd, name):
    old, _, inner = own(httpd, name(), starts=-30, days=365)
    httpd.configure(f"MDomain {name()}", httpd.vhost(name(), extra=inner, http=False), httpd.vhost(name(), https=False)).start()
    new = tls.wait_for_cert(httpd.https_port, name(), unlike=old)
    promoted(httpd, name(), new)
    assert not httpd.log_lines("serves another certificate")
    httpd.restart()
    assert tls.leaf(httpd.https_port, name()) == new


def test_a_newer_certificate_of_the_host_is_served(ca, httpd, name):
    httpd.managing(name()).start()
    managed = tls.wait_for_cert(httpd.https_port, name())
    promoted(httpd, name(), managed)
    newer, _, inner = own(httpd, name(), starts=0, days=20)
    orders = ca.count("POST /order-plz")
    httpd.configure(f"MDomain {name()}", httpd.vhost(name(), extra=inner, http=False), httpd.vhost(name(), https=False))
    httpd.restart()
    assert tls.leaf(httpd.https_port, name()) == newer
    assert ca.count("POST /order-plz") == orders


def test_files_of_the_host_stay_where_that_is_wanted(ca, httpd, name):
    old, _, inner = own(httpd, name(), starts=-30, days=365)
    httpd.configure("MDPreferFiles on", f"MDomain {name()}", httpd.vhost(name(), extra=inner, http=False),
                    httpd.vhost(name(), https=False)).start()
    wait_until(lambda: httpd.store.cert(name()), 40, "a managed certificate is there")
    assert tls.leaf(httpd.https_port, name()) == old
    httpd.restart()
    assert tls.leaf(httpd.https_port, name()) == old
    assert not httpd.log_lines("serves another certificate")


@pytest.mark.parametrize("prefer", ["off", "on"])
def test_own_files_that_are_about_to_expire_are_renewed_once_in_mode_always(ca, httpd, name, prefer):
    old, inner, _ = own(httpd, name(), starts=-30, days=31)
    second = name("second")
    httpd.configure(f"MDPreferFiles {prefer}\nMDCheckInterval 1s\nMDRetryDelay 1s",
                    section(name(), inner, "MDRenewMode always"), section(second, "MDRenewMode manual"), httpd.vhost(name()),
                    httpd.vhost(second)).start()
    wait_until(lambda: httpd.store.cert(name()), 40, "a managed certificate is there")
    new = httpd.store.cert(name())
    if prefer == "off":
        assert tls.wait_for_cert(httpd.https_port, name(), unlike=old) == new
    orders = ca.count("Added order")
    A2md(httpd.store.path).run("renew", second)         # whoever is next in the engine's heap had its turn before
    tls.wait_for_cert(httpd.https_port, second)
    httpd.restart()
    assert tls.leaf(httpd.https_port, name()) == (old if prefer == "on" else new)
    A2md(httpd.store.path).run("renew", second)
    assert ca.count("Added order") - orders == 2, "the first domain was ordered again"
    assert httpd.store.cert(name()) == new


def test_an_expired_file_gives_way_to_a_managed_certificate(ca, httpd, name):
    httpd.managing(name()).start()
    managed = tls.wait_for_cert(httpd.https_port, name())
    promoted(httpd, name(), managed)
    _, inner, _ = own(httpd, name(), starts=-30, days=10)
    httpd.configure(section(name(), inner), httpd.vhost(name()))
    httpd.restart()
    assert tls.leaf(httpd.https_port, name()) == managed


def test_several_pairs_of_own_files_are_all_served(new_httpd, name):
    httpd, lines, certs = new_httpd(), "", {}
    for kind, cipher in (("rsa", "ECDHE-RSA-AES128-GCM-SHA256"), ("p-256", "ECDHE-ECDSA-AES128-GCM-SHA256")):
        key = new_key(kind)
        certs[cipher] = new_cert([name()], key)
        (httpd.root / f"{kind}.pem").write_bytes(cert_pem(certs[cipher]))
        (httpd.root / f"{kind}.key").write_bytes(key_pem(key))
        lines += f"MDCertificateFile {kind}.pem\nMDCertificateKeyFile {kind}.key\n"
    httpd.configure(section(name(), lines), httpd.vhost(name())).start()
    for cipher, cert in certs.items():
        assert tls.leaf(httpd.https_port, name(), version="1.2", ciphers=cipher) == cert


def test_the_store_knows_how_own_files_stand(new_httpd, name):
    httpd = new_httpd()
    _, inner, _ = own(httpd, name(), starts=-30, days=365)
    httpd.configure(section(name(), inner), httpd.vhost(name())).start()
    file, a2md = httpd.store.file("domains", name(), "md.json"), A2md(httpd.store.path)

    def state():
        return httpd.store.json("domains", name(), "md.json")["state"]

    assert state() == 2
    first = file.stat()
    httpd.restart()
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns), "nothing was written"
    a2md.run("update", name(), "contacts", "else@example.test")
    assert state() == 2, "a2md keeps the state"
    wrong = json.dumps({**json.loads(file.read_text()), "state": 1})
    file.write_text(wrong)
    assert httpd.configtest()[0] and file.read_text() == wrong, "a test of the configuration writes nothing"
    httpd.restart()
    assert state() == a2md.json("status")["output"][0]["state"] == 2
    httpd.configure(section(f"{name()} {name('more')}", inner), httpd.vhost(name(), name("more")))
    httpd.restart()
    assert state() == a2md.json("status")["output"][0]["state"] == 1
