# SPDX-License-Identifier: Apache-2.0
"""Where a domain is defined: conditional sections, files that are included, macros. Messages name the file and line where an
administrator finds it."""

import pytest

from kit import places

MACROS = f"LoadModule macro_module {places.modules_dir()}/mod_macro.so"


@pytest.fixture
def files(new_httpd):
    """A server whose configuration is in several files: files(text, name=text...) writes conf/<name>.conf."""
    httpd = new_httpd(md_level="debug")

    def write(text, **more):
        for name, inner in {"main": text, **more}.items():
            (httpd.root / f"conf/{name}.conf").write_text(inner + "\n")
        return httpd.configure("MDRenewMode manual", "Include conf/main.conf")
    return write


def place(httpd, name, line):
    """How messages call this place."""
    return f"({httpd.root}/conf/{name}.conf, line {line})"


def stored(httpd):
    """md.json of all domains by name."""
    return {name: httpd.store.json("domains", name, "md.json") for name in httpd.store.names("domains")}


@pytest.mark.parametrize("text", [
    "<IfModule md_module>\nMDomain a.test\n</IfModule>",
    "<IfModule !md_module>\nMDomain b.test\n</IfModule>\n<IfModule ssl_module>\n<IfModule mod_md.c>\n<MDomain a.test>\n</MDomain>\n</IfModule>\n</IfModule>",
    "<IfDefine !NEVER>\nMDomain a.test\n</IfDefine>\n<IfDefine NEVER>\nMDomain a.test\n</IfDefine>",
    "<IfFile conf/main.conf>\nMDomain a.test\n</IfFile>",
    "<IfDirective MDomain>\nMDomain a.test\n</IfDirective>\n<IfDirective ManagedDomain>\nManagedDomain a.test\n</IfDirective>",
    "Define NAME a.test\nMDomain ${NAME}",
    "MDomain \\\n    a.test",
    "<VirtualHost *:81>\n<IfModule md_module>\nMDomain a.test\n</IfModule>\n</VirtualHost>",
], ids=lambda text: text.replace("\n", "|"))
def test_a_domain_may_depend_on_conditions(files, text):
    assert list(stored(files(text).start())) == ["a.test"]


def test_a_section_may_have_conditions_and_files_inside(files):
    httpd = files("<MDomain a.test>\n<IfModule md_module>\nMDWarnWindow 1d\n</IfModule>\n<IfDefine NEVER>\nMDWarnWindow 2d\n</IfDefine>\n"
                  "Include conf/inner.conf\nIncludeOptional conf/no-such-*.conf\n</MDomain>",
                  inner="MDMember b.test\n<IfModule md_module>\nMDRenewWindow 3d\nMDCertificateFile own.pem\n"
                        "MDCertificateKeyFile own.key\n</IfModule>").start()
    domain = stored(httpd)["a.test"]
    assert (domain["warn-window"], domain["renew-window"], domain["domains"]) == ("1d", "3d", ["a.test", "b.test"])
    assert domain["cert-files"] == [f"{httpd.root}/own.pem"]


def test_one_file_may_be_part_of_several_sections(files):
    httpd = files("<MDomain a.test>\nInclude conf/inner.conf\nMDWarnWindow 5d\n</MDomain>\n<MDomain b.test>\nMDWarnWindow 5d\n"
                  "Include conf/inner.conf\n</MDomain>", inner="MDWarnWindow 1d\nMDRenewWindow 3d").start()
    assert [(domain["warn-window"], domain["renew-window"]) for domain in stored(httpd).values()] == [("5d", "3d"), ("1d", "3d")]


def test_what_is_wrong_in_an_included_file_is_found_there(files):
    httpd = files("<MDomain a.test>\n\nInclude conf/inner.conf\n</MDomain>", inner="\n\nMDWarnWindow never")
    accepted, output = httpd.configtest()
    assert not accepted
    assert output.startswith(f"AH00526: Syntax error on line 3 of {httpd.root}/conf/inner.conf:\nMDWarnWindow: 'never' ")


def test_domains_that_overlap_are_found_in_their_files(files):
    httpd = files("Include conf/one.conf\nInclude conf/two.conf", one="\n\nMDomain a.test \\\n  b.test", two="<MDomain c.test>\nMDMember b.test\n</MDomain>")
    accepted, output = httpd.configtest()
    assert not accepted
    assert f"AH10038: the name b.test of the domain c.test {place(httpd, 'two', 1)} belongs to the domain a.test {place(httpd, 'one', 4)} " in output


def test_a_domain_that_is_included_twice_is_refused(files):
    httpd = files("Include conf/one.conf\nInclude conf/one.conf", one="MDomain a.test")
    accepted, output = httpd.configtest()
    assert not accepted
    line = next(line for line in output.splitlines() if "AH10038" in line)
    assert line.count(place(httpd, "one", 1)) == 2


def test_a_host_and_a_domain_are_found_in_their_files(files):
    httpd = files("Include conf/one.conf\nInclude conf/two.conf", one="\nMDomain a.test manual",
                  two="\n\n<VirtualHost *:81>\nServerName a.test\nServerAlias b.test\nSSLEngine on\n</VirtualHost>").start()
    lines = httpd.log_lines("AH10040")
    assert len(lines) == 1 and f"a.test {place(httpd, 'two', 3)} uses the domain a.test {place(httpd, 'one', 2)}, but" in lines[0]


def test_a_renewal_that_cannot_work_is_found_in_its_file(files):
    httpd = files("Include conf/one.conf", one="\n<MDomain *.a.test>\nMDRenewMode always\nMDCAChallenges http-01\n</MDomain>").start()
    line = httpd.wait_for_log("AH10173")
    assert f"{httpd.root}/conf/one.conf, line 2" in line and "*.a.test" in line


def test_a_domain_of_a_macro_is_found_by_its_use(files):
    httpd = files(f"{MACROS}\n<Macro Managed $name>\nMDomain $name\n</Macro>\nUse Managed a.test\nUse Managed b.test\nUse Managed b.test")
    accepted, output = httpd.configtest()
    assert not accepted
    lines = [line for line in output.splitlines() if "AH10038" in line]
    assert len(lines) == 1 and f"used on line 6 of \"{httpd.root}/conf/main.conf\"" in lines[0] and "used on line 7 of" in lines[0]
