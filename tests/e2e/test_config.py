# SPDX-License-Identifier: Apache-2.0
"""Configurations: every spelling is accepted, looking at one changes nothing, and one that is wrong keeps the server from starting."""

import subprocess

import pytest

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
    "MDomain auto localhost host_a", "MDomain manual auto a.example.test", "<MDomain auto>\n</MDomain>", "MDRenewWindow 14days",
    "MDRenewWindow 0", "MDWarnWindow 0%", "MDStaplingKeepResponse 200%", "MDStaplingRenewWindow 90MI", "MDActivationDelay -1d",
    "MDRetryFailover 2147483647", "MDStoreLocks 0", "MDStoreLocks off", "MDCAChallenges", "MDCAChallenges no-such-type",
    "MDPrivateKeys no-such-curve", "MDCertificateAgreement https://ca.example.test/terms", "MDContactEmail 'not an address'",
    "MDCertificateProtocol any", "MDRenewMode automatic", "MDCertificateAuthority Buypass buypass-test LETSENCRYPT",
    "MDChallengeDns01Version 2", "MDChallengeDns01 /bin/say 'two words' \"one more\"", "MDCACertificateFile NONE",
    "<VirtualHost *:81>\n  MDomain a.example.test\n  <MDomain b.example.test>\n  </MDomain>\n  MDPortMap 80:-\n  MDMembers manual\n"
    "  MDStoreDir elsewhere\n  MDExclude on\n</VirtualHost>",
    "<MDomain a.example.test>\n  MDCertificateCheck name https://x.example.test\n  MDCertificateStatus off\n  MDServerStatus off\n"
    "  MDStaplingKeepResponse 1d\n  MDStaplingRenewWindow 1d\n  MDMember manual b.example.test\n</MDomain>",
]


@pytest.mark.parametrize("text", RIGHT, ids=[row.replace("\n", "|") for row in RIGHT])
def test_right_values_are_accepted(new_httpd, text):
    httpd = new_httpd().configure(text)
    accepted, output = httpd.configtest()
    assert accepted, output
    assert not httpd.store.path.exists()


def test_looking_at_virtual_hosts_needs_no_secrets(new_httpd):
    httpd = new_httpd().configure("MDExternalAccountBinding /no/such/file.json")
    assert not httpd.configtest()[0]
    assert subprocess.run(httpd.argv("-S"), capture_output=True, timeout=60, check=False).returncode == 0


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
