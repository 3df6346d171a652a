# SPDX-License-Identifier: Apache-2.0
"""MDRequireHttps: which requests are sent to https, with which status, and what browsers are told to remember."""

import pytest

from kit import places, tls
from kit.pki import cert_pem, key_pem, new_cert, new_key

NAME, ALIAS = "www.example.test", "alias.example.test"
HSTS = "max-age=15768000"


@pytest.fixture
def redirecting(new_httpd):
    """Starts a server with a static domain in this mode: redirecting("temporary", "more for both hosts")."""
    def start(mode, extra=""):
        httpd = new_httpd()
        key = new_key()
        (httpd.root / "own.pem").write_bytes(cert_pem(new_cert([NAME, ALIAS], key)))
        (httpd.root / "own.key").write_bytes(key_pem(key))
        (httpd.root / "htdocs/.well-known").mkdir()
        (httpd.root / "htdocs/.well-known/security.txt").write_text("Contact: x\n")
        section = f"<MDomain {NAME} {ALIAS}>\nMDCertificateFile own.pem\nMDCertificateKeyFile own.key\n</MDomain>\n"
        httpd.configure(f"MDRequireHttps {mode}", section, httpd.vhost(NAME, ALIAS, "unmanaged.example.test", extra=extra))
        return httpd.start()
    return start


@pytest.mark.parametrize("mode, with_body, without_body", [("temporary", 307, 302), ("permanent", 308, 301)])
def test_each_method_gets_the_redirect_that_keeps_it(redirecting, mode, with_body, without_body):
    httpd = redirecting(mode)
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"):
        status, headers, _ = httpd.get("/a/b", NAME, method)
        assert status == (without_body if method in ("GET", "HEAD") else with_body), method
        assert headers["Location"] == f"https://{NAME}/a/b", method
        assert "Strict-Transport-Security" not in headers, "of no meaning without TLS (RFC 6797 7.2)"


@pytest.mark.parametrize("path", ["/", "/a?b=c&d=%20e", "/with%20blank/%C3%A4", "/a//b", "/a?next=http://elsewhere.test/x"])
def test_path_and_query_are_kept(redirecting, path):
    assert redirecting("temporary").get(path, NAME)[1]["Location"] == f"https://{NAME}{path}"


def test_the_redirect_goes_to_the_default_port_whatever_the_port_here(redirecting):
    httpd = redirecting("temporary")
    assert httpd.get("/x", f"{NAME}:{httpd.http_port}")[1]["Location"] == f"https://{NAME}/x"


@pytest.mark.parametrize("canonical, name", [("Off", ALIAS), ("On", NAME)])
def test_the_name_is_the_one_that_the_server_calls_itself(redirecting, canonical, name):
    httpd = redirecting("temporary", f"UseCanonicalName {canonical}")
    assert httpd.get("/x", ALIAS)[1]["Location"] == f"https://{name}/x"


@pytest.mark.parametrize("mode", ["temporary", "permanent"])
def test_well_known_paths_are_left_alone(redirecting, mode):
    httpd = redirecting(mode)
    assert httpd.get("/.well-known/security.txt", NAME)[0] == 200
    assert httpd.get("/.well-known/acme-challenge/none", NAME)[0] == 404
    assert httpd.get("/.well-known", NAME)[0] in (301, 302), "only what is below"


def test_browsers_are_told_to_remember_it_when_it_is_permanent(redirecting):
    httpd = redirecting("permanent")
    for name in (NAME, ALIAS):
        status, headers, _ = tls.get(httpd.https_port, name)
        assert status == 200 and headers["Strict-Transport-Security"] == HSTS
    httpd.stop()
    httpd = redirecting("temporary")
    assert "Strict-Transport-Security" not in tls.get(httpd.https_port, NAME)[1]


def test_what_the_administrator_sets_for_browsers_wins(redirecting):
    httpd = redirecting("permanent", 'Header always set Strict-Transport-Security "max-age=1"')
    headers = tls.get(httpd.https_port, NAME)[1]
    assert headers.get_all("Strict-Transport-Security").count("max-age=1") == 1


def test_names_outside_the_domain_are_not_redirected(redirecting):
    httpd = redirecting("temporary")
    text = (httpd.root / "conf/httpd.conf").read_text()
    (httpd.root / "conf/httpd.conf").write_text(text.replace(f"<MDomain {NAME} {ALIAS}>", f"<MDomain {NAME} {ALIAS} manual>"))
    httpd.restart()
    assert httpd.get("/", "unmanaged.example.test")[0] == 200
    assert httpd.get("/", ALIAS)[0] == 302


def test_off_redirects_nothing(redirecting):
    httpd = redirecting("off")
    assert httpd.get("/", NAME)[0] == 200
    assert "Strict-Transport-Security" not in tls.get(httpd.https_port, NAME)[1]


def test_requests_to_a_proxied_host_are_redirected_before_they_are_passed_on(redirecting, new_httpd):
    behind = new_httpd(managed=False).configure("").start()
    extra = (f"ProxyPass /back/ http://127.0.0.1:{behind.http_port}/\n")
    httpd = redirecting("off")
    httpd.stop()
    text = (httpd.root / "conf/httpd.conf").read_text().replace("MDRequireHttps off", "MDRequireHttps permanent")
    text = text.replace("SSLEngine on", f"SSLEngine on\n{extra}").replace(f"ServerName {NAME}\n", f"ServerName {NAME}\n{extra}")
    loads = "".join(f"LoadModule {m}_module {places.modules_dir()}/mod_{m}.so\n" for m in ("proxy", "proxy_http"))
    (httpd.root / "conf/httpd.conf").write_text(loads + text)
    httpd.start()
    seen = len(behind.access_log())
    assert httpd.get("/back/x", NAME)[1]["Location"] == f"https://{NAME}/back/x"
    assert len(behind.access_log()) == seen
    status, headers, _ = tls.get(httpd.https_port, NAME, "/back/index.html")
    assert status == 200 and headers["Strict-Transport-Security"] == HSTS
