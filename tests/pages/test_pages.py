# SPDX-License-Identifier: Apache-2.0
"""The status page in a real browser, of a real server, in the states that matter."""

import contextlib
import http.client
import shutil

import pytest

from kit import pki, tls
from kit.ca_proxy import Proxy, problem
from kit.httpd import Httpd
from kit.proc import wait_until

PAGE = '<Location "/md-status">\n    SetHandler md-status\n</Location>\n'
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
MANY = 1000


def url(server, path=""):
    """Where the page of a server is."""
    return f"http://localhost:{server.http_port}/md-status{path}"


def ask(server, path="", method="GET", **headers):
    """(status, headers, body) of one request with headers of one's own."""
    conn = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=20)
    with contextlib.closing(conn):
        conn.request(method, "/md-status" + path, headers={"Host": "localhost", **headers})
        answer = conn.getresponse()
        return answer.status, answer.headers, answer.read()


def well(server, names):
    """Starts a server whose domains all have their certificate."""
    server.configure(PAGE, *[f"MDomain {n}" for n in names], *[server.vhost(n) for n in names]).start()
    for each in names:
        tls.wait_for_cert(server.https_port, each)
    wait_until(lambda: ask(server, Accept=BROWSER)[2].count(b">Valid</span>") == len(names), 20, "all are valid")
    return server


def failing(server, proxy, name, text="the moon is in the wrong phase"):
    """Starts a server whose only order is refused."""
    proxy.answer("POST /order-plz", problem("rejectedIdentifier", text))
    server.managing(name, extra=PAGE, ca_url=proxy.url, ca_file=proxy.ca_file).start()
    wait_until(lambda: b">Failing</span>" in ask(server, Accept=BROWSER)[2], 20, "the failure is shown")
    return server


@pytest.fixture(scope="module")
def thousand(module):
    """A server with a thousand domains, each with a certificate; 10 end soon and are not renewed by themselves."""
    server = Httpd()
    root, key = pki.new_ca(), pki.new_key()
    names = [f"d{i:04d}.example.test" for i in range(MANY)]
    for number, each in enumerate(names):
        folder = server.root / "md/domains" / each
        folder.mkdir(parents=True)
        starts = -86 if number % 100 == 7 else -1 - number % 50
        cert = pki.new_cert([each], key, root, days=90, starts=starts)
        (folder / "pubcert.pem").write_bytes(pki.cert_pem(cert, root[0]))
        (folder / "privkey.pem").write_bytes(pki.key_pem(key))
    server.configure(PAGE, "MDRenewMode manual", *[f"MDomain {n}" for n in names],
                     *[server.vhost(n, http=False) for n in names]).start(timeout=120)
    yield server
    server.stop()
    shutil.rmtree(server.root, ignore_errors=True)


# ---- Who gets what

def test_browsers_get_a_page_and_machines_get_json(httpd, name):
    httpd.managing(name(), extra=PAGE).start()
    for accept, kind in [(BROWSER, "text/html"), ("application/json", "application/json"), ("*/*", "application/json"),
                         ("text/html;q=0.1, application/json", "application/json")]:
        status, headers, _ = ask(httpd, Accept=accept)
        assert status == 200 and headers["Content-Type"].startswith(kind) and headers["Vary"] == "Accept"
    assert ask(httpd)[1]["Content-Type"].startswith("application/json")
    assert ask(httpd, method="POST", Accept=BROWSER)[0] == 501


def test_a_page_is_guarded_by_its_headers(httpd, name):
    httpd.managing(name(), extra=PAGE).start()
    for path in ["", "/" + name()]:
        headers = ask(httpd, path, Accept=BROWSER)[1]
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


def test_a_page_that_is_still_so_is_not_sent_again(ca, httpd, name):
    well(httpd, [name()])
    path = f"?q={name()}"
    seen = wait_until(lambda: [tag for tag in [ask(httpd, path, Accept=BROWSER)[1]["ETag"]]
                               if ask(httpd, path, Accept=BROWSER, **{"If-None-Match": tag})[0] == 304], 20,
                      "nothing new")
    assert ask(httpd, "?q=other", Accept=BROWSER, **{"If-None-Match": seen[0]})[0] == 200


def test_an_unknown_name_is_not_found_and_the_list_is_shown(browser, httpd, name):
    httpd.managing(name(), extra=PAGE).start()
    assert browser.goto(url(httpd, "/other.example.test")) == 404
    assert "other.example.test" in browser.texts("[role=alert]")[0]
    browser.click("#rows th a")
    browser.wait_for_text("h1", name())


# ---- All is well

def test_all_is_well_at_three_domains(browser, ca, httpd, name):
    names = sorted(name(label) for label in ("a", "b", "c"))
    well(httpd, names)
    browser.goto(url(httpd))
    assert browser.texts("h1") == ["All is well"]
    assert browser.texts("#t-ok b") == ["3"] and browser.texts("#t-attention b") == ["0"]
    assert browser.texts("#rows th a") == names
    assert all("days left, until" in each for each in browser.texts("#rows .left"))
    assert all(line.startswith("asks " + url(httpd)) or line.startswith("asks data:") for line in browser.said())


@pytest.mark.parametrize("look", [{}, {"dark": True}, {"width": 360, "height": 780}])
def test_the_pages_are_usable_by_everybody(chromium, ca, new_httpd, name, look):
    server = new_httpd(ca)
    with Proxy(server.root, ca) as proxy:
        failing(server, proxy, name())
        for path in ["", "?q=nobody", "/" + name()]:
            page = chromium.new(**look)
            page.goto(url(server, path))
            assert page.violations() == []
            assert page.evaluate(SIDEWAYS) <= 0


# ---- What is being done

def test_a_first_certificate_is_followed_without_a_reload(browser, ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        gate = proxy.hold("POST /finalize")
        httpd.managing(name(), extra=PAGE, ca_url=proxy.url, ca_file=proxy.ca_file).start()
        proxy.wait_for("POST /finalize")
        browser.goto(url(httpd))
        assert browser.texts("#rows .chip") == ["Ordering"]
        assert "sending the signing request" in browser.texts("#rows .activity")[0]
        browser.evaluate("window.sameDocument = true")
        gate.set()
        browser.wait_for_text("#rows .chip", "Valid")
        browser.wait_for_text("h1", "All is well")
        assert browser.evaluate("window.sameDocument") is True


def test_the_steps_of_an_order_are_shown(browser, ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        proxy.hold("POST /finalize")
        httpd.managing(name(), extra=PAGE, ca_url=proxy.url, ca_file=proxy.ca_file).start()
        proxy.wait_for("POST /finalize")
        browser.goto(url(httpd, "/" + name()))
        assert browser.texts("ol.steps [aria-current=step]") == ["Now: sending the signing request"]
        assert "Done: placing the order" in browser.texts("ol.steps .done")
        assert "To come: fetching the certificate" in browser.texts("ol.steps .todo")
        assert "starting" in browser.texts("#log td")


# ---- What went wrong

def test_a_failure_says_what_to_do_and_when_it_is_tried_again(browser, ca, httpd, name):
    with Proxy(httpd.root, ca) as proxy:
        failing(httpd, proxy, name())
        browser.goto(url(httpd))
        assert browser.texts("h1") == ["1 domain needs attention"]
        activity = browser.texts("#rows .activity")[0]
        assert "Failed 1 time, next try in " in activity and "the moon is in the wrong phase" in activity
        assert "What to do The CA does not issue for this name" in activity
        browser.click("#rows th a")
        browser.wait_for_text("#problem", "Who must act")
        assert browser.texts("ol.steps .failed") == ["Failed: placing the order"]
        assert "renewal-error" in browser.texts("#log tr.bad td")


def test_what_a_ca_says_is_never_more_than_text(browser, ca, httpd, name):
    evil = "<script>window.evil = 1</script><img src=x onerror='window.evil = 1'><b id=evil>"
    with Proxy(httpd.root, ca) as proxy:
        failing(httpd, proxy, name(), evil)
        for path in ["", "/" + name(), "?q=" + "%22%3E%3Cb%20id%3Devil%3E", "?problem=%3Cb%20id%3Devil%3E"]:
            browser.goto(url(httpd, path))
            assert browser.evaluate("[typeof window.evil, document.getElementById('evil')]") == ["undefined", None]
        browser.goto(url(httpd))
        assert evil in browser.texts("#rows .what")[0]


def test_a_static_certificate_that_ends_soon_is_told(browser, httpd, name):
    root, key = pki.new_ca(), pki.new_key()
    cert = pki.new_cert([name()], key, root, days=90, starts=-86)
    (httpd.root / "own.pem").write_bytes(pki.cert_pem(cert, root[0]))
    (httpd.root / "own.key").write_bytes(pki.key_pem(key))
    httpd.configure(PAGE, f"<MDomain {name()}>\nMDCertificateFile own.pem\nMDCertificateKeyFile own.key\n</MDomain>",
                    httpd.vhost(name())).start()
    browser.goto(url(httpd))
    assert browser.texts("h1") == ["1 certificate ends soon"]
    assert browser.texts("#rows .chip") == ["Expiring"]
    assert "What to do Bring a new certificate" in browser.texts("#rows .activity")[0]


def test_a_server_that_is_gone_is_told(browser, ca, httpd, name):
    well(httpd, [name()])
    browser.goto(url(httpd))
    browser.wait_for_text("#pulse", "Live")
    httpd.stop()
    browser.evaluate("document.dispatchEvent(new Event('visibilitychange'))")    # asks at once
    browser.wait_for_text("#pulse", "No answer")
    httpd.start()
    browser.wait_for_text("#pulse", "Live")


# ---- A thousand domains

def test_a_thousand_domains_come_in_pages_with_trouble_first(browser, thousand):
    browser.goto(url(thousand))
    assert browser.texts("h1") == ["10 certificates end soon"]
    assert browser.texts("#rows .chip")[:11] == ["Expiring"] * 10 + ["Valid"]
    assert browser.texts("#found") == ["1 to 100 of 1,000 domains"]
    browser.click("#pager [rel=next]")
    browser.wait_for_text("#found", "101 to 200")
    browser.click("text=Show all")
    browser.wait("document.querySelectorAll('#rows tr').length === 1000")
    assert browser.violations() == []


def test_domains_are_found_while_typing(browser, thousand):
    browser.goto(url(thousand))
    browser.keyboard_press("/")
    browser.type_text("d0042.")
    browser.wait_for_text("#found", "1 domain of 1,000")
    assert browser.texts("#rows th a") == ["d0042.example.test"]
    assert browser.evaluate("[document.activeElement.id, document.activeElement.value]") == ["q", "d0042."]
    assert browser.evaluate("location.search") == "?q=d0042."


def test_a_tile_is_a_filter_and_back_takes_it_back(browser, thousand):
    browser.goto(url(thousand))
    browser.click("#t-expiring")
    browser.wait_for_text("#found", "10 domains of 1,000")
    assert browser.evaluate("document.getElementById('state').value") == "expiring"
    assert set(browser.texts("#rows .chip")) == {"Expiring"}
    browser.goBack()
    browser.wait_for_text("#found", "1 to 100 of 1,000")


def test_columns_are_sorted_by_keyboard_and_focus_stays(browser, thousand):
    browser.goto(url(thousand))
    browser.focus("#s-name")
    browser.keyboard_press("Enter")
    browser.wait("document.querySelector('#s-name').parentNode.getAttribute('aria-sort') === 'ascending'")
    assert browser.texts("#rows th a")[:2] == ["d0000.example.test", "d0001.example.test"]
    browser.keyboard_press("Enter")
    browser.wait("document.querySelector('#s-name').parentNode.getAttribute('aria-sort') === 'descending'")
    assert browser.texts("#rows th a")[0] == "d0999.example.test"
    assert browser.evaluate("document.activeElement.id") == "s-name"


def test_all_is_there_without_script(chromium, thousand):
    page = chromium.new(script=False)
    page.goto(url(thousand))
    page.fill("#q", "d0107")
    page.click("#find button")
    page.waitForSelector("#d-d0107\\.example\\.test")
    page.click("#rows th a")
    page.waitForSelector("#certificates")
    page.click(".crumbs a")
    page.click("#s-end")
    page.waitForSelector("th[aria-sort=ascending] #s-end")
    page.click("#pager [rel=next]")
    page.waitForSelector("#pager [rel=prev]")
