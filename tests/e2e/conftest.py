# SPDX-License-Identifier: Apache-2.0
"""What every end-to-end test shares: one CA a session, and servers that end with their test."""

import itertools
import os
import shutil
import sys

import pytest
from _pytest.runner import runtestprotocol

sys.path.insert(0, os.path.dirname(__file__))

from kit import places, pebble                      # noqa: E402
from kit.httpd import Httpd                         # noqa: E402

COUNTER = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def module():
    """The module under test; nothing is tested without one."""
    path = places.module_under_test()
    if not path.is_file():
        pytest.exit(f"there is no {path}: build it first, or set MD_MODULE", returncode=2)
    return path


@pytest.fixture(scope="session")
def lab():
    """A folder for what lives as long as the session."""
    folder = places.new_folder("md-lab-")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def dns(lab):
    """The DNS server that Pebbles ask."""
    server = pebble.ChallengeServer(lab)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shared_ca(lab, dns):
    """The Pebble that most tests use: strict, no waiting in validations, 5 % bad nonces."""
    folder = lab / "pebble"
    folder.mkdir()
    ca = pebble.Pebble(folder, dns, strict=True)
    yield ca
    ca.stop()


@pytest.fixture
def ca(shared_ca):
    """The shared CA, known to answer."""
    shared_ca.ensure()
    return shared_ca


@pytest.fixture
def new_ca(lab, dns):
    """Makes a CA of one's own: new_ca(va_sleeptime=3, config={...})."""
    made = []

    def make(**kw):
        folder = lab / f"pebble-{next(COUNTER)}"
        folder.mkdir()
        made.append(pebble.Pebble(folder, **{"dns": dns, "strict": True, **kw}))
        return made[-1]
    yield make
    for each in made:
        each.stop()


@pytest.fixture
def new_httpd(request):
    """Makes servers that end with the test; new_httpd(ca, mpm="worker")."""
    made = []

    def make(ca=None, **kw):
        made.append(Httpd(ca, **kw))
        return made[-1]
    yield make
    failed = getattr(request.node, "failed", False)
    crashes = []
    for server in made:
        server.stop()
        crashes += server.crashes
        if failed:
            print(f"---- error log of {server.root}\n" + "\n".join(server.error_log().splitlines()[-60:]))
        if not os.environ.get("MD_KEEP"):
            shutil.rmtree(server.root, ignore_errors=True)
    assert not crashes, crashes


@pytest.fixture
def httpd(ca, new_httpd):
    """A server on the event MPM that uses the shared CA; not configured, not started."""
    return new_httpd(ca)


@pytest.fixture
def name():
    """Makes names nobody used before: name("www") is www.tN.example.test."""
    number = next(COUNTER)
    return lambda label="www": f"{label}.t{number}.example.test"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Let fixtures know whether their test failed, and look whether it was for a CA that got stuck."""
    outcome = yield
    if outcome.get_result().failed:
        item.failed = True
    if outcome.get_result().failed and call.when == "call":
        item.stuck = any([each.is_stuck() for each in list(pebble.RUNNING)])


def pytest_runtest_protocol(item, nextitem):
    """Run a test again, once, if its Pebble was found stuck: known trouble of that program under load, not of its
    client. Other failures stay what they are."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if getattr(item, "stuck", False):
        print(f"Pebble was stuck (known trouble of Pebble, not of its client): {item.nodeid} runs again")
        item.failed = item.stuck = False
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
