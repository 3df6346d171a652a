#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles each header of src/ alone: it must include what it needs. Argument: a configured build folder.

The flags are those of a source file of the same folder, as the build knows them.
"""

import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]


def flags_by_folder(build):
    """{folder of src/: compiler and flags of one of its files}; "" has those of any file."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        words = shlex.split(entry["command"])
        words = words[:words.index("-o")]
        if path.parent.parent == TOP / "src":
            found.setdefault(path.parent.name, words)
            found.setdefault("", words)
    return found


def compile_alone(words, header, build):
    """What the compiler says, or nothing."""
    # A source that includes nothing else: as the main file a header would be warned about what only headers may do.
    said = subprocess.run([*words, "-fsyntax-only", "-x", "c", "-"], cwd=build, text=True, capture_output=True, check=False,
                          input=f'#include "{header.relative_to(TOP / "src").as_posix()}"\n')
    return said.stderr if said.returncode or said.stderr else ""


def main():
    """Prints what the compiler says about headers that cannot stand alone."""
    build = pathlib.Path(sys.argv[1]).resolve()
    flags = flags_by_folder(build)
    headers = sorted((TOP / "src").rglob("*.h"))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda header: compile_alone(flags.get(header.parent.name, flags[""]), header, build), headers))
    errors = "".join(said)
    print(errors or f"headers: {len(headers)} stand alone")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
