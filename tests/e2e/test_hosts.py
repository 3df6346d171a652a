# SPDX-License-Identifier: Apache-2.0
"""Virtual hosts and managed domains find each other: which hosts serve TLS, which names are added, what is warned of.

No certificate authority is needed: what was decided at the start is in md.json and in the log.
"""

import pytest

QUIET = "MDRenewMode manual\n"


@pytest.fixture
def started(new_httpd):
    """Starts a server with these snippets; ports as @HTTP and @HTTPS."""
    def start(*snippets, more_modules="", level="debug"):
        httpd = new_httpd(md_level=level)
        text = "\n".join(snippets).replace("@HTTPS", str(httpd.https_port)).replace("@HTTP", str(httpd.http_port))
        httpd.configure(more_modules, QUIET, text).start()
        return httpd
    return start


def stored(httpd, domain):
    """md.json of a domain."""
    return httpd.store.json("domains", domain, "md.json")


def host(inner, port="@HTTPS"):
    """A virtual host."""
    return f"<VirtualHost *:{port}>\n{inner}\n</VirtualHost>\n"


def test_names_of_a_tls_host_are_added_but_not_its_wildcards(started):
    httpd = started("MDomain a.test", host("ServerName a.test\nServerAlias B.test *.c.test d.test\nSSLEngine on"))
    assert stored(httpd, "a.test")["domains"] == ["a.test", "b.test", "d.test"]


def test_a_graceful_restart_sees_what_changed(started):
    httpd = started("MDomain a.test", host("ServerName a.test\nSSLEngine on"))
    conf = httpd.root / "conf/httpd.conf"
    conf.write_text(conf.read_text().replace("ServerName a.test", "ServerName a.test\nServerAlias b.test"))
    httpd.graceful()
    assert stored(httpd, "a.test")["domains"] == ["a.test", "b.test"]


def test_names_of_a_plain_host_are_not_added(started):
    httpd = started("MDomain a.test", host("ServerName a.test\nServerAlias b.test", "@HTTP"))
    assert stored(httpd, "a.test")["domains"] == ["a.test"]
    assert not httpd.log_lines("AH10040|AH10045")


def test_a_name_that_is_missing_in_manual_mode_is_warned_of_once(started):
    httpd = started("MDomain a.test manual", host("ServerName a.test\nServerAlias b.test\nSSLEngine on"))
    assert stored(httpd, "a.test")["domains"] == ["a.test"]
    lines = httpd.log_lines("AH10040")
    assert len(lines) == 1 and "b.test" in lines[0] and "httpd.conf" in lines[0] and "warn" in lines[0]


def test_a_domain_without_host_is_warned_of_unless_it_is_always_renewed(started):
    httpd = started("MDomain a.test\n<MDomain b.test>\nMDRenewMode always\nMDCertificateAuthority https://localhost:1/dir\n</MDomain>")
    lines = httpd.log_lines("AH10045")
    assert len(lines) == 1 and "a.test" in lines[0]


def test_https_required_without_tls_host_is_warned_of(started):
    httpd = started("MDRequireHttps permanent\nMDomain a.test\nMDomain b.test", host("ServerName a.test", "@HTTP"),
                    host("ServerName b.test\nSSLEngine on"))
    lines = httpd.log_lines("AH10105")
    assert len(lines) == 1 and "a.test" in lines[0]


@pytest.mark.parametrize("engine, is_tls", [
    ("SSLEngine on", True), ("sslENGINE On", True), ('SSLEngine "on"', True), ("SSLEngine off\nSSLEngine on", True),
    ("<IfModule ssl_module>\n<IfDefine !NEVER>\nSSLEngine on\n</IfDefine>\n</IfModule>", True),
    ("Define ENGINE on\nSSLEngine ${ENGINE}", True), ("", False), ("SSLEngine off", False), ("SSLEngine on\nSSLEngine off", False),
    ("<IfDefine NEVER>\nSSLEngine on\n</IfDefine>", False),
], ids=lambda value: str(value).replace("\n", "|"))
def test_a_tls_host_is_one_with_its_engine_on(started, engine, is_tls):
    httpd = started("MDomain a.test", host(f"ServerName a.test\nServerAlias b.test\n{engine}"))
    assert ("b.test" in stored(httpd, "a.test")["domains"]) == is_tls


def test_the_engine_is_inherited_from_the_base_server(started):
    httpd = started(host("ServerName a.test\nServerAlias x.a.test"), host("ServerName b.test\nServerAlias x.b.test\nSSLEngine off"),
                    "MDomain a.test\nMDomain b.test\nMDomain c.test\nMDBaseServer on\nServerName c.test\nSSLEngine on")
    assert stored(httpd, "a.test")["domains"] == ["a.test", "x.a.test"]
    assert stored(httpd, "b.test")["domains"] == ["b.test"]


def test_hosts_of_one_file_included_twice_are_told_apart(new_httpd):
    httpd = new_httpd(md_level="debug")
    (httpd.root / "conf/host.conf").write_text(
        f"<VirtualHost *:{httpd.https_port}>\nServerName ${{NAME}}\nServerAlias www.${{NAME}}\nSSLEngine ${{ENGINE}}\n</VirtualHost>\n")
    httpd.configure(QUIET, "MDomain a.test\nMDomain b.test\nDefine NAME a.test\nDefine ENGINE on\nInclude conf/host.conf\n"
                           "Define NAME b.test\nDefine ENGINE off\nInclude conf/host.conf").start()
    assert stored(httpd, "a.test")["domains"] == ["a.test", "www.a.test"]
    assert stored(httpd, "b.test")["domains"] == ["b.test"]


def test_hosts_made_by_a_macro_are_found(started):
    from kit import places
    httpd = started("<Macro Host $name>", host("ServerName $name\nServerAlias www.$name\nSSLEngine on"), "</Macro>",
                    "Use Host a.test\nUse Host b.test\nMDomain a.test\nMDomain b.test",
                    more_modules=f"LoadModule macro_module {places.modules_dir()}/mod_macro.so")
    assert stored(httpd, "a.test")["domains"] == ["a.test", "www.a.test"]
    assert stored(httpd, "b.test")["domains"] == ["b.test", "www.b.test"]


@pytest.mark.parametrize("domain, inner, found", [
    ("a.test", "ServerName other.test\nServerAlias a.test", True),
    ("www.a.test", "ServerName other.test\nServerAlias *.a.test", True),
    ("x.y.a.test", "ServerName other.test\nServerAlias *.A.test", True),
    ("*.a.test", "ServerName other.test\nServerAlias *.a.test", True),
    ("www1.a.test", "ServerName other.test\nServerAlias www?.a.test", True),
    ("*.a.test", "ServerName www.a.test", True),
    ("*.a.test", "ServerName other.test\nServerAlias www.a.test", False),
    ("*.a.test", "ServerName x.y.a.test", False),
    ("a.test", "ServerName b.test", False),
])
def test_which_names_are_compared(started, domain, inner, found):
    httpd = started(f"MDomain {domain}", host(inner, "@HTTP"))
    assert bool(httpd.log_lines("AH10041")) == found


def test_only_server_names_are_compared_where_that_is_wanted(started):
    httpd = started("MDMatchNames servernames\nMDomain a.test b.test\nMDomain b.test\nMDomain *.c.test\nMDomain www.c.test",
                    host("ServerName b.test\nServerAlias a.test", "@HTTP"), host("ServerName www.c.test", "@HTTP"),
                    host("ServerName x.c.test", "@HTTP"))
    lines = httpd.log_lines("AH10041")
    assert len(lines) == 3
    assert [line for line in lines if "www.c.test: used by the virtual host www.c.test" in line]
    assert [line for line in lines if "*.c.test: used by the virtual host x.c.test" in line]


def test_the_base_server_counts_only_when_it_is_managed(started):
    for setting, found in (("MDBaseServer on", True), ("", False)):
        httpd = started(f"{setting}\nMDomain a.test\nServerName a.test")
        assert bool(httpd.log_lines("AH10041")) == found
        httpd.stop()


@pytest.mark.parametrize("text, contacts", [
    ("ServerAdmin base@x.test\nMDContactEmail server@x.test\n<MDomain a.test>\nMDContactEmail own@x.test\n</MDomain>", ["mailto:own@x.test"]),
    ("<MDomain a.test>\nMDContactEmail https://x.test/contact\n</MDomain>", ["https://x.test/contact"]),
    ("MDomain a.test\nMDContactEmail later@x.test", ["mailto:later@x.test"]),
], ids=["own", "with a scheme", "of the server, also behind the domain"])
def test_contacts_come_from_the_nearest_place(started, text, contacts):
    httpd = started(text, host("ServerName a.test\nServerAdmin host@x.test", "@HTTP"))
    assert stored(httpd, "a.test")["contacts"] == contacts


@pytest.mark.parametrize("base, inner, contacts", [
    ("ServerAdmin base@x.test", "MDContactEmail host@x.test", ["mailto:base@x.test"]),
    ("", "MDContactEmail host@x.test\nServerAdmin other@x.test", ["mailto:host@x.test"]),
    ("", "ServerAdmin host@x.test", ["mailto:host@x.test"]),
    ("", "", []),
])
def test_contacts_come_from_the_host_when_nobody_else_has_one(new_httpd, base, inner, contacts):
    httpd = new_httpd(md_level="debug")
    httpd.configure(QUIET, base, "MDomain a.test", host(f"ServerName a.test\n{inner}", str(httpd.http_port)))
    conf = httpd.root / "conf/httpd.conf"
    conf.write_text("".join(line for line in conf.read_text().splitlines(True) if line != "MDContactEmail admin@example.test\n"))
    httpd.start()
    assert stored(httpd, "a.test")["contacts"] == contacts


def test_settings_of_a_section_go_over_those_of_the_server_and_not_of_a_host(started):
    httpd = started("<MDomain a.test>\nMDRenewWindow 10d\n</MDomain>\nMDRenewWindow 20d\nMDWarnWindow 2d\nMDStapling on",
                    host("ServerName a.test\nMDWarnWindow 1d\nMDProfile hosts", "@HTTP"))
    domain = stored(httpd, "a.test")
    assert (domain["renew-window"], domain["warn-window"], domain["stapling"]) == ("10d", "2d", True)
    assert "profile" not in domain


def test_a_domain_with_files_is_not_renewed_by_itself(started):
    httpd = started("<MDomain a.test>\nMDRenewMode auto\nMDCertificateFile conf/a.pem\nMDCertificateKeyFile /b.pem\n</MDomain>")
    domain = stored(httpd, "a.test")
    assert domain["renew-mode"] == 0
    assert domain["cert-files"] == [f"{httpd.root}/conf/a.pem"] and domain["pkey-files"] == ["/b.pem"]


def test_names_that_answer_acme_tls_are_known(started):
    httpd = started("MDomain a.test b.test manual\nMDomain c.test\nMDomain d.test",
                    host("ServerName a.test\nSSLEngine on\nProtocols http/1.1 acme-tls/1"),
                    host("ServerName c.test\nServerAlias www.c.test\nSSLEngine on"),
                    host("ServerName d.test\nProtocols http/1.1 acme-tls/1", "@HTTP"))
    assert stored(httpd, "a.test")["proto"]["acme-tls/1"] == ["a.test"]
    assert stored(httpd, "c.test")["proto"]["acme-tls/1"] == []
    assert stored(httpd, "d.test")["proto"]["acme-tls/1"] == []


def test_a_thousand_hosts_are_matched_in_no_time(new_httpd):
    httpd = new_httpd(md_level="notice")
    count = 1000
    httpd.configure(QUIET, "\n".join(f"MDomain h{i}.test" for i in range(count)),
                    *(host(f"ServerName h{i}.test\nServerAlias *.h{i}.test www.h{i}.test", str(httpd.http_port)) for i in range(count)))
    httpd.start()
    assert len(httpd.store.names("domains")) == count
