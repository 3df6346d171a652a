# SPDX-License-Identifier: Apache-2.0
"""A disk that runs full: it is said, nothing that is half written is ever used, and work goes on when there is room."""

import shutil
import subprocess
import threading

import pytest

from kit import places, tls
from kit.a2md import A2md
from kit.proc import wait_until


@pytest.fixture(scope="module")
def preload(tmp_path_factory):
    """The library that makes writing fail."""
    library = tmp_path_factory.mktemp("preload") / "full_disk.so"
    subprocess.run([shutil.which("cc"), "-shared", "-fPIC", "-o", library, places.TOP / "tests/e2e/kit/full_disk.c", "-ldl"],
                   check=True, timeout=60)
    return library


@pytest.fixture
def full(httpd, preload):
    """A file: while it exists, nothing fits below the store."""
    flag = httpd.root / "full"
    httpd.env = {"LD_PRELOAD": str(preload), "FULL_DISK_FLAG": str(flag), "FULL_DISK_DIR": str(httpd.store.path)}
    return flag


def half_written(httpd):
    """Files of certificates and records that are not whole, as anybody would read them."""
    return [path for path in httpd.store.path.rglob("*") if path.is_file() and "lock" not in path.name
            and (path.suffix == ".json" and not path.read_text().rstrip().endswith("}")
                 or path.suffix == ".pem" and not path.read_text().rstrip().endswith("-----"))]


def test_a_renewal_waits_for_room(ca, httpd, name, full):
    httpd.managing(name(), extra="MDRenewMode manual\nMDRetryDelay 1s").start()
    full.touch()
    asking = threading.Thread(target=A2md(httpd.store.path).run, args=("renew", name()))
    asking.start()
    line = httpd.wait_for_log(f"AH10056.*{name()}")
    assert "No space left on device" in line and str(httpd.store.path) in line and "next try" in line, line
    assert tls.is_placeholder(tls.leaf(httpd.https_port, name()))
    assert half_written(httpd) == []
    full.unlink()
    cert = tls.wait_for_cert(httpd.https_port, name())
    asking.join(10)
    assert not asking.is_alive()
    httpd.restart()
    assert tls.leaf(httpd.https_port, name()) == cert


def test_a_certificate_that_cannot_be_moved_stays_live_and_is_moved_later(ca, httpd, name, full):
    httpd.managing(name()).start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    full.touch()
    line = httpd.wait_for_log(f"AH10069.*{name()}", 30)
    assert "No space left on device" in line, line
    assert httpd.store.cert(name()) is None and half_written(httpd) == []
    assert tls.leaf(httpd.https_port, name()) == cert
    full.unlink()
    wait_until(lambda: httpd.store.cert(name()) == cert, 20, "the certificate is moved")
    assert len(httpd.log_lines("AH10069")) == 1, "it is said once"


def test_a_server_starts_with_a_full_disk(ca, httpd, name, full):
    httpd.managing(name()).start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    httpd.restart()
    full.touch()
    httpd.restart()
    assert tls.leaf(httpd.https_port, name()) == cert
    httpd.configure(f"MDomain {name()}", f"MDomain {name('new')}", httpd.vhost(name()), httpd.vhost(name("new")))
    httpd.stop()
    httpd.launch()
    wait_until(lambda: not httpd.proc.alive() or httpd.answers(), 20, "it starts or says why not")
    assert any("No space left on device" in text for text in httpd.log_lines("md:"))
    assert half_written(httpd) == []
    full.unlink()
    httpd.restart()
    assert tls.leaf(httpd.https_port, name()) == cert
    tls.wait_for_cert(httpd.https_port, name("new"))
