# SPDX-License-Identifier: Apache-2.0
"""Where the programs and modules are: the one place that knows paths and environment variables."""

import os
import pathlib
import pwd
import re
import shutil
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[3]
PEBBLE_SINCE = (2, 10)


def module_under_test():
    """The mod_md.so to load: $MD_MODULE, else the release build's."""
    return pathlib.Path(os.environ.get("MD_MODULE", TOP / "build/release/mod_md.so")).resolve()


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


def _new_enough(program):
    said = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=10, check=False)
    version = re.search(r"(\d+)\.(\d+)", said.stdout + said.stderr)
    return bool(version) and (int(version[1]), int(version[2])) >= PEBBLE_SINCE


def pebble_program(name="pebble"):
    """Pebble or its companion `pebble-challtestsrv`: beside $PEBBLE, fetched by tools/pebble, or on PATH."""
    named = os.environ.get("PEBBLE")
    folders = [pathlib.Path(named).parent] if named else [TOP / "build/pebble/usr/bin", TOP / "build/pebble"]
    for folder in folders:
        if (folder / "pebble").is_file() and (folder / name).is_file():
            return str(folder / name)
    found = None if named else shutil.which(name)
    if found and _new_enough(shutil.which("pebble")):
        return found
    fetch = TOP / "tools/pebble"
    if not named and fetch.exists():
        path = subprocess.run([fetch], capture_output=True, text=True, timeout=300, check=True).stdout.split()[-1]
        return str(pathlib.Path(path).parent / name)
    raise RuntimeError("no Pebble 2.10 or newer found: run tools/pebble or set $PEBBLE")


def new_folder(prefix="md-e2e-"):
    """A fresh folder that httpd's unprivileged children can pass through, unlike most temporary folders."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    path.chmod(0o755)
    return path
