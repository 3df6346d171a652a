#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what a built mod_md.so shows to the process that loads it. Argument: the module.

Only md_module is visible, so no name of ours can clash with another module's. APR comes with httpd: a second one,
loaded by us, would have pools that do not know each other.
"""

import re
import subprocess
import sys


def ask(*words):
    """What a program prints."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def errors_of(module):
    """What is wrong with the module, as sentences."""
    shown = {line.split()[-1] for line in ask("nm", "-D", "--defined-only", module).splitlines()}
    if shown != {"md_module"}:
        yield f"it shows {', '.join(sorted(shown)) or 'nothing'}; it must show md_module only"
    dynamic = ask("readelf", "-d", module)
    for library in re.findall(r"\(NEEDED\).*\[(libapr[^\]]*)\]", dynamic):
        yield f"it brings its own {library}"
    if "BIND_NOW" not in dynamic and "NOW" not in dynamic:
        yield "it is not linked with -z now"
    if "TEXTREL" in dynamic:
        yield "it has text relocations"
    if "GNU_RELRO" not in ask("readelf", "-lW", module):
        yield "it is not linked with -z relro"


def main():
    """Prints errors; the exit code says whether there are any."""
    errors = [f"{sys.argv[1]}: {error}" for error in errors_of(sys.argv[1])]
    print("\n".join(errors) or "symbols: fine")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
