#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the C sources and holds them to their limits.

measure.py prints a table per folder and the functions nearest to a limit; measure.py --gate prints only what is over
one, and fails if anything is. Complexity is McCabe's: one, and one more for each if, loop, case, ?:, && and ||. Nesting
counts control statements inside each other; an "else if" is no deeper than its "if". The pool, which nearly every
function takes, is not counted as a parameter.
"""

import argparse
import pathlib
import re
import sys

LIMITS = {"length": 80, "complexity": 15, "nesting": 3, "parameters": 5}
TEST_COMPLEXITY = 4     # of a START_TEST: who tests the tests?
FILE_LINES = 600
COLUMNS = 110
# "src/folder/file.c:function:what": "why it is allowed". Empty is best.
ALLOWED = {
    "src/httpd/ssl.c:look_at_hello:parameters": "the signature of OpenSSL's message callback",
    "src/httpd/staple.c:md_staple_get:parameters": "the signature of the hook of httpd",
}

BLANKED = re.compile(r"""
    /\*.*?\*/ | //[^\n]*                        # comments
  | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'   # strings and characters
""", re.X | re.S)
DIRECTIVE = re.compile(r"^[ \t]*\#(?:\\\n|[^\n])*", re.M)
TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|&&|\|\||\S")
WORD = re.compile(r"[A-Za-z_]\w*$")
BRANCHES = {"if", "for", "while", "case", "?", "&&", "||"}
KEYWORDS = {"if", "else", "for", "while", "do", "switch", "return", "case", "default", "goto", "break", "continue",
            "sizeof", "struct", "union", "enum", "const", "static", "extern", "typedef", "void", "int", "char"}


def _blank(match):
    """White space, with the same line ends; a string stays a token."""
    text = match.group()
    return ('"' if text[0] in "\"'" else " ") + "\n" * text.count("\n")


def tokens_of(text):
    """[(token, line)] without comments, contents of strings, and preprocessor lines."""
    text = DIRECTIVE.sub(_blank, BLANKED.sub(_blank, text))
    found, line, last = [], 1, 0
    for match in TOKEN.finditer(text):
        line += text.count("\n", last, match.start())
        last = match.start()
        found.append((match.group(), line))
    return found


def closing(tokens, at):
    """The index of the bracket that closes the one at `at`."""
    depth = 0
    for index in range(at, len(tokens)):
        depth += (tokens[index][0] in "([{") - (tokens[index][0] in ")]}")
        if not depth:
            return index
    raise ValueError(f"line {tokens[at][1]}: '{tokens[at][0]}' is never closed")


class Function:
    """One function definition: `head` is the index of its name, `paren` and `brace` where those groups begin."""

    def __init__(self, tokens, head, paren, brace):
        end = closing(tokens, brace)
        self.is_test = tokens[head][0] == "START_TEST"
        self.name = tokens[paren + 1 if self.is_test else head][0]
        self.line = tokens[head][1]
        self.length = tokens[end][1] - self.line + 1
        self.parameters = 0 if self.is_test else self._count_parameters(tokens[paren + 1:closing(tokens, paren)])
        self._body = [token for token, _ in tokens[brace:end + 1]]
        self._loops = 0
        self.nesting = 0
        self._statement(0, 0)
        self.complexity = 1 + self._loops + sum(token in BRANCHES for token in self._body)
        self.end = end

    @staticmethod
    def _count_parameters(inside):
        depth, count = 0, 1
        words = [token for token, _ in inside]
        for token in words:
            depth += (token in "([{") - (token in ")]}")
            count += token == "," and not depth
        return 0 if words in ([], ["void"]) else count - ("apr_pool_t" in words) - (words[-3:] == [".", ".", "."])

    def _skip(self, at):
        """The index after the bracket that closes the one at `at`."""
        return closing([(token, 0) for token in self._body], at) + 1

    def _statement(self, at, depth):
        """Walks one statement; returns the index after it."""
        body = self._body
        word = body[at]
        self.nesting = max(self.nesting, depth)
        if word == "{":
            at += 1
            while body[at] != "}":
                at = self._statement(at, depth)
            return at + 1
        if word == "if":
            return self._if(at, depth)
        if word in ("for", "while", "switch"):
            return self._statement(self._skip(at + 1), depth + 1)
        if word == "do":
            return self._expression(self._statement(at + 1, depth + 1))
        if word in ("case", "default") or (WORD.match(word) and body[at + 1] == ":"):
            at = body.index(":", at) + 1
            return at if body[at] == "}" else self._statement(at, depth)
        return self._macro(at, depth) or self._expression(at)

    def _if(self, at, depth):
        at = self._statement(self._skip(at + 1), depth + 1)
        if self._body[at] != "else":
            return at
        return self._statement(at + 1, depth if self._body[at + 1] == "if" else depth + 1)

    def _macro(self, at, depth):
        """A macro that begins a loop, such as json_object_foreach(...) { }, or one that needs no ';', such as
        ROWS(CASE); None if it is something else."""
        body = self._body
        if not WORD.match(body[at]) or body[at] in KEYWORDS or body[at + 1] != "(":
            return None
        after = self._skip(at + 1)
        if body[after] == "{" or (WORD.match(body[after]) and body[at].islower() and body[after] != "else"):
            self._loops += 1
            return self._statement(after, depth + 1)
        return after if body[after] == "}" or WORD.match(body[after]) else None

    def _expression(self, at):
        """The index after the ';' that ends a declaration or expression."""
        while self._body[at] not in ";}":
            at = self._skip(at) if self._body[at] in "([{" else at + 1
        return at + (self._body[at] == ";")


def functions_of(tokens):
    """All function definitions of a file."""
    found, at, head, paren, assigned = [], 0, None, None, False
    while at < len(tokens):
        token = tokens[at][0]
        if token == "(":
            if paren is None and at and WORD.match(tokens[at - 1][0]):
                head, paren = at - 1, at
            at = closing(tokens, at)
        elif token == "{" and paren is not None and not assigned:
            found.append(Function(tokens, head, paren, at))
            at, head, paren = found[-1].end, None, None
        elif token == "{":
            at = closing(tokens, at)
        elif token == "=":
            assigned = True
        elif token == ";":
            head, paren, assigned = None, None, False
        elif token == "END_TEST":
            head, paren = None, None
        at += 1
    return found


def wide_lines(text):
    """Numbers of lines that are too wide, outside of what clang-format leaves alone."""
    on = True
    for number, line in enumerate(text.splitlines(), 1):
        if "clang-format o" in line:
            on = "clang-format on" in line
        elif on and len(line) > COLUMNS:
            yield number


class Source:
    """One file: its lines and functions."""

    def __init__(self, path, name):
        text = path.read_text()
        self.name = name
        self.lines = text.count("\n")
        self.wide = list(wide_lines(text))
        try:
            self.functions = functions_of(tokens_of(text))
        except (IndexError, ValueError) as error:
            raise SystemExit(f"{name}: cannot be read: {error}") from error

    def errors(self):
        """What is over a limit."""
        if self.lines > FILE_LINES:
            yield f"{self.name}: {self.lines} lines, {FILE_LINES} are allowed"
        if self.wide:
            yield f"{self.name}:{self.wide[0]}: more than {COLUMNS} columns, here and in {len(self.wide) - 1} other lines"
        for function in self.functions:
            for what, most in LIMITS.items():
                most = TEST_COMPLEXITY if what == "complexity" and function.is_test else most
                value = getattr(function, what)
                if value > most and f"{self.name}:{function.name}:{what}" not in ALLOWED:
                    yield f"{self.name}:{function.line}: {function.name}: {what} {value}, {most} is allowed"


def print_table(sources):
    """Sizes per folder, and the functions that come nearest to their limits."""
    folders = {}
    for source in sources:
        folders.setdefault(str(pathlib.PurePosixPath(source.name).parent), []).append(source)
    print(f"{'folder':<22}{'files':>6}{'lines':>8}{'functions':>11}{'mean':>6}{'longest':>9}{'complex':>9}{'nested':>8}")
    for folder, files in sorted(folders.items()):
        functions = [function for source in files for function in source.functions]
        most = {what: max((getattr(function, what) for function in functions), default=0) for what in LIMITS}
        mean = sum(function.length for function in functions) / max(1, len(functions))
        print(f"{folder:<22}{len(files):>6}{sum(source.lines for source in files):>8}{len(functions):>11}{mean:>6.1f}"
              f"{most['length']:>9}{most['complexity']:>9}{most['nesting']:>8}")
    nearest = sorted(((max(getattr(function, what) / most for what, most in LIMITS.items()), source.name, function)
                      for source in sources for function in source.functions), key=lambda row: -row[0])
    print("\nnearest to a limit:")
    for _, name, function in nearest[:10]:
        print(f"  {name}:{function.line} {function.name}: " +
              ", ".join(f"{what} {getattr(function, what)}" for what in LIMITS))


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gate", action="store_true", help="print only what is over a limit, and fail if anything is")
    parser.add_argument("--top", default=__file__ + "/../..", help="the source tree")
    options = parser.parse_args()
    top = pathlib.Path(options.top).resolve()
    paths = sorted(path for folder in ("src", "tests/unit", "tests/fuzz") for path in (top / folder).rglob("*.[ch]"))
    sources = [Source(path, path.relative_to(top).as_posix()) for path in paths]
    if not options.gate:
        print_table(sources)
        return 0
    errors = [error for source in sources for error in source.errors()]
    print("\n".join(errors) or "measure: fine")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
