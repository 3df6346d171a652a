#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks of the table of settings: every row is read, its columns fit together, and docs/directives.md is up to date."""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tools"))
import directives  # noqa: E402  pylint: disable=wrong-import-position

RULES = {
    "FLAG": None,
    "SLICE": r"(any%)?",
    "DURATION": r"(d|s)(>0|>=0|>=1)?",
    "COUNT": r"\d+\.\.\d+",
    "KEYWORD": r"[\w-]+=\d+(\|[\w-]+=\d+)+",
    "WORD": r"[\w-]+=\d+(\|[\w-]+=\d+)+",
    "MEMBERS": r"[\w-]+=\d+(\|[\w-]+=\d+)+",
}


def row_errors(row):
    """What does not fit within one row."""
    rule = RULES.get(row.kind, r".+")
    if rule is None and row.rule:
        yield "has a rule, but its kind knows none"
    if rule is not None and not re.fullmatch(rule, row.rule or ""):
        yield f"has a rule that its kind cannot use: {row.rule}"
    if row.where not in directives.WHERE:
        yield f"has a place that does not exist: {row.where}"
    if not row.help.endswith("."):
        yield "has a help text that is no sentence"


def table_errors(text):
    """Everything that is wrong with the table."""
    rows, aliases = directives.rows_of(text), directives.aliases_of(text)
    names = [row.directive for row in rows] + [name for name, _ in aliases]
    for row in rows:
        yield from (f"{row.directive} {error}" for error in row_errors(row))
    if len(rows) + len(aliases) != len(re.findall(r"^ ROW\(", text, re.M)):
        yield "a row is not understood by tools/directives.py"
    yield from (f"{name} is there twice" for name in sorted({name for name in names if names.count(name) > 1}))
    yield from (f"{name} stands for {member}, which is no row" for name, member in aliases
                if member not in {row.member for row in rows})


def main():
    """Print what is wrong; the exit code says whether anything is."""
    text = directives.TABLE.read_text(encoding="utf-8")
    errors = list(table_errors(text))
    if not errors and (not directives.PAGE.exists() or directives.PAGE.read_text(encoding="utf-8") != directives.page(text)):
        errors.append("docs/directives.md is not up to date: run tools/directives.py")
    for error in errors:
        print(f"src/plan/fields.h: {error}")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
