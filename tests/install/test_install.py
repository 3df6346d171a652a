# SPDX-License-Identifier: Apache-2.0
"""The way of packagers and administrators: ./configure, make, make install with DESTDIR, and httpd loads what is there."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/lint"))

import symbols      # noqa: E402


def run(*words, cwd, **kw):
    """Runs a program; its output is the message when it fails."""
    said = subprocess.run(words, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=500, check=False,
                          **kw)
    assert said.returncode == 0, said.stdout[-4000:]
    return said.stdout


def files_below(folder):
    """Relative names of all files."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """A folder in which ./configure and make have run."""
    folder = tmp_path_factory.mktemp("build")
    run(TOP / "configure", f"--with-apxs={shutil.which('apxs') or shutil.which('apxs2')}", "--enable-werror", "--disable-tests",
        "--prefix=/opt/md", cwd=folder)
    run("make", "-j2", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def installed(build, tmp_path_factory):
    """What make install has put below DESTDIR."""
    folder = tmp_path_factory.mktemp("dest")
    run("make", "install", f"DESTDIR={folder}", cwd=build)
    return folder


@pytest.fixture(scope="module")
def module(installed):
    """The installed module."""
    libexecdir = run("apxs", "-q", "LIBEXECDIR", cwd=installed).strip()
    return installed / libexecdir.lstrip("/") / "mod_md.so"


def test_everything_is_where_it_belongs(installed, module):
    assert module.is_file()
    assert (installed / "opt/md/bin/a2md").is_file()
    assert (installed / "opt/md/share/man/man1/a2md.1").is_file()
    assert (installed / "opt/md/share/bash-completion/completions/a2md").is_file()
    docs = files_below(installed / "opt/md/share/doc/mod_md")
    assert {"README.md", "LICENSE", "NOTICE", "CHANGELOG.md"} <= set(docs)
    pages = {path.relative_to(TOP).as_posix() for path in (TOP / "docs").rglob("*") if path.is_file()}
    assert pages - {"docs/a2md.1", "docs/completion/a2md"} == {name for name in docs if name.startswith("docs/")}
    assert os.access(installed / "opt/md/share/doc/mod_md/docs/examples/md-mail", os.X_OK)


def test_nothing_is_installed_outside_of_destdir(build, installed):
    manifest = next(build.rglob("install_manifest.txt")).read_text().splitlines()
    assert manifest and all((installed / name.lstrip("/")).exists() for name in manifest)
    assert sorted(name.lstrip("/") for name in manifest) == files_below(installed)


def test_the_module_shows_one_symbol(module):
    assert not list(symbols.errors_of(module))


def test_httpd_loads_it(module, tmp_path):
    httpd = shutil.which("apache2", path=os.environ["PATH"] + ":/usr/sbin") or shutil.which("httpd")
    modules = run("apxs", "-q", "LIBEXECDIR", cwd=tmp_path).strip()
    builtin = run(httpd, "-l", cwd=tmp_path)
    wanted = ["mpm_event", "authz_core", "watchdog", "ssl", "socache_shmcb"]
    conf = tmp_path / "httpd.conf"
    conf.write_text("".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in wanted
                            if f"mod_{name}.c" not in builtin and pathlib.Path(f"{modules}/mod_{name}.so").exists()) +
                    f"LoadModule md_module {module}\n"
                    f"ServerName localhost\nServerRoot {tmp_path}\nPidFile pid\nErrorLog error.log\nListen 127.0.0.1:1\n"
                    "MDomain example.test\n<VirtualHost *:1>\nServerName example.test\nSSLEngine on\n</VirtualHost>\n")
    said = run(httpd, "-t", "-f", conf, cwd=tmp_path)
    assert "Syntax OK" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["httpd.conf"], "configtest must write nothing"


def test_the_command_starts(installed):
    assert "version: 3." in run(installed / "opt/md/bin/a2md", "--version", cwd=installed)


def test_clean_and_make_again(build):
    run("make", "clean", cwd=build)
    assert not list(build.rglob("mod_md.so"))
    run("make", "-j2", cwd=build)
    assert list(build.rglob("mod_md.so"))
