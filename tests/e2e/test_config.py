# SPDX-License-Identifier: Apache-2.0
"""Configurations: wrong values are refused with directive and reason, and looking at one changes nothing."""

import pytest

WRONG = [
    ("MDRenewMode sometimes", "MDRenewMode", "auto"),
    ("MDRenewWindow 5m", "MDRenewWindow", "unrecognized format|5m"),
    ("MDRenewWindow 100%", "MDRenewWindow", "100% or more is not allowed"),
    ("MDRenewWindow -1%", "MDRenewWindow", ""),
    ("MDWarnWindow 2w", "MDWarnWindow", ""),
    ("MDPrivateKeys RSA 1024", "MDPrivateKeys", "2048 or higher"),
    ("MDPrivateKeys RSA 2048 RSA 4096", "MDPrivateKeys", "two keys of type '.*' are not possible"),
    ("MDPrivateKeys Default RSA", "MDPrivateKeys", "allows no other parameter"),
    ("MDPrivateKeys P-256 p-256", "MDPrivateKeys", "two keys of type '.*' are not possible"),
    ("MDPrivateKeys", "MDPrivateKeys", "needs to specify the private key type"),
    ("MDCertificateAuthority not-a-ca", "MDCertificateAuthority", "The CA name 'not-a-ca' is not known"),
    ("MDCertificateAuthority https://", "MDCertificateAuthority", ""),
    ("MDHttpProxy ftp://proxy.test", "MDHttpProxy", "scheme must be http or https"),
    ("MDHttpProxy http://proxy.test:99999", "MDHttpProxy", "invalid port"),
    ("MDRequireHttps always", "MDRequireHttps", "'temporary' and 'permanent'|temporary"),
    ("MDMustStaple yes", "MDMustStaple", "'on' and 'off'|'on' or 'off'"),
    ("MDLiveActivation perhaps", "MDLiveActivation", "'on' and 'off'|'on' or 'off'"),
    ("MDRenewConcurrency 0", "MDRenewConcurrency", "1"),
    ("MDRenewConcurrency many", "MDRenewConcurrency", ""),
    ("MDPortMap 8080", "MDPortMap", ""),
    ("MDPortMap http:0", "MDPortMap", ""),
    ("MDPortMap http:70000", "MDPortMap", ""),
    ("MDPortMap 81:8081", "MDPortMap", ""),
    ("MDCheckInterval 0", "MDCheckInterval", ""),
    ("MDCheckInterval 1y", "MDCheckInterval", ""),
    ("MDInitialDelay -1s", "MDInitialDelay", ""),
    ("MDRetryDelay 0", "MDRetryDelay", ""),
    ("MDRetryFailover none", "MDRetryFailover", ""),
    ("MDStoreLocks maybe", "MDStoreLocks", ""),
    ("MDMatchNames some", "MDMatchNames", ""),
    ("MDMembers sometimes", "MDMembers", "auto"),
    ("MDomain", "MDomain", ""),
    ("<MDomain a.example.test>\n  MDStoreDir x\n</MDomain>", "MDStoreDir", ""),
    ("<MDomain a.example.test>\n  <MDomain b.example.test>\n  </MDomain>\n</MDomain>", "MDomain", ""),
    ("<MDomain a.example.test>\n  MDRenewMode nope\n</MDomain>", "MDRenewMode", "auto"),
    ("<MDomain>\n</MDomain>", "MDomain", ""),
    ("MDMember a.example.test", "MDMember", ""),
    ("MDCertificateFile x.pem", "MDCertificateFile", ""),
]
RIGHT = [
    "MDRenewMode AUTO", "mdrenewmode always", "MDRenewMode stick", "MDDriveMode manual", "MDRenewWindow 30d", "MDRenewWindow 99%",
    "MDRenewWindow 10", "MDPrivateKeys rsa4096", "MDPrivateKeys RSA", "MDPrivateKeys RSA 3072 P-256 secp384r1",
    "MDPrivateKeys Default", "MDCertificateAuthority LetsEncrypt-Test", "MDCertificateAuthority letsencrypt",
    "MDCertificateAuthority https://one.example.test/dir https://two.example.test/dir", "MDPortMap http:- https:443",
    "MDPortMap 80:8080 443:8443", "MDCheckInterval 1h", "MDRetryDelay 5", "MDRetryFailover 3", "MDRenewConcurrency 256",
    "MDStoreLocks on", "MDStoreLocks 10s", "MDContactEmail someone@example.test", "MDMembers manual", "MDBaseServer on",
    "MDCAChallenges http-01 tls-alpn-01", "MDMatchNames servernames", "MDInitialDelay 500ms",
    "MDCertificateMonitor crt.sh https://crt.sh?q=", "MDHttpProxy http://proxy.example.test:3128", "MDHttpProxyCACertificateFile none",
    "MDExternalAccountBinding None", "MDProfile classic", "MDRenewViaARI off", "MDChallengeDns01 /bin/true with arguments",
    "MDMessageCmd /bin/true", "MDStapling on", "MDActivationDelay 1d", "MDServerStatus off", "MDCertificateStatus off",
    "<MDomainSet a.example.test b.example.test manual>\n  MDRequireHttps permanent\n  MDContactEmail x@example.test\n"
    "</MDomainSet>",
    "<MDomain *.example.test>\n  MDMembers example.test www.example.test\n</MDomain>",
]


@pytest.mark.parametrize("text, directive, reason", WRONG, ids=[row[0].replace("\n", "|") for row in WRONG])
def test_wrong_values_are_refused_with_directive_and_reason(new_httpd, text, directive, reason):
    import re
    httpd = new_httpd().configure(text)
    accepted, output = httpd.configtest()
    assert not accepted, output
    assert directive in output
    assert re.search(reason, output), output
    assert "httpd.conf" in output, "the place is named"
    assert not httpd.store.path.exists()


@pytest.mark.parametrize("text", RIGHT, ids=[row.replace("\n", "|") for row in RIGHT])
def test_right_values_are_accepted(new_httpd, text):
    httpd = new_httpd().configure(text)
    accepted, output = httpd.configtest()
    assert accepted, output
    assert not httpd.store.path.exists()


def test_configtest_writes_nothing(ca, httpd, name):
    httpd.managing(name())
    assert httpd.configtest()[0]
    assert not httpd.store.path.exists()
    httpd.start()
    wait = httpd.wait_for_log("AH10059|AH10068|resuming normal")
    httpd.stop()
    before = httpd.store.contents(), httpd.store.tree()
    httpd.managing(name(), name("more"))
    assert httpd.configtest()[0], wait
    assert (httpd.store.contents(), httpd.store.tree()) == before


def refused(httpd, ident):
    """The server does not start, and the error log says so under this id."""
    from kit.proc import wait_until
    httpd.launch()
    wait_until(lambda: not httpd.proc.alive(), 15, "httpd gives up")
    return httpd.wait_for_log(ident, 2)


def test_domains_that_overlap_are_refused(httpd, name):
    httpd.configure(f"MDomain {name('a')} {name('b')}\nMDomain {name('c')} {name('b')}\n", httpd.vhost(name("a")))
    line = refused(httpd, "AH10038")
    assert name("a") in line and name("c") in line and name("b") in line


def test_overlap_with_a_wildcard_is_refused_in_either_order(httpd, name):
    rest = name("x").split(".", 1)[1]
    for text in (f"MDomain {rest} *.{rest}\nMDomain www.{rest}\n", f"MDomain www.{rest}\nMDomain {rest} *.{rest}\n"):
        httpd.configure(text, httpd.vhost(rest))
        refused(httpd, "AH10038")
        httpd.stop()


def test_certificate_files_without_key_files_are_refused(httpd, name):
    httpd.configure(f"<MDomain {name()}>\n  MDCertificateFile some.pem\n</MDomain>\n", httpd.vhost(name()))
    assert name() in refused(httpd, "AH10170")


def test_a_host_of_two_domains_is_refused(httpd, name):
    httpd.configure(f"MDomain {name('a')}\nMDomain {name('b')}\n", httpd.vhost(name("a"), name("b")))
    line = refused(httpd, "AH10238|AH10042")
    assert name("a") in line and name("b") in line


def test_all_complaints_are_shown_not_only_the_first(httpd, name):
    httpd.configure(f"MDomain {name('a')} {name('b')}\nMDomain {name('c')} {name('b')}\n"
                    f"<MDomain {name('d')}>\n  MDCertificateFile some.pem\n</MDomain>\n", httpd.vhost(name("a")))
    refused(httpd, "AH10038")
    assert httpd.log_lines("AH10170")
