# SPDX-License-Identifier: Apache-2.0
"""The sources as they are, and the module as it was built: every rule that a program can hold. MD_BUILD names the build."""

import os
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MD_BUILD", TOP / "build/release"))
sys.path[:0] = [str(TOP / "tools"), str(TOP / "tests/lint")]

import docs         # noqa: E402
import files        # noqa: E402
import layers       # noqa: E402
import measure      # noqa: E402
import symbols      # noqa: E402


def test_folders_include_only_lower_layers():
    assert not layers.check(TOP)


def test_functions_and_files_are_small():
    paths = sorted(path for folder in ("src", "tests/unit", "tests/fuzz") for path in (TOP / folder).rglob("*.[ch]"))
    assert len(paths) > 100
    assert not [error for path in paths for error in measure.Source(path, path.relative_to(TOP).as_posix()).errors()]


def test_units_are_described_and_links_lead_somewhere():
    assert not files.check(TOP)


def test_pages_can_be_found_and_know_all_advice():
    assert not docs.check(TOP)


def test_headers_stand_alone():
    said = subprocess.run([sys.executable, TOP / "tests/lint/headers.py", BUILD], capture_output=True, text=True, check=False)
    assert not said.returncode, said.stdout + said.stderr


def test_the_module_shows_one_symbol_and_brings_no_apr():
    assert not list(symbols.errors_of(BUILD / "mod_md.so"))


def test_every_source_is_built():
    built = (BUILD / "compile_commands.json").read_text()
    sources = [path for folder in ("src", "tests/unit") for path in sorted((TOP / folder).rglob("*.c"))]
    assert not [str(path) for path in sources if f'{path}"' not in built]
