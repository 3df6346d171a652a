# SPDX-License-Identifier: Apache-2.0
"""What the benches share: the kit of the end-to-end tests, contestants, medians, and printing."""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/e2e"))

from kit import places                              # noqa: E402

MODULES = {"ours": places.module_under_test, "stock": places.stock_module}


def arguments(description, **defaults):
    """A parser with --with=ours,stock,... and --json, and one option for each keyword with its default."""
    parser = argparse.ArgumentParser(description=description)
    for name, value in defaults.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(value), default=value)
    parser.add_argument("--json", action="store_true", help="print nothing but JSON")
    return parser.parse_args()


def contestants(text):
    """The contestants named in `a,b,c`, without our module while there is none."""
    names = [n for n in text.split(",") if n]
    if "ours" in names and not places.module_under_test().is_file():
        print(f"there is no {places.module_under_test()}: going on without ours", file=sys.stderr)
        names.remove("ours")
    return names


def median(values):
    """The median, rounded for reading."""
    return round(statistics.median(values), 3)


def cpu_seconds(pid):
    """Processor time of a process so far, which other work on the machine does not change much."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def note(text):
    """A line about progress, apart from the results."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def workplace():
    """A folder that is gone afterwards."""
    folder = places.new_folder("md-bench-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def show(result, rows, head, only_json=False):
    """JSON first, then the same as a short table."""
    print(json.dumps(result, indent=2))
    if only_json:
        return
    table = [head] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)))
