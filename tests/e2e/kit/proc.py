# SPDX-License-Identifier: Apache-2.0
"""Child processes that never outlive us, free ports, and bounded waiting."""

import ctypes
import os
import random
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
PORTS = set()
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")   # of tests that run side by side each takes ports of its own
PORTS_EACH = 5000
FIRST_PORT = 10240 + PORTS_EACH * (int(WORKER.removeprefix("gw")) % 4)


class Timeout(AssertionError):
    """What was waited for did not happen in time."""


def wait_until(happened, timeout=10.0, what="the condition", pause=0.02):
    """Wait for `happened()` to return something true and return that; bounded by `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = happened()
        if value:
            return value
        if time.monotonic() > end:
            raise Timeout(f"{what}: not within {timeout} s")
        time.sleep(pause)


def free_port():
    """A TCP port nobody listens on, below the range that outgoing connections take theirs from."""
    for _ in range(1000):
        port = random.randrange(FIRST_PORT, FIRST_PORT + PORTS_EACH)
        if port in PORTS:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        PORTS.add(port)
        return port
    raise RuntimeError("no free port found")


def port_answers(port, host="127.0.0.1"):
    """Whether something accepts connections on this port."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Proc:
    """A child process in a session of its own, its output in a file, ended at the latest when we end."""

    def __init__(self, argv, log, env=None, cwd=None):
        self.argv = [str(a) for a in argv]
        self.log = log
        with open(log, "ab") as out:
            self.child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                          env={**os.environ, **(env or {})}, cwd=cwd,
                                          start_new_session=True, preexec_fn=_die_with_parent)
        self.pid = self.child.pid

    def alive(self):
        """Whether it still runs."""
        return self.child.poll() is None

    def output(self):
        """Everything it has printed so far."""
        with open(self.log, "r", encoding="utf-8", errors="replace") as log:
            return log.read()

    def signal(self, number):
        """Send a signal to the process alone."""
        if self.alive():
            self.child.send_signal(number)

    def kill(self):
        """End it and all its children at once, as a power failure would."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait(10)
        wait_until(lambda: not group_of(self.pid), 10, "the whole group ends")   # and gives its ports back

    def stop(self, timeout=10.0):
        """End it in good order, and without mercy if that takes longer than `timeout` seconds."""
        if self.alive():
            self.child.terminate()
            try:
                self.child.wait(timeout)
            except subprocess.TimeoutExpired:
                pass
        self.kill()
        return self.child.returncode


def _processes(column, value):
    """The process ids of those that have `value` in a column of /proc/PID/stat, counted behind the name; no zombies."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                after_name = stat.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[column]) == value and after_name[0] not in "ZX":
            found.append(int(entry))
    return sorted(found)


def children_of(pid):
    """The process ids of the direct children of `pid`."""
    return _processes(1, pid)


def group_of(pid):
    """The process ids of the group that `pid` began."""
    return _processes(2, pid)


def memory_of(pids):
    """Proportional memory (PSS) of these processes together in KiB, so that shared pages count once."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            total += sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    return total
