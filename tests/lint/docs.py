#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks of the pages for administrators.

Each advice that the module gives has its entry in docs/troubleshooting.md; docs/README.md and README.md lead to every page; links to
headings lead to one; what shell examples ask of a2md is what a2md knows.
"""

import pathlib
import re
import shlex
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
ADVICE = pathlib.Path("src/base/err.c")
COMMANDS = pathlib.Path("src/cli")
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.M | re.S)
LINK = re.compile(r"\]\(([^)\s#:]*)#([^)]+)\)")
STRING = r'"(?:[^"\\]|\\.)*"'


def words(text):
    """The text without line ends and repeated blanks."""
    return " ".join(text.split())


def texts(code):
    """Strings of C as they are after the compiler has joined them."""
    found = re.findall(rf"{STRING}(?:\s+{STRING})*", code)
    return ["".join(part[1:-1] for part in re.findall(STRING, group)).replace('\\"', '"') for group in found]


def table(code, name):
    """The initializer of an array."""
    return re.search(rf"\b{name}\[\] = {{\n(.*?)^}};", code, re.M | re.S)[1]


def advices(code):
    """All sentences that tell an operator what to do."""
    rows = re.split(r"^    \{ ", table(code, "advice_by_type"), flags=re.M)[1:]
    return [texts(row)[-1] for row in rows] + texts(table(code, "advice_by_fault"))


def pages(top):
    """The pages for administrators, relative to the top."""
    return sorted(path.relative_to(top).as_posix() for path in (top / "docs").rglob("*.md"))


def blocks(text, language):
    """The code of a page in this language, without the indentation of its fence."""
    for indent, name, code in FENCE.findall(text):
        if name == language:
            yield re.sub(rf"^{indent}", "", code, flags=re.M)


def anchors(text):
    """Headings as links name them."""
    heads = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", head.replace("\\", "").lower()).replace(" ", "-") for head in heads}


def advice_errors(top):
    """Advice that nobody can look up."""
    found = advices((top / ADVICE).read_text(encoding="utf-8"))
    entries = words((top / "docs/troubleshooting.md").read_text(encoding="utf-8"))
    yield from (f'docs/troubleshooting.md: has no entry for "{advice}"' for advice in dict.fromkeys(found) if f'"{advice}"' not in entries)


def index_errors(top):
    """Pages that nothing leads to."""
    index = (top / "docs/README.md").read_text(encoding="utf-8")
    start = (top / "README.md").read_text(encoding="utf-8")
    for page in pages(top):
        if page != "docs/README.md" and f"]({page.removeprefix('docs/')})" not in index:
            yield f"docs/README.md: does not lead to {page}"
        if f"]({page})" not in start:
            yield f"README.md: does not lead to {page}"


def anchor_errors(top, page):
    """Links to headings that are not there."""
    text = (top / page).read_text(encoding="utf-8")
    for target, anchor in LINK.findall(FENCE.sub("", text)):
        path = (top / page).parent / target if target else top / page
        if path.is_file() and path.suffix == ".md" and anchor not in anchors(path.read_text(encoding="utf-8")):
            yield f"{page}: links to {target}#{anchor}, which is no heading"


def known_commands(top):
    """{command: its options} of a2md, by its table, and those of a2md itself under ""."""
    code = (top / COMMANDS / "a2md.c").read_text(encoding="utf-8")
    rows = re.findall(rf"\{{ *({STRING}), *((?:{STRING}\s*)+),", table(code, "commands"))
    known = {name[1:-1]: set(re.findall(r"-{1,2}[a-z][\w-]*", "".join(texts(usage)))) for name, usage in rows}
    known[""] = {option for group in re.findall(r'"  (-\w, --\w+) ', code) for option in group.split(", ")}
    return known


def calls(code):
    """Calls of a2md in a shell example, as lists of words."""
    for line in code.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|\||[|;]", line):
            said = shlex.split(part, comments=True)
            if said and said[0] == "a2md":
                yield said[1:]


def call_errors(said, known):
    """What a2md would not understand in a call."""
    said = list(said)
    while said and said[0].startswith("-"):
        option = said.pop(0)
        if option not in known[""]:
            yield f"a2md has no option {option}"
        if option in ("-a", "-C", "-d", "-p", "-t", "--acme", "--cafile", "--dir", "--proxy", "--terms") and said:
            said.pop(0)
    command = next((" ".join(said[:count]) for count in (2, 1) if " ".join(said[:count]) in known), None)
    if not said or not command:
        yield f"a2md has no command '{' '.join(said[:1])}'"
        return
    yield from (f"a2md {command} has no option {word}" for word in said if word.startswith("-") and word not in known[command])


def shell_errors(top, page, known):
    """Wrong calls of a2md in a page."""
    for code in blocks((top / page).read_text(encoding="utf-8"), "sh"):
        yield from (f"{page}: {error}" for said in calls(code) for error in call_errors(said, known))


def check(top):
    """All errors, as lines."""
    known = known_commands(top)
    errors = [*advice_errors(top), *index_errors(top)]
    for page in ["README.md", *pages(top)]:
        errors += [*anchor_errors(top, page), *shell_errors(top, page, known)]
    return errors


def main():
    """Prints errors; the exit code says whether there are any."""
    errors = check(TOP)
    print("\n".join(errors) or "docs: fine")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
