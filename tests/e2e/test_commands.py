# SPDX-License-Identifier: Apache-2.0
"""MDNotifyCmd and MDMessageCmd: when they are called, as whom, and what their answer does."""

import os
import pwd

import pytest

from kit import places, tls
from kit.a2md import A2md
from kit.checks import promoted
from kit.pki import cert_pem, key_pem, new_cert, new_key
from kit.proc import wait_until


class Command:
    """A script that notes its calls; answers[event] is its exit code, 0 for others."""

    def __init__(self, folder):
        self.file, self.notes, self.codes = folder / "command", folder / "notes", folder / "codes"
        self.notes.mkdir(mode=0o777)
        os.chmod(self.notes, 0o777)
        self.codes.mkdir()
        self.file.write_text(f"""#!/bin/sh
echo "$(id -un) $*" >>{self.notes}/$(id -un)
for word; do
    case $word in *[!a-z]*) ;; *) if [ -e {self.codes}/$word ]; then . {self.codes}/$word; fi ;; esac
done
exit 0
""")
        self.file.chmod(0o755)

    def answer(self, event, code):
        """Sets what it does at an event: shell code; None: nothing special."""
        file = self.codes / event
        if code is None:
            file.unlink()
        else:
            file.write_text(code + "\n")

    def calls(self, user=None):
        """All lines, or those of one user without it."""
        lines = [line for file in sorted(self.notes.iterdir()) for line in file.read_text().splitlines()]
        return [line.split(" ", 1)[1] for line in lines if user in (None, line.split()[0])]


@pytest.fixture
def command(httpd):
    """The command, not configured yet."""
    os.chmod(httpd.root, 0o755)
    return Command(httpd.root)


@pytest.fixture
def child():
    """The user of the server's children."""
    return places.unprivileged_user() if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def test_a_renewal_is_told_step_by_step(ca, httpd, name, command, child):
    httpd.managing(name(), extra=f"MDNotifyCmd {command.file} note\nMDMessageCmd {command.file} fred").start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    wait_until(lambda: any("activated" in call for call in command.calls()), 20, "its activation is told")
    assert command.calls(child) == [f"fred renewing {name()}", f"fred challenge-setup:http-01:{name()} {name()}", f"note {name()}",
                                    f"fred renewed {name()}", f"fred activated {name()}"]
    promoted(httpd, name(), cert)
    wait_until(lambda: any("installed" in call for call in command.calls()), 20, "its installation is told")
    assert [call for call in command.calls("root" if os.getuid() == 0 else child) if "installed" in call] == [f"fred installed {name()}"]
    httpd.restart()
    wait_until(httpd.answers, 5)
    assert sum("installed" in call for call in command.calls()) == 1, "it is told once"


def test_installed_is_told_at_a_start(ca, httpd, name, command):
    httpd.managing(name(), extra="MDLiveActivation off").start()
    httpd.wait_for_log("AH10059")
    httpd.managing(name(), extra=f"MDLiveActivation off\nMDMessageCmd {command.file}")
    command.answer("installed", "exit 7")
    httpd.restart()
    httpd.wait_for_log(f"AH10109: {name()}: MDMessageCmd for \"installed\" ended with 7", 20)
    command.answer("installed", None)
    httpd.restart()
    wait_until(lambda: command.calls() == [f"installed {name()}"] * 2, 20, "it is told again")
    wait_until(lambda: "message-installed" in httpd.store.file("domains", name(), "job.json").read_text(), 20, "that is noted")


def test_many_domains_are_told_one_after_the_other(ca, httpd, name, command):
    names = [name(f"h{i}") for i in range(12)]
    hosts = [f"MDomain {each}" for each in names] + [httpd.vhost(each) for each in names]
    httpd.configure("MDLiveActivation off", *hosts).start()
    wait_until(lambda: len(httpd.log_lines("AH10059")) == len(names), 30, "all have certificates")
    command.answer("installed", "sleep 0.1")
    httpd.configure(f"MDLiveActivation off\nMDMessageCmd {command.file}", *hosts)
    httpd.restart()
    wait_until(lambda: len(command.calls()) == len(names), 30, "all are told")
    assert sorted(command.calls()) == sorted(f"installed {each}" for each in names)


def test_a_command_can_forbid_a_renewal(ca, httpd, name, command):
    command.answer("renewing", "echo 'not on sundays' >&2; exit 1")
    httpd.managing(name(), extra=f"MDMessageCmd {command.file}\nMDCheckInterval 1s").start()
    line = httpd.wait_for_log(f"AH10060.*{name()}")
    assert "not on sundays" in line and "exit code 1" in line
    assert ca.count("POST /order-plz") == 0 or not httpd.store.cert(name())
    command.answer("renewing", None)
    tls.wait_for_cert(httpd.https_port, name())
    assert not httpd.log_lines("AH10056"), "a veto is no error"


def test_renewed_is_told_until_it_is_heard_and_the_certificate_is_live_meanwhile(ca, httpd, name, command):
    command.answer("renewed", "exit 9")
    httpd.managing(name(), extra=f"MDMessageCmd {command.file}\nMDRetryDelay 1s").start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    line = httpd.wait_for_log("AH10056.*AH10109")
    assert "exit code 9" in line and name() in line
    wait_until(lambda: command.calls().count(f"renewed {name()}") >= 3, 20, "it is told again")
    assert httpd.store.cert(name()) is None, "its record would be lost"
    command.answer("renewed", None)
    promoted(httpd, name(), cert)


def test_the_notify_command_comes_first_and_stops_the_other(ca, httpd, name, command):
    command.answer("note", "exit 1")
    httpd.managing(name(), extra=f"MDNotifyCmd {command.file} note\nMDMessageCmd {command.file}\nMDRetryDelay 1s").start()
    httpd.wait_for_log("AH10056.*AH10108")
    assert f"renewed {name()}" not in command.calls()
    command.answer("note", None)
    wait_until(lambda: f"renewed {name()}" in command.calls(), 20, "both are told")


def test_errors_are_told_once_an_hour(ca, httpd, name, command):
    httpd.managing(name(), extra=f"MDMessageCmd {command.file}\nMDCAChallenges dns-99\nMDRetryDelay 1s").start()
    httpd.wait_for_log(f"AH10057: {name()}: 2 error")
    assert command.calls().count(f"errored {name()}") == 1
    mark = httpd.mark()
    httpd.restart()
    httpd.wait_for_log(f"AH10057: {name()}: 2 error", since=mark)
    assert command.calls().count(f"errored {name()}") == 1, "that it was told is kept over restarts"


def test_a_setup_that_is_refused_fails_the_attempt(ca, httpd, name, command):
    httpd.managing(name(), extra=f"MDMessageCmd {command.file} -v\nMDRetryDelay 1s")
    command.file.write_text(command.file.read_text().replace("exit 0", 'case "$*" in *challenge-setup*) exit 4 ;; esac'))
    httpd.start()
    line = httpd.wait_for_log(f"AH10056.*{name()}")
    assert "exit code 4" in line and "setting up challenges" in line


def test_slow_commands_delay_nobody_else(ca, httpd, name, command):
    command.answer("renewing", "case $2 in slow*) echo $$ >>" + str(command.notes.parent / "pids") + "; exec sleep 100 ;; esac")
    pids = httpd.root / "pids"
    pids.touch()
    pids.chmod(0o666)
    slow = [name(f"slow{i}") for i in range(3)]
    names = slow + [name("quick")]
    httpd.configure(f"MDMessageCmd {command.file}", *(f"MDomain {each}" for each in names), *(httpd.vhost(each) for each in names))
    httpd.start()
    tls.wait_for_cert(httpd.https_port, name("quick"), 20)
    assert all(tls.is_placeholder(tls.leaf(httpd.https_port, each)) for each in slow)
    httpd.stop()
    assert not httpd.log_lines("still did not exit"), "the server waited for commands"
    assert pids.read_text()
    for pid in pids.read_text().split():
        assert not os.path.exists(f"/proc/{pid}"), "a command outlived the server"


def test_a_certificate_that_expires_is_told_once_a_day(ca, httpd, name, command):
    key = new_key("rsa")
    cert = new_cert([name()], key, starts=-85, days=90)
    (httpd.root / "own.pem").write_bytes(cert_pem(cert))
    (httpd.root / "own.key").write_bytes(key_pem(key))
    own = f"<MDomain {name()}>\nMDCertificateFile own.pem\nMDCertificateKeyFile own.key\n</MDomain>"
    httpd.configure(f"MDMessageCmd {command.file}\nMDCheckInterval 1s\nMDWarnWindow 10%", own, httpd.vhost(name())).start()
    wait_until(lambda: command.calls(), 20, "it is told")
    assert any("expires in" in line and "not renewed by this server" in line for line in httpd.log_lines(name()))
    A2md(httpd.store.path).run("status")
    httpd.restart()
    assert command.calls() == [f"expiring {name()}"]
