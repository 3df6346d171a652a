# SPDX-License-Identifier: Apache-2.0
"""Every configuration in README.md and docs/ is one that httpd takes, and the central ones do what their pages say."""

import base64
import os
import pathlib
import re
import shutil

import pytest

from kit import places, tls
from kit.pki import cert_pem, key_pem, new_cert, new_key
from kit.proc import wait_until
from kit.store import dns_names

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.M | re.S)
PAGES = ["README.md", *sorted(path.relative_to(places.TOP).as_posix() for path in (places.TOP / "docs").rglob("*.md"))]
MODULES = ("macro", "proxy", "proxy_http", "auth_basic", "authn_file", "authz_user")
LOADED = re.compile(r"^LoadModule +(md|ssl|watchdog)_module .*\n", re.M)    # by the frame, or part of httpd


def sections(page):
    """[(heading, its configuration blocks)] of a page, for headings that have some."""
    text = (places.TOP / page).read_text(encoding="utf-8")
    marks = [(match.start(), match[1]) for match in re.finditer(r"^#+ (.*)$", FENCE.sub(lambda m: "x" * len(m[0]), text), re.M)]
    found = []
    for (start, heading), (end, _) in zip(marks, marks[1:] + [(len(text), "")]):
        blocks = [re.sub(rf"^{indent}", "", code, flags=re.M) for indent, lang, code in FENCE.findall(text[start:end]) if lang == "apache"]
        found += [(heading, blocks)] if blocks else []
    return found


BLOCKS = [(page, heading, number) for page in PAGES for heading, blocks in sections(page) for number in range(len(blocks))]


def files_for(root, code):
    """What a block refers to outside the server's folder is below it; the files that it reads are made."""
    code = re.sub(r"(?<=[ \t])/(etc|srv)/", rf"{root}/\1/", code)
    code = re.sub(r"^( *MDExport \S+) \S+", r"\1 root" if os.geteuid() == 0 else r"\1", code, flags=re.M)
    for file in re.findall(rf"{root}/[\w./-]+\.(?:pem|key|secret|json)", code):
        path = pathlib.Path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"kid": "key-id", "hmac": "%s"}' % ("QUJD" * 11) if path.suffix == ".json" else base64.b64encode(b"k" * 32).decode())
        path.chmod(0o600)
    return code


def own_files(root, code, names):
    """Key and certificate where SSLCertificateFile says, and an account key; the certificate or None."""
    cert, key = None, new_key("ec")
    for directive, file in re.findall(rf"(\w+File) +({root}\S+)", code):
        if directive in ("SSLCertificateKeyFile", "MDAccountKeyFile"):
            pathlib.Path(file).write_bytes(key_pem(key))
        elif directive in ("SSLCertificateFile", "MDCACertificateFile"):
            cert = new_cert(names, key, starts=-30, days=365)
            pathlib.Path(file).write_bytes(cert_pem(cert))
    return cert


def load_modules():
    """Those that examples need beyond the frame's."""
    return "".join(f"LoadModule {name}_module {places.modules_dir()}/mod_{name}.so\n" for name in MODULES)


def frame_hosts(httpd, code):
    """Virtual hosts for the domains of a block that shows none, unless it says that none is needed."""
    if "<VirtualHost" in code or "MDRenewMode always" in code:
        return ""
    names = re.findall(r"^ *<?MDomain +([^\s>]+)", code, re.M)
    return "".join(httpd.vhost(name) for name in names)


@pytest.mark.parametrize("page, heading, number", BLOCKS, ids=[f"{page}: {heading} {number + 1}" for page, heading, number in BLOCKS])
def test_an_example_is_a_configuration_that_httpd_takes(new_httpd, page, heading, number):
    httpd = new_httpd()
    code = files_for(httpd.root, LOADED.sub("", dict(sections(page))[heading][number]))
    own_files(httpd.root, code, ["example.org", "www.example.org"])
    (httpd.root / "conf/httpd.conf").write_text(httpd.base_config() + load_modules() + code + frame_hosts(httpd, code))
    accepted, said = httpd.configtest()
    assert accepted and "Syntax OK" in said, said
    expected = "AH10040" if " manual\n" in code else "none"     # its name is not in the certificate, as the page says
    assert not [line for line in said.splitlines() if "[md:" in line and expected not in line], said


def test_most_pages_have_examples():
    assert len(BLOCKS) > 30 and len({page for page, _, _ in BLOCKS}) > 10


def begin(httpd, page, heading, name):
    """Starts the server with the blocks below a heading, for our names, ports and CA; what they have in files."""
    code = LOADED.sub("", "\n".join(dict(sections(page))[heading]))
    code = re.sub(r"\bexample\.org\b", name(), code)
    code = re.sub(r"\b(\w+)\.example\b(?!\.)", rf"\1.{name()}", code)
    for pattern, text in (("MDPortMap http:-", f"MDPortMap http:- https:{httpd.https_port}"), (r"^Listen .*$", ""),
                          (r"\b8080\b", str(httpd.http_port)), (r"(?<=:)(8443|443)\b", str(httpd.https_port)),
                          (r"(?<=:)80\b", str(httpd.http_port)), (r"^MDCertificateAuthority .*$", "")):
        code = re.sub(pattern, text, code, flags=re.M)
    code = files_for(httpd.root, code)
    own = own_files(httpd.root, code, [name(), f"www.{name()}"])
    httpd.configure(load_modules(), code).start()
    return own


@pytest.mark.parametrize("page, heading, labels", [
    ("README.md", "mod_md", ["", "www."]),
    ("docs/getting-started.md", "A new https host", [""]),
    ("docs/getting-started.md", "An existing http host", [""]),
    ("docs/names.md", "What happens by itself", ["", "www.", "blog."]),
    ("docs/names.md", "One domain for several hosts", ["", "shop."]),
    ("docs/names.md", "Thousands of hosts of the same kind", ["alice."]),
    ("docs/names.md", "Thousands of hosts of the same kind", ["bob."]),
    ("docs/reachability.md", "Without port 80", [""]),
    ("docs/reachability.md", "Behind a port mapper", [""]),
    ("docs/reachability.md", "httpd is the proxy", [""]),
    ("docs/short-lived.md", "Short-lived certificates", [""]),
])
def test_an_example_gets_its_certificate(httpd, name, page, heading, labels):
    begin(httpd, page, heading, name)
    cert = tls.wait_for_cert(httpd.https_port, labels[0] + name())
    assert set(dns_names(cert)) == {label + name() for label in labels}
    assert tls.leaf(httpd.https_port, labels[-1] + name()) == cert
    assert not httpd.log_lines(r"\[md:(warn|error|crit)\]")


@pytest.mark.parametrize("page, heading", [("docs/getting-started.md", "An https host with certificates from elsewhere"),
                                           ("docs/certbot.md", "Coming from certbot")])
def test_an_https_host_goes_on_until_the_managed_certificate_is_there(httpd, name, page, heading):
    own = begin(httpd, page, heading, name)
    cert = tls.wait_for_cert(httpd.https_port, name())
    assert cert != own and name() in dns_names(cert)
    assert httpd.log_lines("goes on with the certificate of its SSLCertificateFile")


def test_a_mail_server_gets_copies_and_is_reloaded(httpd, name):
    for folder in ("postfix", "dovecot", "apache2"):
        (httpd.root / "etc" / folder).mkdir(parents=True)
    shutil.copy(places.TOP / "docs/examples/md-reload", httpd.root / "etc/apache2/md-reload")
    systemctl = httpd.root / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$*" >>{httpd.root}/systemctl.calls\n')
    systemctl.chmod(0o755)
    httpd.env = {"SYSTEMCTL": str(systemctl)}
    begin(httpd, "docs/mail.md", "Certificates for mail servers and other daemons", name)
    calls = httpd.root / "systemctl.calls"
    wait_until(calls.exists, 30, "daemons are reloaded")
    assert calls.read_text() == "reload-or-restart postfix dovecot\n"
    for folder in ("postfix", "dovecot"):
        files = {path.name for path in (httpd.root / "etc" / folder / "tls").iterdir()}
        assert files == {"privkey.pem", "cert.pem", "chain.pem", "fullchain.pem"}
