# SPDX-License-Identifier: Apache-2.0
"""Where the programs and modules are: the one place that knows paths and environment variables."""

import functools
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[3]


def module_under_test():
    """The mod_md.so to load: $MD_MODULE, else the release build's."""
    return pathlib.Path(os.environ.get("MD_MODULE", TOP / "build/release/mod_md.so")).resolve()


def a2md_under_test():
    """The a2md to run: $MD_A2MD, else the one beside the module."""
    return pathlib.Path(os.environ.get("MD_A2MD", module_under_test().parent / "a2md")).resolve()


def held_module():
    """The module under test with a hook for tests: $MD_HELD_MODULE, else what was built beside it."""
    return pathlib.Path(os.environ.get("MD_HELD_MODULE", module_under_test().parent / "tests/mod_md_held.so")).resolve()


def stock_module():
    """Debian's own mod_md.so, for taking over its store and for figures side by side."""
    return modules_dir() / "mod_md.so"


def is_stock(module=None):
    """Whether the module is Debian's own, which lacks what tests about live activation need."""
    return (module or module_under_test()).resolve() == stock_module().resolve()


def httpd_program():
    """The httpd binary: $HTTPD, else what the system has."""
    named = os.environ.get("HTTPD")
    for name in [named] if named else ["apache2", "httpd", "/usr/sbin/apache2", "/usr/sbin/httpd"]:
        found = shutil.which(name)
        if found:
            return found
    raise RuntimeError("no httpd found: install apache2 or set $HTTPD")


def modules_dir():
    """Where httpd's modules are: $HTTPD_MODULES, else Debian's folder."""
    return pathlib.Path(os.environ.get("HTTPD_MODULES", "/usr/lib/apache2/modules"))


def unprivileged_user():
    """The user httpd's children run as: www-data when we are root, else ourselves."""
    return "www-data" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


@functools.lru_cache
def pebble_program(name="pebble"):
    """Pebble, or its companion `pebble-challtestsrv` in the same folder; tools/pebble knows where, and fetches it."""
    found = subprocess.run([TOP / "tools/pebble"], stdout=subprocess.PIPE, text=True, timeout=300, check=True)
    return str(pathlib.Path(found.stdout.strip()).parent / name)


def new_folder(prefix="md-e2e-"):
    """A fresh folder that httpd's unprivileged children can pass through, unlike most temporary folders."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    path.chmod(0o755)
    return path
