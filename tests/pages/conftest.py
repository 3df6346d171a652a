# SPDX-License-Identifier: Apache-2.0
"""Servers and CAs as the end-to-end tests have them, and a browser."""

import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "e2e"), str(TESTS), str(TESTS / "pages")]

from e2e.conftest import (ca, dns, httpd, lab, module, name, new_ca, new_httpd,     # noqa: E402
                          pytest_runtest_makereport, shared_ca)
from browser import Browser                                                         # noqa: E402

__all__ = ["ca", "dns", "httpd", "lab", "module", "name", "new_ca", "new_httpd", "pytest_runtest_makereport",
           "shared_ca"]


@pytest.fixture(scope="session")
def chromium(lab):
    """One browser for all tests."""
    made = Browser(lab / "browser.log")
    yield made
    made.close()


@pytest.fixture
def browser(chromium):
    """The browser with an empty page."""
    return chromium.new()
