# SPDX-License-Identifier: Apache-2.0
"""Where a domain takes each setting from: its section, else the server, else the default; never a virtual host. Read back from
md.json, all settings in one run of the server."""

import pytest

from kit import directives
from kit.httpd import Httpd

ROWS = [row for row in directives.rows() if row.json_key]
LETSENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"

# directive: default; what the server says, what a domain has then; what its section says, what it has then. None: not in md.json.
SETTINGS = {
    "MDMembers": (1, "manual", 0, "auto", 1),
    "MDCertificateProtocol": ("ACME", "ACME", "ACME", "ACME", "ACME"),
    "MDCertificateAuthority": ([LETSENCRYPT], "LetsEncrypt-Test https://b.test/dir", [STAGING, "https://b.test/dir"],
                               "https://c.test/dir", ["https://c.test/dir"]),
    "MDCertificateAgreement": (None, "accepted", "accepted", "https://c.test/terms", "https://c.test/terms"),
    "MDCAChallenges": (None, "DNS-01 http-01", ["dns-01", "http-01"], "tls-alpn-01", ["tls-alpn-01"]),
    "MDPrivateKeys": (None, "RSA 3072", {"type": "RSA", "bits": 3072}, "secp384r1 rsa4096",
                      [{"type": "EC", "curve": "secp384r1"}, {"type": "RSA", "bits": 4096}]),
    "MDRenewMode": (1, "manual", 0, "always", 2),
    "MDRenewWindow": ("33%", "20d", "20d", "50%", "50%"),
    "MDWarnWindow": ("10%", "36h", "36h", "2", "2d"),
    "MDRequireHttps": (None, "temporary", "temporary", "permanent", "permanent"),
    "MDMustStaple": (False, "on", True, "off", False),
    "MDStapling": (False, "on", True, "off", False),
    "MDProfile": (None, "of-server", "of-server", "of-domain", "of-domain"),
    "MDProfileMandatory": (False, "on", True, "off", False),
    "MDRenewViaARI": (True, "off", False, "on", True),
    "MDLiveActivation": (True, "off", False, "on", True),
    "MDExternalAccountBinding": (None, "kid hmac", {"kid": "kid", "hmac": "hmac"}, "conf/binding.json", {"kid": "k", "hmac": "h"}),
    # these are looked up where they are used
    "MDChallengeDns01": (None, "/bin/dns of server", None, "/bin/dns  'of domain'", "/bin/dns  'of domain'"),
    "MDHttpProxy": (None, "http://server.test:3128", None, "http://domain.test", "http://domain.test"),
    "MDCACertificateFile": (None, "/server.pem", None, "conf/domain.pem", "{root}/conf/domain.pem"),
    "MDHttpProxyCACertificateFile": (None, "/server.pem", None, "/domain.pem", "/domain.pem"),
    # these only a domain has
    "MDCertificateFile": (None, None, None, "conf/own.pem", ["{root}/conf/own.pem"]),
    "MDCertificateKeyFile": (None, None, None, "/own.key", ["/own.key"]),
}
# What ends an inheritance: the domain has its default again.
ENDED = {"MDExternalAccountBinding": "None", "MDCAChallenges": "", "MDRequireHttps": "OFF", "MDPrivateKeys": "Default",
         "MDHttpProxy": "none", "MDHttpProxyCACertificateFile": "none"}
# Words that mean the same: directive, words, where it is in md.json, and how.
SPELLINGS = [
    ("MDDriveMode", "always", "renew-mode", 2), ("MDRenewMode", "AUTOMATIC", "renew-mode", 1), ("MDRenewMode", "stick", "renew-mode", 0),
    ("mddrivemode", "Manual", "renew-mode", 0), ("MDMember", "manual", "transitive", 0), ("MDMembers", "AUTO", "transitive", 1),
    ("MDRenewWindow", "14days", "renew-window", "14d"), ("MDRenewWindow", "48H", "renew-window", "2d"),
    ("MDRenewWindow", "90mi", "renew-window", "90mi"), ("MDRenewWindow", "90minutes", "renew-window", "90mi"),
    ("MDRenewWindow", "1500ms", "renew-window", "1500ms"), ("MDRenewWindow", "5000ms", "renew-window", "5s"),
    ("MDRenewWindow", "7", "renew-window", "7d"), ("MDRenewWindow", "0", "renew-window", "0d"), ("MDWarnWindow", "99%", "warn-window", "99%"),
    ("MDRequireHttps", "Permanent", "require-https", "permanent"), ("MDMustStaple", "ON", "must-staple", True),
    ("MDPrivateKeys", "rsa", "privkey", {"type": "RSA", "bits": 2048}), ("MDPrivateKeys", "rsa4096", "privkey", {"type": "RSA", "bits": 4096}),
    ("MDPrivateKeys", "DEFAULT", "privkey", None), ("MDPrivateKeys", "P-256", "privkey", {"type": "EC", "curve": "P-256"}),
    ("MDCertificateAuthority", "letsencrypt", "ca.urls", [LETSENCRYPT]),
    ("MDCertificateAuthority", "Buypass BUYPASS-TEST", "ca.urls", ["https://api.buypass.com/acme/directory",
                                                                  "https://api.test4.buypass.no/acme/directory"]),
]


def at(doc, path):
    """A member of a JSON document by its path with dots, or None."""
    for key in path.split("."):
        doc = doc.get(key) if isinstance(doc, dict) else None
    return doc


def lines(words, inner=""):
    """Directives with their words."""
    return "".join(f"{inner}{directive} {text}\n" for directive, text in words.items() if text is not None)


def domains(root, *texts):
    """Starts a server with this configuration and reads what it has stored."""
    httpd = Httpd(folder=root)
    (root / "conf/binding.json").write_text('{"kid": "k", "hmac": "h"}')
    text = httpd.base_config() + "MDStoreDir md\n" + "\n".join(texts)
    (root / "conf/httpd.conf").write_text(text.replace("@HTTP", str(httpd.http_port)))
    httpd.start()
    httpd.stop()
    return {name: httpd.store.json("domains", name, "md.json") for name in httpd.store.names("domains")}


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """md.json of a domain in a server without any setting."""
    return domains(tmp_path_factory.mktemp("without"), "MDomain plain.test\n<VirtualHost *:@HTTP>\nServerName plain.test\n</VirtualHost>")


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """(md.json of domains by name, folder) in a server that has settings everywhere: for itself behind the domains, in sections, and
    in a virtual host."""
    root = tmp_path_factory.mktemp("settled")
    own = {directive: row[3] for directive, row in SETTINGS.items()}
    of_host = {directive: text for directive, text in own.items() if SETTINGS[directive][1] is not None}
    return domains(root, "MDomain plain.test", f"<MDomain own.test>\n{lines(own)}</MDomain>",
                   f"<MDomainSet ended.test>\n{lines(ENDED)}</MDomainSet>",
                   f"<VirtualHost *:@HTTP>\nServerName plain.test\nServerAlias alias.test\n{lines(of_host)}"
                   f"MDomain inside.test\n</VirtualHost>",
                   lines({directive: row[1] for directive, row in SETTINGS.items()})), root


@pytest.fixture(params=ROWS, ids=lambda row: row.directive)
def row(request):
    """Each setting that md.json has."""
    return request.param


def test_without_a_word_there_is_the_default(row, without):
    assert at(without["plain.test"], row.json_key) == SETTINGS[row.directive][0]


def test_a_domain_takes_what_the_server_says(row, settled):
    assert at(settled[0]["plain.test"], row.json_key) == SETTINGS[row.directive][2]


def test_a_domain_defined_inside_a_virtual_host_takes_nothing_from_there(row, settled):
    assert at(settled[0]["inside.test"], row.json_key) == SETTINGS[row.directive][2]


def test_a_section_goes_over_the_server(row, settled):
    wanted = SETTINGS[row.directive][4]
    if isinstance(wanted, list):
        wanted = [each.format(root=settled[1]) if isinstance(each, str) else each for each in wanted]
    elif isinstance(wanted, str):
        wanted = wanted.format(root=settled[1])
    assert at(settled[0]["own.test"], row.json_key) == wanted


@pytest.mark.parametrize("directive", ENDED)
def test_a_section_can_end_an_inheritance(settled, directive):
    key = next(row.json_key for row in ROWS if row.directive == directive)
    assert at(settled[0]["ended.test"], key) == SETTINGS[directive][0]


@pytest.fixture(scope="module")
def spelled(tmp_path_factory):
    """md.json of one domain for each spelling."""
    text = "".join(f"<MDomain s{i}.test>\n{row[0]} {row[1]}\n</MDomain>\n" for i, row in enumerate(SPELLINGS))
    return domains(tmp_path_factory.mktemp("spelled"), "MDRenewMode manual", text)


@pytest.mark.parametrize("number", range(len(SPELLINGS)), ids=[f"{row[0]} {row[1]}" for row in SPELLINGS])
def test_spellings_mean_the_same(spelled, number):
    assert at(spelled[f"s{number}.test"], SPELLINGS[number][2]) == SPELLINGS[number][3]


def test_the_last_word_counts(new_httpd):
    httpd = new_httpd().configure("MDRenewMode manual\nMDRenewWindow 10d\nMDCertificateAuthority Buypass\nMDCertificateAuthority LetsEncrypt",
                                  "<MDomain a.test>\nMDWarnWindow 1d\nMDWarnWindow 2d\nMDCertificateFile a\nMDCertificateFile b\n"
                                  "MDCertificateKeyFile a\nMDCertificateKeyFile b\n</MDomain>", "MDRenewWindow 20d").start()
    stored = httpd.store.json("domains", "a.test", "md.json")
    assert (stored["renew-window"], stored["warn-window"], stored["ca"]["urls"]) == ("20d", "2d", [LETSENCRYPT])
    assert [path.rsplit("/", 1)[1] for path in stored["cert-files"]] == ["a", "b"], "files add up"


@pytest.mark.parametrize("place", ["<VirtualHost *:81>\n{}\n</VirtualHost>", "{}"], ids=["virtual host", "server"])
def test_what_there_is_one_value_of_is_the_same_everywhere(new_httpd, place):
    httpd = new_httpd(md_level="debug")
    httpd.configure("MDRenewMode manual\nMDomain a.test b.test\nMDomain c.test b.test\n",
                    place.format("MDStoreDir elsewhere\nMDMatchNames servernames\nMDPortMap http:- https:-")).start()
    assert (httpd.root / "elsewhere/domains/c.test/md.json").exists()
    assert httpd.log_lines("AH10037.*cannot reach us by http: and cannot by https:")


@pytest.mark.parametrize("place", ["MDomain a.test\n<VirtualHost *:81>\n{}\n</VirtualHost>", "MDomain a.test\n{}", "<MDomain a.test>\n{}\n</MDomain>"],
                         ids=["virtual host", "server", "domain"])
def test_the_public_status_is_switched_off_for_all(new_httpd, place):
    httpd = new_httpd().configure("MDRenewMode manual\nMDomain b.test", place.format("MDCertificateStatus off")).start()
    assert httpd.get("/.httpd/certificate-status", host="b.test")[0] == 404
    httpd.configure("MDRenewMode manual\nMDomain b.test", place.format("")).restart()
    assert httpd.get("/.httpd/certificate-status", host="b.test")[0] == 200


def test_a_contact_that_is_no_longer_said_stays(new_httpd):
    """Accounts were made with it."""
    httpd = new_httpd()

    def configured(contact):
        httpd.configure("MDRenewMode manual", "MDomain a.test")
        conf = httpd.root / "conf/httpd.conf"
        conf.write_text(conf.read_text().replace("MDContactEmail admin@example.test\n", contact))
    configured("MDContactEmail first@x.test\n")
    httpd.start()
    configured("")
    httpd.restart()
    assert httpd.store.json("domains", "a.test", "md.json")["contacts"] == ["mailto:first@x.test"]
    configured("MDContactEmail next@x.test\n")
    httpd.restart()
    assert httpd.store.json("domains", "a.test", "md.json")["contacts"] == ["mailto:next@x.test"]


def test_every_setting_of_the_store_is_looked_at():
    assert set(SETTINGS) == {row.directive for row in ROWS}
