# SPDX-License-Identifier: Apache-2.0
"""The programs that hold the sources to their rules are held to theirs: each finds what it is there to find."""

import pathlib
import subprocess
import sys
import textwrap

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tools"), str(TOP / "tests/lint")]

import docs         # noqa: E402
import files        # noqa: E402
import layers       # noqa: E402
import measure      # noqa: E402

TABLE = """
## Layers

| folder | may include |
|---|---|
| base | - |
| tls, net | base |
| `httpd` | base, tls, net |

## Types
"""


def functions(code):
    """Functions of a piece of C by name."""
    return {function.name: function for function in measure.functions_of(measure.tokens_of(textwrap.dedent(code)))}


def tree(folder, **contents):
    """A source tree of its own: names have __ for / and end in _c, _h or _md."""
    for name, text in contents.items():
        path = folder / ".".join(name.replace("__", "/").rsplit("_", 1))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_measure_counts_what_mccabe_counts():
    found = functions("""
        /* if (not) { counted } */
        static const struct pair pairs[] = { { "a{", 1 }, { "b}", 2 } };
        int f(int a, const char *(*g)(int, int), apr_pool_t *p, ...)
        {
            if (a && g) {
                for (int i = 0; i < a; ++i)
                    a += i ? 1 : '?';
            } else if (a || "&& ||") {
                a = 2;
            }
            do
                --a;
            while (a);
            return (struct pair){ "x", 1 }.number;
        }
        """)
    assert list(found) == ["f"]
    assert (found["f"].parameters, found["f"].complexity, found["f"].nesting, found["f"].length) == (2, 8, 2, 13)


def test_measure_sees_loops_and_rows_made_by_macros():
    found = functions("""
        START_TEST(a_thing_is_so)
        {
            json_object_foreach(doc, key, value) {
                if (value)
                    use(value);
            }
        }
        END_TEST

        int g(void)
        {
            switch (x) {
                ROWS(CASE)
            default: return 1;
            case 2: return 2;
            }
        }
        """)
    assert (found["a_thing_is_so"].complexity, found["a_thing_is_so"].nesting, found["a_thing_is_so"].is_test) == (3, 2, True)
    assert (found["g"].complexity, found["g"].nesting, found["g"].parameters) == (2, 1, 0)


@pytest.mark.parametrize("what, code", [
    ("length 81", "void f(void)\n{\n" + "    g();\n" * 78 + "}\n"),
    ("complexity 16", "int f(int a)\n{\n    return a" + " && a" * 15 + ";\n}\n"),
    ("nesting 4", "void f(void)\n{\n" + "    if (a)\n" * 4 + "    g();\n}\n"),
    ("parameters 6", "void f(int a, int b, int c, int d, int e, int f)\n{\n}\n"),
    ("more than 110 columns", "/* " + "x" * 110 + " */\n"),
    ("601 lines", "\n" * 601),
])
def test_measure_has_a_gate_for(tmp_path, what, code):
    path = tmp_path / "x.c"
    path.write_text(code)
    assert what in "\n".join(measure.Source(path, "x.c").errors())
    path.write_text("void f(int a, int b, int c, int d, int e)\n{\n" + "    g();\n" * 77 + "}\n")
    assert not list(measure.Source(path, "x.c").errors())


def test_layers_finds_includes_that_go_upwards(tmp_path):
    top = tree(tmp_path, ARCHITECTURE_md=TABLE, src__base__err_h="#include <apr_pools.h>\n",
               src__tls__key_h='#include "base/err.h"\n', src__base__text_c='#include "tls/key.h"\n#include "err.h"\n')
    assert layers.check(top) == ['src/base/text.c:1: base must not include "tls/key.h"',
                                 'src/base/text.c:2: "err.h" is not a file of src/; system headers stand in <>']


def test_layers_keeps_third_parties_in_their_place(tmp_path):
    top = tree(tmp_path, ARCHITECTURE_md=TABLE, src__net__http_c="#include <curl/curl.h>\n#include <openssl/ssl.h>\n",
               src__httpd__ssl_c="#include <openssl/ssl.h>\n#include <httpd.h>\n", src__tls__a_c="#include <http_log.h>\n",
               src__tls__b_c="#include <curl/curl.h>\n", src__new__a_c="\n")
    assert layers.check(top) == ["src/new: has no row in ARCHITECTURE.md, section 'Layers'",
                                 "src/net/http.c:2: <openssl/ssl.h> must not be included here",
                                 "src/tls/a.c:1: <http_log.h> must not be included here",
                                 "src/tls/b.c:1: <curl/curl.h> must not be included here"]


def test_layers_wants_a_table_without_circles():
    with pytest.raises(ValueError):
        layers.read_table("## Types\n")
    circle = layers.read_table("## Layers\n| a | b |\n| b | a, c |\n")
    assert list(layers.table_errors(circle)) == ["ARCHITECTURE.md: 'a' and 'b' may include each other",
                                                 "ARCHITECTURE.md: 'b' and 'a' may include each other",
                                                 "ARCHITECTURE.md: 'b' may include 'c', which has no row of its own"]


def test_files_finds_what_is_not_described(tmp_path):
    text = "see `src/base/gone.c` and tls/key\n```\nsrc/\n  base/   words\n    err   why\n    text.c, when.c  two\n```\n"
    top = tree(tmp_path, ARCHITECTURE_md=text, src__base__err_c="", src__base__text_c="", src__base__when_h="",
               src__tls__key_c="", src__tls__cert_c="")
    assert list(files.architecture_errors(top)) == ["ARCHITECTURE.md: does not name src/tls/cert",
                                                    "ARCHITECTURE.md: names src/base/gone.c, which does not exist"]


def test_files_finds_broken_links_and_missing_licences(tmp_path):
    top = tree(tmp_path, ARCHITECTURE_md="", README_md="[a](docs/none.md) [b](https://example.org) [c](README.md#x)\n",
               src__a_c="int a; \n")
    assert files.check(top) == ["ARCHITECTURE.md: does not name src/a",
                                "README.md: links to docs/none.md, which does not exist",
                                "src/a.c: has no 'SPDX-License-Identifier: Apache-2.0' at its top",
                                "src/a.c:1: white space at the end of the line"]


ADVICE = """
static const struct row advice_by_type[] = {
    { "md:a", "Do a" },
    { "md:b",
      "Do b, "
      "and 'c'" },
};

static const char *const advice_by_fault[] = {
    "Do x",
    "Do y",
};
"""
COMMANDS = """
    { "check", "[--online] [name...]", "find", "a2md check", READ, check },
    { "store list", "", "show", "a2md store list", READ, list },
    "options:"
    "  -d, --dir DIR  folder"
"""


def test_docs_reads_advice_as_the_compiler_does():
    assert docs.advices(ADVICE) == ["Do a", "Do b, and 'c'", "Do x", "Do y"]


def test_docs_finds_advice_and_pages_that_nobody_can_find(tmp_path):
    trouble = 'see [the index](README.md#set-up) and [nothing](README.md#gone)\n"Do a" "Do b,\nand \'c\'" "Do x" Do y\n'
    top = tree(tmp_path, src__base__err_c=ADVICE, src__cli__a2md_c=f"commands[] = {{\n{COMMANDS}\n}};\n",
               docs__troubleshooting_md=trouble, docs__new_md="", docs__README_md="# Set up\n[a](troubleshooting.md)\n",
               README_md="[a](docs/README.md) [b](docs/troubleshooting.md)\n")
    assert docs.check(top) == ["docs/troubleshooting.md: has no entry for \"Do y\"", "docs/README.md: does not lead to docs/new.md",
                               "README.md: does not lead to docs/new.md",
                               "docs/troubleshooting.md: links to README.md#gone, which is no heading"]


@pytest.mark.parametrize("line, errors", [
    ("a2md -d /md check --online example.org && a2md -d /md store list # all", []),
    ("a2md --dir /md check --offline", ["a2md check has no option --offline"]),
    ("cd /md; a2md -x /md check", ["a2md has no option -x", "a2md has no command '/md'"]),
    ("a2md -d /md chek", ["a2md has no command 'chek'"]),
])
def test_docs_knows_what_a2md_understands(tmp_path, line, errors):
    top = tree(tmp_path, src__cli__a2md_c=f"commands[] = {{\n{COMMANDS}\n}};\n", README_md=f"1. x\n   ```sh\n   {line}\n   ```\n")
    assert list(docs.shell_errors(top, "README.md", docs.known_commands(top))) == [f"README.md: {error}" for error in errors]


def test_configure_refuses_what_it_does_not_know(tmp_path):
    said = subprocess.run([TOP / "configure", "--enable-wonders"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.returncode == 2 and "--enable-wonders" in said.stderr
    assert not list(tmp_path.iterdir())
