#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/directives.md from the table of settings, src/plan/fields.h; with --check only says whether it is up to date."""

import collections
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
TABLE = TOP / "src/plan/fields.h"
PAGE = TOP / "docs/directives.md"

Row = collections.namedtuple("Row", "member kind directive json_key otherwise where rule help")
COLUMN = r'[\s\\]*(?:"((?:\\.|[^"\\])*)"|(\w+))\s*'
ROW = re.compile(r"^ ROW\(" + ",".join([COLUMN] * 8) + r"\)", re.M)
ALIAS = re.compile(r'^ ROW\("(\w+)",\s*(\w+)\)', re.M)

WHERE = {
    "ANYWHERE": "server config, `<MDomain>`",
    "EVERYWHERE": "server config, virtual host, `<MDomain>`",
    "SHARED": "server config, virtual host, `<MDomain>`; one value for the whole server",
    "GLOBAL": "server config, virtual host; one value for the whole server",
    "DOMAIN": "`<MDomain>`",
    "HOST": "virtual host",
}
HEAD = """\
# Directives

<!-- Made by tools/directives.py from src/plan/fields.h. Do not edit. -->

Names of directives and words such as `on` are not case-sensitive. A wrong value is refused by `apachectl configtest`, with the
directive and what would be right.

A managed domain takes each setting from its own section, else from the server config outside all virtual hosts, else the default.
Settings inside a virtual host do not reach domains; they count for what that virtual host itself does (contact, stapling, MDExportVars,
[MDExclude](#mdexclude)).

`apachectl configtest` also shows what is wrong between domains and virtual hosts, such as a name in two domains, with the file and line
of each.

| values | |
|---|---|
| duration | a number and a unit, without a blank: `d`, `h`, `mi`, `s`, `ms`. What a number without unit means is said with the directive |
| share | `33%` of a lifetime, or a duration (without unit: days) |
| path | below `ServerRoot` unless it begins with `/` |
| command | a program with arguments, quoted as in a shell; it is started without one |

## Domains

### MDomain

    MDomain name [name...] [auto|manual]

A managed domain with these DNS names; the first one is its own. `auto` and `manual` are as in [MDMembers](#mdmembers). Names may have
a wildcard as their first part: `*.example.org`. A name can be in one domain only.

Where: server config, virtual host. Repeatable.

### \\<MDomain>

    <MDomain name [name...] [auto|manual]>
        setting value
    </MDomain>

The same with settings of its own. `<MDomainSet>` is an older spelling.

## Settings
"""


def rows_of(text):
    """The rows of the table, columns without a value as None."""
    found = []
    for match in ROW.finditer(text):
        values = [quoted if quoted is not None else word for quoted, word in zip(match.groups()[::2], match.groups()[1::2])]
        found.append(Row(*(None if value == "NULL" else value for value in values)))
    return found


def aliases_of(text):
    """[(older name, member of the row it stands for)]"""
    return ALIAS.findall(text)


def choices(rule):
    """The names of a rule's values; further words of a value are older spellings."""
    names = {}
    for choice in rule.split("|"):
        word, value = choice.split("=")
        names.setdefault(value, word)
    return list(names.values())


def syntax(row):
    """What to write behind the directive."""
    if row.kind == "FLAG":
        return "on|off"
    if row.kind in ("KEYWORD", "WORD", "MEMBERS"):
        return "|".join(choices(row.rule))
    if row.kind == "COUNT":
        return "number"
    if row.kind == "DURATION":
        return "duration"
    return "share|duration" if row.kind == "SLICE" else row.rule


def limits(row):
    """Sentences about what the syntax does not say."""
    if row.kind == "COUNT":
        yield "A number from {} to {}.".format(*row.rule.split(".."))
    if row.kind == "DURATION":
        unit, bound = re.fullmatch(r"([a-z]+)(.*)", row.rule).groups()
        yield {"d": "Without a unit: days.", "s": "Without a unit: seconds."}[unit]
        yield {"": "", ">0": "More than 0.", ">=0": "Not negative.", ">=1": "One second or more."}[bound]
    if row.kind == "SLICE":
        yield "100% and more is possible." if row.rule else "A share is below 100%."
    if row.kind == "MEMBERS":
        yield "Inside `<MDomain>`, further names of the domain may stand beside the word, or instead of it."
    if row.kind == "PATH":
        yield "A path." + (" `none`: no file." if "none" in row.rule else "")


def section(row, older):
    """The part of the page about one setting."""
    lines = [f"### {row.directive}", "", f"    {row.directive} {syntax(row)}", "", " ".join([row.help, *filter(None, limits(row))]), ""]
    default = f"`{row.otherwise}`" if row.otherwise else "none"
    lines.append(f"Default: {default}. Where: {WHERE[row.where]}.")
    if row.json_key:
        lines[-1] += f" In `md.json`: `{row.json_key}`."
    if older:
        lines += ["", "Older spelling: " + ", ".join(f"`{name}`" for name in older) + "."]
    return "\n".join(lines) + "\n"


def page(text):
    """The whole page for the text of the table."""
    older = collections.defaultdict(list)
    for name, member in aliases_of(text):
        older[member].append(name)
    return "\n".join([HEAD] + [section(row, older[row.member]) for row in sorted(rows_of(text), key=lambda row: row.directive)])


def main():
    """Write the page, or compare."""
    wanted = page(TABLE.read_text(encoding="utf-8"))
    if sys.argv[1:] == ["--check"]:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted:
            return 0
        print("docs/directives.md is not up to date with src/plan/fields.h: run tools/directives.py", file=sys.stderr)
        return 1
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
