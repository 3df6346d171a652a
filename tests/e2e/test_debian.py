# SPDX-License-Identifier: Apache-2.0
"""The layout and the tools of the distribution: a2enmod, snippets in conf-available, apache2ctl, a reload as systemd does
it. Everything below a folder of our own; the system's files are copied, and only read."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from kit import places, tls
from kit.proc import wait_until

LAYOUT = pathlib.Path("/etc/apache2")


class Debian:
    """A second instance of the distribution's apache2."""

    def __init__(self, ca, module):
        self.root = places.new_folder("md-debian-")
        self.conf = self.root / "apache2"
        shutil.copytree(LAYOUT, self.conf, symlinks=True)
        for name in ("run", "lock", "log", "state", "htdocs"):
            (self.root / name).mkdir()
        user = places.unprivileged_user()
        envvars = (self.conf / "envvars").read_text()
        for key, value in (("PID_FILE", f"{self.root}/run/apache2.pid"), ("RUN_DIR", f"{self.root}/run"),
                           ("LOCK_DIR", f"{self.root}/lock"), ("LOG_DIR", f"{self.root}/log"), ("RUN_USER", user),
                           ("RUN_GROUP", user)):
            envvars = re.sub(rf"^export APACHE_{key}=.*$", f"export APACHE_{key}={value}", envvars, flags=re.M)
        (self.conf / "envvars").write_text(envvars)
        self.http_port, self.https_port = ca.http_port, ca.tls_port
        (self.conf / "ports.conf").write_text(f"Listen {self.http_port}\n<IfModule ssl_module>\n\tListen {self.https_port}\n</IfModule>\n")
        for site in (self.conf / "sites-enabled").iterdir():
            site.unlink()
        # what `make install` does to the file that this line leads to
        load = self.conf / "mods-available/md.load"
        assert "/usr/lib/apache2/modules/mod_md.so" in load.read_text()
        load.write_text(load.read_text().replace("/usr/lib/apache2/modules/mod_md.so", str(module)))
        # as systemd's unit has it, so that the tools do not ask systemd
        self.env = {**os.environ, "APACHE_CONFDIR": str(self.conf), "APACHE_STATE_DIRECTORY": f"{self.root}/state",
                    "APACHE_STARTED_BY_SYSTEMD": "true"}

    def run(self, *words):
        """One of the distribution's tools; its output."""
        done = subprocess.run(words, env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                              check=False)
        assert done.returncode == 0, done.stdout + self.log()
        return done.stdout

    def log(self):
        """The error log."""
        file = self.root / "log/error.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def site(self, ca, name, *more):
        """The snippet of an administrator, and the host."""
        (self.conf / "conf-available/domains.conf").write_text(
            f"<IfModule md_module>\nMDCertificateAuthority {ca.url}\nMDCACertificateFile {ca.ca_file}\n"
            f"MDCertificateAgreement accepted\nMDContactEmail admin@example.test\nMDStoreDir {self.root}/md\n"
            f"MDPortMap 80:{self.http_port} 443:{self.https_port}\nMDomain {' '.join([name, *more])}\n</IfModule>\n")
        (self.conf / "sites-available/www.conf").write_text(
            f"<VirtualHost *:{self.https_port}>\nServerName {name}\nDocumentRoot {self.root}/htdocs\nSSLEngine on\n"
            f"<Directory {self.root}/htdocs>\nRequire all granted\n</Directory>\n</VirtualHost>\n")

    def stop(self):
        """End it, and remove all."""
        subprocess.run(["apache2ctl", "stop"], env=self.env, timeout=30, check=False, capture_output=True)
        pid = self.root / "run/apache2.pid"
        wait_until(lambda: not pid.exists(), 20, "apache2 ends")
        shutil.rmtree(self.root, ignore_errors=True)


@pytest.fixture
def debian(ca):
    """An instance; not configured, not started."""
    instance = Debian(ca, places.module_under_test())
    yield instance
    instance.stop()


def test_the_distributions_tools_enable_start_and_reload_it(ca, debian, name):
    debian.site(ca, name())
    assert "Enabling module md." in debian.run("a2enmod", "md", "ssl")
    debian.run("a2enconf", "domains")
    debian.run("a2ensite", "www")
    assert "Syntax OK" in debian.run("apache2ctl", "configtest")
    assert not (debian.root / "md").exists(), "configtest writes nothing"
    assert " md_module (shared)" in debian.run("apache2ctl", "-M")
    debian.run("apache2ctl", "start")
    cert = tls.wait_for_cert(debian.https_port, name(), 40)
    debian.site(ca, name(), name("more"))
    debian.run("apache2ctl", "graceful")
    second = tls.wait_for_cert(debian.https_port, name(), 40, unlike=cert)
    assert "its certificate is live now" in debian.log()
    debian.run("a2dismod", "md")
    assert not (debian.conf / "mods-enabled/md.load").exists()
    debian.run("a2enmod", "md")
    debian.run("apache2ctl", "graceful")
    assert tls.leaf(debian.https_port, name()) == second
