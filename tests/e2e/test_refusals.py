# SPDX-License-Identifier: Apache-2.0
"""What `httpd -t` says to an administrator, word by word: one row a refusal, each with directive, file, line and what would be right."""

import pytest

from kit import directives
from kit.httpd import Httpd

ROWS = directives.rows()

FORMAT = "has unrecognized format"
UNIT = f"{FORMAT}, the unit must be d, h, mi, s or ms"
NUMBER = f"{FORMAT}, expected a number and a unit: d, h, mi, s or ms"
KNOWN = "Known names are LetsEncrypt, LetsEncrypt-Test, Buypass, Buypass-Test"
ONOFF = "must be one of 'on' and 'off', not '{}'"
MODES = "must be one of 'manual', 'auto' and 'always', not '{}'"
PORT = "the local port of '{}' must be a number from 1 to 65535, or '-' for none"
MEMBERS = "names are only valid inside <MDomain>; for the server, expected 'auto' or 'manual'"
BINDING = "needs a key id and an HMAC, a JSON file with both, or 'None'; a certificate authority may stand in front"
BELOW_100 = "'{}' is too large: 100% or more is not allowed"
UPDATE = "needs a server, the name of a key, its algorithm, the file with its secret, and may have a zone; or 'none'"
AGREEMENT = "expected 'accepted', or the URL of the terms of service that you agree to, not '{}'"
PROGRAM = "needs a program, and may have arguments for it"

# What is refused by every directive: by its place, or by the number of its words.
GLOBAL = [row.directive for row in ROWS if row.where == "GLOBAL"]
DOMAIN = [row.directive for row in ROWS if row.where == "DOMAIN"]
ONE_WORD = [row for row in ROWS if row.kind in ("FLAG", "TEXT", "PATH", "URL", "DURATION", "SLICE", "KEYWORD", "WORD", "COUNT")]

# directive, its words, why not
VALUES = [
    ("MDomain", "", "needs at least one name, like example.org"),
    ("MDomain", "a.test '' b.test", "'' cannot be a name of a domain: it is empty"),
    ("MDomain", "auto", "needs at least one name, like example.org"),
    ("MDomain", "a.test .b.test", "'.b.test' cannot be a name of a domain: it begins with a dot"),
    ("MDomain", "../etc", "'../etc' cannot be a name of a domain: it begins with a dot"),
    ("MDomain", "a/b", "'a/b' cannot be a name of a domain: it has characters that are not possible in a host name"),
    ("MDomain", "www.*.test", "'www.*.test' cannot be a name of a domain: a wildcard is possible only as the first part, as in *.example.org"),
    ("MDomain", "a.test,b.test", "'a.test,b.test' cannot be a name of a domain: names are separated by blanks"),
    ("MDomain", "a..test", "'a..test' cannot be a name of a domain: it has an empty part between two dots"),
    ("MDomain", "m\u00fcnchen.test", "'m\\xc3\\xbcnchen.test' cannot be a name of a domain: write it in letters of ASCII, as in xn--mnchen-3ya.example"),
    ("MDCertificateAgreement", "acepted", AGREEMENT.format("acepted")),
    ("MDCertificateAgreement", "no", AGREEMENT.format("no")),
    ("MDMembers", "", MEMBERS),
    ("MDMembers", "auto manual", MEMBERS),
    ("MDMember", "a.test b.test", MEMBERS),
    ("MDMembers", "sometimes", "must be one of 'auto' and 'manual', not 'sometimes'"),
    ("MDMember", "a.test", "must be one of 'auto' and 'manual', not 'a.test'"),
    ("MDBaseServer", "1", ONOFF.format("1")),
    ("MDMustStaple", "yes", ONOFF.format("yes")),
    ("MDCertificateStatus", "true", ONOFF.format("true")),
    ("MDServerStatus", "none", ONOFF.format("none")),
    ("MDProfileMandatory", "yes", ONOFF.format("yes")),
    ("MDRenewViaARI", "auto", ONOFF.format("auto")),
    ("MDLiveActivation", "perhaps", ONOFF.format("perhaps")),
    ("MDPreferFiles", "0", ONOFF.format("0")),
    ("MDStapling", "onn", ONOFF.format("onn")),
    ("MDStapleOthers", "o", ONOFF.format("o")),
    ("MDCertificateAuthority", "", "needs the URL of a certificate authority's directory"),
    ("MDCertificateAuthority", "not-a-ca", f"The CA name 'not-a-ca' is not known, and it is no URL either. {KNOWN}"),
    ("MDCertificateAuthority", "LetsEncrypt nobody", f"The CA name 'nobody' is not known, and it is no URL either. {KNOWN}"),
    ("MDCertificateAuthority", "https://", f"the URL 'https://' has no host name. {KNOWN}"),
    ("MDCertificateAuthority", "https://ca.test:99999/", f"'https://ca.test:99999/' has an invalid port. {KNOWN}"),
    ("MDCertificateAuthority", "file:///ca", f"the URL scheme must be http or https, not 'file'. {KNOWN}"),
    ("MDCertificateCheck", "crt.sh", "needs a name and a URL"),
    ("MDCertificateCheck", "crt.sh https://crt.sh more", "needs a name and a URL"),
    ("MDCertificateMonitor", "", "needs a name and a URL"),
    ("MDChallengeDns01", "", PROGRAM),
    ("MDMessageCmd", "", PROGRAM),
    ("MDNotifyCmd", "", PROGRAM),
    ("MDNotifyCmd", "/bin/say 'hello", "the command line '/bin/say 'hello' has an open quote"),
    ("MDChallengeDns01Version", "3", "must be one of '1' and '2', not '3'"),
    ("MDCheckInterval", "0", "must be one second or longer, not '0'"),
    ("MDCheckInterval", "999ms", "must be one second or longer, not '999ms'"),
    ("MDCheckInterval", "-5h", "must be one second or longer, not '-5h'"),
    ("MDCheckInterval", "1y", f"'1y' {UNIT}"),
    ("MDDriveMode", "sometimes", MODES.format("sometimes")),
    ("MDRenewMode", "sometimes", MODES.format("sometimes")),
    ("MDExternalAccountBinding", "", BINDING),
    ("MDExternalAccountBinding", "letsencrypt kid hmac more", BINDING),
    ("MDExternalAccountBinding", "nobody kid hmac", f"The CA name 'nobody' is not known, and it is no URL either. {KNOWN}"),
    ("MDExternalAccountBinding", "Buypass conf/half.json", "the file {root}/conf/half.json must have the members \"kid\" and \"hmac\", both texts"),
    ("MDExternalAccountBinding", "conf/missing.json", "{root}/conf/missing.json: the file cannot be read: No such file or directory"),
    ("MDExternalAccountBinding", "conf/no-json", "{root}/conf/no-json: not JSON (line 1, column 4: '[' or '{' expected near 'nope')"),
    ("MDExternalAccountBinding", "conf/half.json", "the file {root}/conf/half.json must have the members \"kid\" and \"hmac\", both texts"),
    ("MDHttpProxy", "proxy.test", "'proxy.test' is not a URL, it has no scheme like https:"),
    ("MDHttpProxy", "ftp://proxy.test", "the URL scheme must be http or https, not 'ftp'"),
    ("MDHttpProxy", "http://", "the URL 'http://' has no host name"),
    ("MDHttpProxy", "http://proxy.test:0", "'http://proxy.test:0' has an invalid port"),
    ("MDHttpProxy", "http://proxy.test:99999", "'http://proxy.test:99999' has an invalid port"),
    ("MDInitialDelay", "-1s", "must be 0 or longer, not '-1s'"),
    ("MDInitialDelay", "1mo", f"'1mo' {UNIT}"),
    ("MDMatchNames", "some", "must be one of 'all' and 'servernames', not 'some'"),
    ("MDPortMap", "", "needs one or two maps like http:8080 https:8443"),
    ("MDPortMap", "http:80 https:443 80:81", "needs one or two maps like http:8080 https:8443"),
    ("MDPortMap", "8080", "'8080' has no ':' between outside and local port, expected something like http:8080"),
    ("MDPortMap", "81:80", "'81:80' does not begin with http:, https:, 80: or 443:"),
    ("MDPortMap", "HTTP:80", "'HTTP:80' does not begin with http:, https:, 80: or 443:"),
    ("MDPortMap", "http:0", PORT.format("http:0")),
    ("MDPortMap", "http:65536", PORT.format("http:65536")),
    ("MDPortMap", "443:https", PORT.format("443:https")),
    ("MDPrivateKeys", "", "needs to specify the private key type, like 'RSA 3072', 'P-256' or 'Default'"),
    ("MDPrivateKeys", "3072", "needs to specify the private key type before '3072', as in RSA 3072"),
    ("MDPrivateKeys", "RSA 1024", "RSA keys of 1024 bits: must be 2048 or higher in order to be considered safe"),
    ("MDPrivateKeys", "rsa2047", "RSA keys of 2047 bits: must be 2048 or higher in order to be considered safe"),
    ("MDPrivateKeys", "RSA 2147483647", "RSA keys of 2147483647 bits: too large, the most is 16384"),
    ("MDPrivateKeys", "RSA 2048 rsa4096", "two keys of type 'RSA' are not possible"),
    ("MDPrivateKeys", "P-256 p-256", "two keys of type 'p-256' are not possible"),
    ("MDPrivateKeys", "Default RSA", "allows no other parameter behind 'Default'"),
    ("MDPrivateKeys", "RSA Default", "allows no other parameter beside 'Default'"),
    ("MDPrivateKeys", "../key", "has the private key type '../key', which is neither RSA nor the name of a curve"),
    ("MDRenewConcurrency", "0", "must be a number from 1 to 256, not '0'"),
    ("MDRenewConcurrency", "257", "must be a number from 1 to 256, not '257'"),
    ("MDRenewWindow", "5m", f"'5m' {UNIT}"),
    ("MDRenewWindow", "2w", f"'2w' {UNIT}"),
    ("MDRenewWindow", "soon", f"'soon' {NUMBER}"),
    ("MDRenewWindow", "-1d", "must be 0 or longer, not '-1d'"),
    ("MDRenewWindow", "-1%", f"'-1%' {FORMAT}, expected a share like 33% or a duration like 14d"),
    ("MDRenewWindow", "100%", BELOW_100.format("100%")),
    ("MDWarnWindow", "150%", BELOW_100.format("150%")),
    ("MDStaplingRenewWindow", "100%", BELOW_100.format("100%")),
    ("MDStaplingKeepResponse", "-7d", "must be 0 or longer, not '-7d'"),
    ("MDRequireHttps", "always", "must be one of 'off', 'temporary' and 'permanent', not 'always'"),
    ("MDRetryDelay", "0", "must be longer than 0, not '0'"),
    ("MDRetryDelay", "-1s", "must be longer than 0, not '-1s'"),
    ("MDRetryDelay", "5m", f"'5m' {UNIT}"),
    ("MDRetryFailover", "0", "must be a number from 1 to 2147483647, not '0'"),
    ("MDRetryFailover", "often", "must be a number from 1 to 2147483647, not 'often'"),
    ("MDStoreLocks", "maybe", "must be 'on', 'off' or how long to wait, like 10s, not 'maybe'"),
    ("MDStoreLocks", "", "needs 'on', 'off' or how long to wait"),
    ("MDPreflight", "maybe", "must be one of 'off', 'on' and 'warn', not 'maybe'"),
    ("MDDnsServer", "ns.test", "ns.test cannot be used as name server: it is no address"),
    ("MDDnsServer", "[::1", "[::1 cannot be used as name server: it is no address"),
    ("MDDnsUpdate", "", UPDATE),
    ("MDDnsUpdate", "192.0.2.53 key hmac-sha256", UPDATE),
    ("MDDnsUpdate", "192.0.2.53 key hmac-sha256 conf/key zone more", UPDATE),
    ("MDDnsUpdate", "ns.test key hmac-sha256 conf/key", "the key key of {root}/conf/key: ns.test cannot be used as name server: it is no address"),
    ("MDDnsUpdate", "192.0.2.53 key hmac-sha256 conf/missing", "{root}/conf/missing: the file cannot be read: No such file or directory"),
    ("MDDnsUpdate", "192.0.2.53 key hmac-sha256 conf/bad-key", "the key key of {root}/conf/bad-key: a request cannot be signed with it: "
     "the algorithm is one like hmac-sha256, and the secret base64 text"),
    ("MDStatelessChallenge", "maybe", ONOFF.format("maybe")),
    ("MDAccountKeyFile", "", "needs one file, or 'none'"),
    ("MDAccountKeyFile", "conf/key more", "needs one file, or 'none'"),
    ("MDAccountKeyFile", "conf/missing", "{root}/conf/missing: the file cannot be read: No such file or directory"),
    ("MDActivationDelay", "later", f"'later' {NUMBER}"),
]

# text, line, the whole message
SECTIONS = [
    ("<MDomain>\n</MDomain>", 1, "<MDomain> needs at least one name, like example.org"),
    ("<MDomainSet>\n</MDomainSet>", 1, "<MDomainSet> needs at least one name, like example.org"),
    ("<MDomain \"\">\n</MDomain>", 1, "<MDomain> needs at least one name, like example.org"),
    ("<MDomain a.test\n</MDomain>", 1, "<MDomain> is missing its closing '>'"),
    ("<MDomain a.test>\n<MDomain b.test>\n</MDomain>\n</MDomain>", 2, "<MDomain> is not allowed inside <MDomain>"),
    ("<MDomainSet a.test>\n\n<MDomain b.test>\n</MDomain>\n</MDomainSet>", 3, "<MDomain> is not allowed inside <MDomain>"),
    ("<MDomain a.test>\n<MDomainSet b.test>\n</MDomainSet>\n</MDomain>", 2, "<MDomainSet> is not allowed inside <MDomain>"),
    ("<MDomain a.test>\nMDomain b.test\n</MDomain>", 2, "MDomain: is not allowed inside <MDomain>"),
    ("<MDomain a.test>\n\nMDRenewMode nope\n</MDomain>", 3, "MDRenewMode: " + MODES.format("nope")),
    ("<MDomain a.test>\nMDMember b.test sometimes/\n</MDomain>", 2,
     "MDMember: 'sometimes/' cannot be a name of a domain: it has characters that are not possible in a host name"),
    ("<MDomain a.test>\nMDMembers\n</MDomain>", 2, "MDMembers: needs a name, 'auto' or 'manual'"),
    ("<MDomain a.test>\nMDExport\n</MDomain>", 2, "MDExport: needs a folder, and may have owner:group and a mode like 0640"),
    ("<MDomain a.test>\nMDExport out 0644\n</MDomain>", 2, "MDExport: cannot give the private key the mode 0644: only its owner "
     "may write it, and only its group may read it beside"),
    ("<MDomain a.test>\nMDCertificateFile\n</MDomain>", 2, "MDCertificateFile: needs one path"),
    ("<MDomain a.test>\nMDCertificateKeyFile a.key b.key\n</MDomain>", 2, "MDCertificateKeyFile: needs one path"),
    ("<VirtualHost *:81>\n<MDomain a.test>\nMDExclude on\n</MDomain>\n</VirtualHost>", 3,
     "MDExclude: is not allowed inside <MDomain>, it is about a virtual host"),
    ("MDExclude on", 1,
     "MDExclude: is only valid inside <VirtualHost>: the server outside of all is managed only with MDBaseServer on"),
    ("<VirtualHost *:81>\nMDExclude yes\n</VirtualHost>", 2, "MDExclude: " + ONOFF.format("yes")),
    ("<Directory />\n<MDomain a.test>\n</MDomain>\n</Directory>", 2, "<MDomain not allowed in <Directory> context"),
    ("<Files x>\nMDomain a.test\n</Files>", 2, "MDomain not allowed in <Files> context"),
]

# text, id, what is said
TOGETHER = [
    ("MDomain a.test b.test\nMDomain c.test b.test", "AH10038",
     "the name b.test of the domain c.test ({file}, line 2) belongs to the domain a.test ({file}, line 1) as well; each name can be "
     "in one domain only"),
    ("MDomain a.test\n\n<MDomain a.test>\n</MDomain>", "AH10038",
     "the name a.test of the domain a.test ({file}, line 3) belongs to the domain a.test ({file}, line 1) as well; each name can be "
     "in one domain only"),
    ("MDomain *.a.test\nMDomain www.a.test", "AH10038",
     "the name www.a.test of the domain www.a.test ({file}, line 2) belongs to the domain *.a.test ({file}, line 1) as well; each "
     "name can be in one domain only"),
    ("MDomain www.a.test\nMDomain *.a.test", "AH10038",
     "the name *.a.test of the domain *.a.test ({file}, line 2) belongs to the domain www.a.test ({file}, line 1) as well; each "
     "name can be in one domain only"),
    ("<MDomain a.test>\nMDCertificateFile a.pem\n</MDomain>", "AH10170",
     "the domain a.test ({file}, line 1) has 1 MDCertificateFile but 0 MDCertificateKeyFile; each certificate needs its key, in the "
     "same order"),
    ("\n<MDomain a.test>\nMDCertificateKeyFile a.key\n</MDomain>", "AH10171",
     "the domain a.test ({file}, line 2) has an MDCertificateKeyFile but no MDCertificateFile"),
    ("MDomain a.test\nMDCertificateProtocol acme", "AH10172",
     "the domain a.test ({file}, line 1) has MDCertificateProtocol 'acme', but only 'ACME' exists"),
    ("MDomain a.test\nMDomain b.test\n<VirtualHost *:81>\nServerName a.test\nServerAlias b.test\nSSLEngine on\n</VirtualHost>", "AH10238",
     "the virtual host a.test ({file}, line 3) serves TLS and has names of two domains, a.test ({file}, line 1) and b.test ({file}, "
     "line 2); it can have the certificate of one only: put all its names into one domain, or split the virtual host"),
]
WARNINGS = [
    ("\nMDomain a.test", "AH10045", "no virtual host uses the domain a.test ({file}, line 2): it is not renewed."),
    ("MDomain a.test manual\n<VirtualHost *:81>\nServerName a.test\nServerAlias b.test\nSSLEngine on\n</VirtualHost>", "AH10040",
     "the virtual host a.test ({file}, line 2) uses the domain a.test ({file}, line 1), but its name b.test is not one of the domain's"),
    ("MDRequireHttps permanent\nMDomain a.test\n<VirtualHost *:81>\nServerName a.test\n</VirtualHost>", "AH10105",
     "the domain a.test ({file}, line 2) has MDRequireHttps, but no virtual host with 'SSLEngine on' uses it"),
]


CHALLENGE = "names '{}', which is no challenge type that this module knows and is never used; known are tls-alpn-01, http-01, dns-01, dns-account-01, dns-persist-01"
IDLE = "has no effect inside <VirtualHost>: put it into the <MDomain> that it is meant for, or outside all virtual hosts"

REMARKS = [
    ("MDCAChallenges http-01, tls-alpn-01", "MDCAChallenges ({file}, line 1) " + CHALLENGE.format("http-01,")),
    ("\n<MDomain a.test>\nMDCAChallenges htp-01 http-01\n</MDomain>", "MDCAChallenges ({file}, line 3) " + CHALLENGE.format("htp-01")),
    ("<VirtualHost *:81>\nMDRenewMode manual\n</VirtualHost>", "MDRenewMode ({file}, line 2) " + IDLE),
    ("<VirtualHost *:81>\nMDPrivateKeys P-384\n</VirtualHost>", "MDPrivateKeys ({file}, line 2) " + IDLE),
    ("MDPrivateKeys secp384r2", "MDPrivateKeys ({file}, line 1) cannot be used: the private key type 'secp384r2' of MDPrivateKeys is unsupported"),
    ("MDPrivateKeys RSA-4096", "MDPrivateKeys ({file}, line 1) cannot be used: the private key type 'RSA-4096' of MDPrivateKeys is unsupported"),
    ("MDExternalAccountBinding kid not*b64", "MDExternalAccountBinding ({file}, line 1) cannot be used: the HMAC of MDExternalAccountBinding is not base64url text"),
]


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """Runs `httpd -t` over a text in a file of its own: (accepted, output, that file)."""
    root = tmp_path_factory.mktemp("refusals")
    httpd = Httpd(folder=root, managed=True)
    httpd.configure("MDStoreDir md", "Include conf/case.conf")
    (root / "conf/no-json").write_text("nope")
    (root / "conf/key").write_text("c2VjcmV0\n")
    (root / "conf/bad-key").write_text("%%%\n")
    (root / "conf/half.json").write_text('{"kid": "k"}')

    def test(text):
        case = root / "conf/case.conf"
        case.write_text(text + "\n")
        accepted, output = httpd.configtest()
        assert not httpd.store.path.exists(), "a test changes nothing"
        return accepted, output, case
    test.root = root
    return test


def refused(said, text, line, message):
    """The text is refused with exactly this message about this line."""
    accepted, output, case = said(text)
    assert not accepted
    assert output == f"AH00526: Syntax error on line {line} of {case}:\n{message}\n"


@pytest.mark.parametrize("directive, words, why", VALUES, ids=[f"{row[0]} {row[1]}" for row in VALUES])
def test_a_wrong_value_is_refused(said, directive, words, why):
    refused(said, f"\n{directive} {words}", 2, f"{directive}: {why.replace('{root}', str(said.root))}")


@pytest.mark.parametrize("row", ONE_WORD, ids=lambda row: row.directive)
@pytest.mark.parametrize("words", ["", "one two"])
def test_a_setting_of_one_word_takes_one_word(said, row, words):
    text = f"{row.directive} {words}"
    if row.where == "HOST":
        refused(said, f"<VirtualHost *:81>\n{text}\n</VirtualHost>", 2, f"{row.directive} takes one argument, {row.help}")
    else:
        refused(said, text, 1, f"{row.directive} takes one argument, {row.help}")


@pytest.mark.parametrize("directive", GLOBAL)
def test_what_there_is_one_value_of_cannot_stand_in_a_section(said, directive):
    refused(said, f"<MDomain a.test>\n{directive} on\n</MDomain>", 2,
            f"{directive}: is not allowed inside <MDomain>, there is one value for the whole server")


@pytest.mark.parametrize("directive", DOMAIN)
def test_what_only_domains_have_cannot_stand_elsewhere(said, directive):
    refused(said, f"{directive} file", 1, f"{directive}: is only valid inside <MDomain>")
    refused(said, f"<VirtualHost *:81>\n{directive} file\n</VirtualHost>", 2, f"{directive}: is only valid inside <MDomain>")


@pytest.mark.parametrize("opening", ["<Directory />", "<Location />", "<Files x>", '<If "true">'])
def test_nothing_can_stand_in_a_part_of_a_site(said, opening):
    name = opening.split()[0].strip("<")
    refused(said, f"{opening}\nMDRequireHttps permanent\n</{name}>", 2, f"MDRequireHttps not allowed in <{name}> context")


@pytest.mark.parametrize("text, line, message", SECTIONS, ids=[row[0].replace("\n", "|") for row in SECTIONS])
def test_a_wrong_section_is_refused(said, text, line, message):
    refused(said, text, line, message)


@pytest.mark.parametrize("text, ident, message", TOGETHER, ids=[row[0].replace("\n", "|") for row in TOGETHER])
def test_what_does_not_fit_together_is_refused(said, text, ident, message):
    accepted, output, case = said(text)
    assert not accepted
    assert f"{ident}: {message.format(file=case)}\n" in output


@pytest.mark.parametrize("text, ident, message", WARNINGS, ids=[row[1] for row in WARNINGS])
def test_what_may_be_meant_is_warned_of(said, text, ident, message):
    accepted, output, case = said(text)
    assert accepted
    assert output.count(f"{ident}: {message.format(file=case)}") == 1


@pytest.mark.parametrize("text, message", REMARKS, ids=[row[0].replace("\n", "|") for row in REMARKS])
def test_what_is_odd_is_told_once(said, text, message):
    accepted, output, case = said(text)
    assert accepted
    assert output.count(message.format(file=case)) == 1


def test_a_program_that_writes_odd_things_does_not_flood_the_log(said):
    accepted, output, _ = said("MDCAChallenges none-01\n" * 30)
    assert accepted
    assert output.count("names 'none-01'") == 20
    assert output.count("there are 10 more remarks of this kind") == 1


@pytest.mark.parametrize("text", [
    "<VirtualHost *:81>\nMDContactEmail me@a.test\nMDStapling on\nMDStapleOthers off\nMDExportVars on\nMDExclude on\n</VirtualHost>",
    "<VirtualHost *:81>\n<MDomain a.test>\nMDRenewMode always\n</MDomain>\n</VirtualHost>",
    "<VirtualHost *:81>\nMDRetryDelay 2s\n</VirtualHost>",
    "<MDomain a.test>\nMDCAChallenges HTTP-01 dns-01\nMDRenewMode always\nMDPrivateKeys RSA P-256\n</MDomain>",
    "MDCertificateAgreement https://ca.test/terms.pdf",
    "MDExternalAccountBinding kid aGVsbG8",
])
def test_what_has_an_effect_is_no_remark(said, text):
    accepted, output, _ = said(text)
    assert accepted
    assert "(" not in output.replace("Syntax OK", ""), output


def test_a_dot_at_the_end_is_how_dns_writes_it(said):
    accepted, output, _ = said("MDomain a.test.\nMDomain a.test\n")
    assert not accepted
    assert "the name a.test of the domain a.test" in output


def test_names_may_be_shared_where_only_server_names_count(said):
    assert said("MDMatchNames servernames\nMDomain a.test b.test\nMDomain b.test")[0]


def test_every_setting_has_a_refusal():
    """A row of the table that accepts everything is one that nobody thought about."""
    tested = {row[0] for row in VALUES} | {row.directive for row in ONE_WORD} | set(GLOBAL) | set(DOMAIN)
    # a list of any words, in any number
    assert {row.directive for row in ROWS} - tested == {"MDCAChallenges"}
