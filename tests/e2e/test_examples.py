# SPDX-License-Identifier: Apache-2.0
"""The programs of docs/examples: each does what its first lines say."""

import contextlib
import http.server
import json
import os
import shutil
import subprocess
import threading
import urllib.request

import pytest

from kit import tls
from kit.places import TOP
from kit.proc import wait_until
from kit.store import dns_names

EXAMPLES = TOP / "docs/examples"


@contextlib.contextmanager
def web_server(answer):
    """A web server on loopback that gives each POST to `answer(path, headers, JSON)` and says what that says; its URL."""
    class Handler(http.server.BaseHTTPRequestHandler):
        """One request."""
        def do_POST(self):              # pylint: disable=invalid-name
            """Hand it over."""
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(answer(self.path, self.headers, body))
            self.end_headers()

        def log_message(self, *args):   # pylint: disable=arguments-differ
            """Quiet."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def program(folder, text, name):
    """An executable script."""
    path = folder / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def example(name, *words, **env):
    """Runs an example; what subprocess.run gives."""
    return subprocess.run([EXAMPLES / name, *words], env={**os.environ, **env}, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("event, says", [("renewed", "has a new certificate"), ("expiring", "expires soon"), ("errored", "could not get")])
def test_the_mail_script_sends_a_mail(tmp_path, event, says):
    sendmail = program(tmp_path, f"echo \"$*\" >{tmp_path}/words\ncat >{tmp_path}/mail\n", "sendmail")
    done = example("md-mail", "you@example.org", event, "www.example.org", SENDMAIL=str(sendmail))
    assert (done.returncode, done.stderr) == (0, "")
    head, _, body = (tmp_path / "mail").read_text().partition("\n\n")
    assert "To: you@example.org" in head.splitlines() and (tmp_path / "words").read_text() == "-t\n"
    assert [line for line in head.splitlines() if line.startswith("Subject: www.example.org") and says in line]
    assert "www.example.org" in body


@pytest.mark.parametrize("script", ["md-mail", "md-chat", "md-reload"])
def test_no_script_forbids_a_renewal(script):
    done = example(script, "/nowhere", "renewing", "www.example.org", SENDMAIL="/bin/false", SYSTEMCTL="/bin/false")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_mail_that_cannot_be_sent_is_a_failure():
    assert example("md-mail", "you@example.org", "renewed", "www.example.org", SENDMAIL="/bin/false").returncode == 1


def test_the_chat_script_posts_a_text(tmp_path):
    seen = []
    with web_server(lambda path, headers, body: seen.append((path, headers["Content-Type"], body)) or 200) as url:
        (tmp_path / "hook").write_text(f'url = "{url}/hooks/secret"\n')
        done = example("md-chat", str(tmp_path / "hook"), "renewed", "www.example.org")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert seen == [("/hooks/secret", "application/json", {"text": "www.example.org has a new certificate"})]


def test_a_room_that_refuses_is_a_failure_without_the_secret(tmp_path):
    with web_server(lambda path, headers, body: 403) as url:
        (tmp_path / "hook").write_text(f'url = "{url}/hooks/secret"\n')
        done = example("md-chat", str(tmp_path / "hook"), "errored", "www.example.org")
    assert done.returncode and "403" in done.stderr and "secret" not in done.stderr


def test_the_reload_script_reloads_when_copies_are_there(tmp_path):
    systemctl = program(tmp_path, f"echo \"$*\" >>{tmp_path}/calls\n", "systemctl")
    assert example("md-reload", "postfix", "dovecot", "installed", "mail.example.org", SYSTEMCTL=str(systemctl)).returncode == 0
    assert example("md-reload", "postfix", "dovecot", "renewed", "mail.example.org", SYSTEMCTL=str(systemctl)).returncode == 0
    assert (tmp_path / "calls").read_text() == "reload-or-restart postfix dovecot\n"


def test_the_dns_script_proves_a_wildcard(ca, httpd, name):
    seen = []

    def update(path, headers, body):
        seen.append((path, headers["X-Api-User"], headers["X-Api-Key"], body["subdomain"]))
        record = json.dumps({"host": f"_acme-challenge.{name()}.", "value": body["txt"]}).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{ca.dns.port}/set-txt", record, 10) as answer:
            return answer.status
    script = httpd.root / "md-acme-dns"
    shutil.copy(EXAMPLES / "md-acme-dns", script)
    folder = httpd.root / "acme-dns"
    folder.mkdir()
    with web_server(update) as url:
        (folder / name()).write_text(f'url = "{url}/update"\nheader = "X-Api-User: fred"\nheader = "X-Api-Key: sesame"\n')
        (folder / f"{name()}.subdomain").write_text("d420c923\n")
        httpd.managing(name(), f"*.{name()}", extra=f"MDChallengeDns01 {script} {folder}\nMDCAChallenges dns-01").start()
        cert = tls.wait_for_cert(httpd.https_port, name())
        wait_until(lambda: not httpd.store.names("challenges"), 10, "all is taken down")
    assert set(dns_names(cert)) == {name(), f"*.{name()}"}
    assert set(seen) == {("/update", "fred", "sesame", "d420c923")}


def test_the_dns_script_says_what_is_missing(tmp_path):
    done = example("md-acme-dns", str(tmp_path), "setup", "www.example.org", "text")
    assert done.returncode == 1 and "register www.example.org at the acme-dns server" in done.stderr
