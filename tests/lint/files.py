#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks of files as a whole: licence line, white space, links between documents, and ARCHITECTURE.md's list of files.

ARCHITECTURE.md must name every unit of src/, as folder/unit or below its folder in a tree; and what it names must exist.
"""

import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
SPDX = "SPDX-License-Identifier: Apache-2.0"
CODE = {".c", ".h", ".py", ".cmake", ".sh"}
SKIPPED = ("build/", ".git/", "tests/fuzz/corpus/")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")


def files(top):
    """Relative names of the project's files: what git knows and what is new; without git, all."""
    said = subprocess.run(["git", "-C", str(top), "ls-files", "-co", "--exclude-standard"],
                          capture_output=True, text=True, check=False)
    names = said.stdout.splitlines() if not said.returncode else \
        [path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()]
    return sorted(name for name in names if not name.startswith(SKIPPED) and (top / name).is_file())


def text_of(path):
    """The text, or None for what is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def is_code(path, text):
    """Whether the file is a program and so has a licence line."""
    return path.suffix in CODE or path.name == "CMakeLists.txt" or text.startswith("#!")


def layout_errors(name, text):
    """White space that editors show in red."""
    if text and not text.endswith("\n"):
        yield f"{name}: does not end with a line end"
    for number, line in enumerate(text.splitlines(), 1):
        if line != line.rstrip():
            yield f"{name}:{number}: white space at the end of the line"
        if "\t" in line and pathlib.Path(name).suffix in CODE:
            yield f"{name}:{number}: a tab"


def link_errors(top, name, text):
    """Relative links to what does not exist."""
    for target in LINK.findall(FENCE.sub("", text)):
        if "://" not in target and not target.startswith("mailto:") and not (top / name).parent.joinpath(target).exists():
            yield f"{name}: links to {target}, which does not exist"


def tree_names(text):
    """folder/unit for each line of a tree in a code fence: "  folder/" and, deeper, "unit  what it is for"."""
    found = set()
    for fence in FENCE.findall(text):
        folder, indent = None, 0
        for line in fence.splitlines():
            match = re.match(r"( *)(\w+)(/?)", line)
            if match and match[3]:
                folder, indent = match[2], len(match[1])
            elif match and folder and len(match[1]) > indent:
                words = re.match(r" *((?:\w+(?:\.[ch])?(?:, | )?)+)", line)[1]
                found |= {f"{folder}/{word.split('.')[0]}" for word in re.split(r"[, ]+", words) if word}
    return found


def architecture_errors(top):
    """Units without a place in the description, and files in the description that are not there."""
    text = (top / "ARCHITECTURE.md").read_text()
    named = tree_names(text) | {name.removeprefix("src/") for name in re.findall(r"\b(?:src/)?\w+/\w+\b", text)}
    for unit in sorted({path.relative_to(top / "src").with_suffix("").as_posix() for path in (top / "src").rglob("*.[ch]")}):
        if unit not in named:
            yield f"ARCHITECTURE.md: does not name src/{unit}"
    for name in sorted(set(re.findall(r"`((?:[\w.-]+/)*[\w.-]+\.(?:c|h|py|md))`", text))):
        if not any(path.exists() for path in (top / name, top / "src" / name)) and "/" in name:
            yield f"ARCHITECTURE.md: names {name}, which does not exist"


def check(top):
    """All errors, as lines."""
    errors = list(architecture_errors(top))
    for name in files(top):
        text = text_of(top / name)
        if text is None:
            continue
        if is_code(top / name, text) and SPDX not in "\n".join(text.splitlines()[:3]):
            errors.append(f"{name}: has no '{SPDX}' at its top")
        errors += layout_errors(name, text) if name != "LICENSE" else ()
        errors += link_errors(top, name, text) if name.endswith(".md") else ()
    return errors


def main():
    """Prints errors; the exit code says whether there are any."""
    errors = check(TOP)
    print("\n".join(errors) or "files: fine")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
