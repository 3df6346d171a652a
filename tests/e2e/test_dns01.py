# SPDX-License-Identifier: Apache-2.0
"""dns-01 by a command of the operator: setup and teardown, wildcards, refusals, slowness."""

import os

import pytest

from kit import tls
from kit.a2md import A2md
from kit.proc import wait_until
from kit.store import dns_names


class Zone:
    """A command that changes the records of the test DNS server, and notes how it was called."""

    def __init__(self, folder, dns):
        self.file, self.notes, self.extra = folder / "dns01", folder / "dns01.calls", folder / "dns01.extra"
        self.notes.touch()
        os.chmod(self.notes, 0o666)
        os.chmod(folder, 0o755)
        self.extra.touch()
        self.file.write_text(f"""#!/bin/sh
echo "$*" >>{self.notes}
. {self.extra}
while [ "$1" != setup ] && [ "$1" != teardown ]; do shift; done
if [ "$1" = setup ]; then
    exec curl -sf -d "{{\\"host\\":\\"_acme-challenge.$2.\\",\\"value\\":\\"$3\\"}}" http://127.0.0.1:{dns.port}/set-txt
fi
""")
        self.file.chmod(0o755)

    def calls(self):
        """Lists of words, one a call."""
        return [line.split() for line in self.notes.read_text().splitlines()]


@pytest.fixture
def zone(ca, httpd):
    """The command for this server's CA."""
    return Zone(httpd.root, ca.dns)


@pytest.mark.parametrize("version", [1, 2])
def test_a_wildcard_is_proved_by_the_command(ca, httpd, name, zone, version):
    names = [name("a"), f"*.{name('a')}"]
    httpd.managing(*names, extra=f"MDChallengeDns01 {zone.file} fred\nMDChallengeDns01Version {version}").start()
    cert = tls.wait_for_cert(httpd.https_port, name("a"))
    assert set(dns_names(cert)) == set(names)
    wait_until(lambda: any("teardown" in call for call in zone.calls()), 10, "the record is taken away")
    setups = [call for call in zone.calls() if call[1] == "setup"]
    downs = [call for call in zone.calls() if call[1] == "teardown"]
    assert setups and all(call[0] == "fred" and call[2] == name("a") and len(call) == 4 for call in setups)
    if version == 1:
        assert downs == [["fred", "teardown", name("a")]] * len(setups)
    else:
        assert sorted(call[3] for call in downs) == sorted(call[3] for call in setups)


def test_a_domain_has_a_command_of_its_own(httpd, name, zone):
    httpd.configure(f"MDChallengeDns01 /does/not/exist\n<MDomain {name()}>\nMDChallengeDns01 {zone.file}\nMDCAChallenges dns-01\n</MDomain>",
                    httpd.vhost(name())).start()
    tls.wait_for_cert(httpd.https_port, name())
    assert zone.calls()[0][0] == "setup"


def test_a_command_that_fails_is_explained(httpd, name, zone):
    zone.extra.write_text("echo 'no such zone' >&2; exit 5\n")
    httpd.managing(name(), extra=f"MDChallengeDns01 {zone.file}\nMDCAChallenges dns-01\nMDRetryDelay 1s").start()
    line = httpd.wait_for_log(f"AH10056.*{name()}")
    assert "problem[challenge-setup-failure]" in line and "exit code 5: no such zone" in line and "setting up challenges" in line
    zone.extra.write_text("")
    tls.wait_for_cert(httpd.https_port, name(), 40)


def test_without_a_command_it_is_said_before_the_ca_is_asked(ca, httpd, name):
    orders = ca.count("POST /order-plz")
    httpd.managing(name(), extra="MDCAChallenges dns-01").start()
    line = httpd.wait_for_log(f"AH10056.*{name()}")
    assert "challenge-mismatch" in line and "dns-01" in line
    assert ca.count("POST /order-plz") == orders


def test_a_slow_command_delays_no_other_domain(ca, httpd, name, zone):
    zone.extra.write_text("case $* in *slow*) sleep 60 ;; esac\n")
    quick = [name(f"quick{i}") for i in range(10)]
    httpd.configure(f"MDChallengeDns01 {zone.file}", f"<MDomain {name('slow')}>\nMDCAChallenges dns-01\n</MDomain>",
                    *(f"MDomain {each}" for each in quick), *(httpd.vhost(each) for each in [name("slow"), *quick])).start()
    for each in quick:
        tls.wait_for_cert(httpd.https_port, each, 20)
    assert tls.is_placeholder(tls.leaf(httpd.https_port, name("slow")))
    httpd.stop()
    assert not httpd.log_lines("still did not exit")


def test_a2md_uses_the_command_of_the_domain(new_ca, new_httpd, name):
    ca = new_ca()
    httpd = new_httpd(ca)
    zone = Zone(httpd.root, ca.dns)
    httpd.configure(f"<MDomain {name()}>\nMDChallengeDns01 {zone.file}\nMDRenewMode manual\n</MDomain>", httpd.vhost(name())).start()
    httpd.stop()
    A2md(httpd.store.path, "-C", ca.ca_file, "-t", "accepted").run("drive", "-f", "-c", "dns-01", name())
    assert [call[0] for call in zone.calls()] == ["setup", "teardown"]
    assert httpd.store.cert(name())
