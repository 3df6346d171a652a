#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that each folder of src/ includes only what the table in ARCHITECTURE.md, section "Layers", allows it.

Third-party headers have their place too: libcurl in net/http.c, httpd in httpd/, OpenSSL in tls/ and where mod_ssl's
hooks are served. Other files see keys and chains as opaque types.
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
# What matches the first may be included only by files that match the second.
THIRD_PARTY = (
    (r"openssl/", r"tls/|httpd/(ssl|live)\.[ch]$"),
    (r"curl/", r"net/http\.c$"),
    (r"ldns/", r"net/dns(_update\.c|_inside\.h|\.c)$"),
    (r"(httpd|http_\w+|ap_\w+|mod_\w+|mpm_\w+|util_\w+|scoreboard|unixd)\.h$", r"httpd/"),
)


def read_table(text):
    """{folder: set of folders it may include} out of the first table of the section; raises ValueError without one."""
    section = re.search(r"^## Layers\b(.*?)(?=^## |\Z)", text, re.M | re.S)
    allowed = {}
    for line in section[1].splitlines() if section else ():
        cells = [cell.strip(" `") for cell in line.strip().strip("|").split("|")]
        if not line.strip().startswith("|") or len(cells) != 2 or set(cells[0]) <= set("-: ") or cells[0] == "folder":
            continue
        may = {word for word in re.findall(r"\w+", cells[1])}
        for folder in re.findall(r"\w+", cells[0]):
            allowed[folder] = may | {folder}
    if not allowed:
        raise ValueError("there is no table in section 'Layers' of ARCHITECTURE.md")
    return allowed


def table_errors(allowed):
    """What is wrong with the table itself: folders that it does not explain, and circles."""
    for folder, may in sorted(allowed.items()):
        for other in sorted(may - {folder}):
            if other not in allowed:
                yield f"ARCHITECTURE.md: '{folder}' may include '{other}', which has no row of its own"
            elif folder in allowed[other]:
                yield f"ARCHITECTURE.md: '{folder}' and '{other}' may include each other"


def include_errors(src, path, allowed):
    """What is wrong with the includes of one file."""
    name = path.relative_to(src).as_posix()
    folder = name.split("/")[0]
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        own, system = match.groups()
        where = f"src/{name}:{number}"
        if own and not (src / own).is_file():
            yield f'{where}: "{own}" is not a file of src/; system headers stand in <>'
        elif own and own.split("/")[0] not in allowed.get(folder, ()):
            yield f'{where}: {folder} must not include "{own}"'
        for header, place in THIRD_PARTY if system else ():
            if re.match(header, system) and not re.match(place, name):
                yield f"{where}: <{system}> must not be included here"


def check(top):
    """All errors of a source tree, as lines."""
    src = top / "src"
    allowed = read_table((top / "ARCHITECTURE.md").read_text())
    errors = list(table_errors(allowed))
    for folder in sorted(path.name for path in src.iterdir() if path.is_dir() and any(path.iterdir())):
        if folder not in allowed:
            errors.append(f"src/{folder}: has no row in ARCHITECTURE.md, section 'Layers'")
    for path in sorted(src.rglob("*.[ch]")):
        errors += include_errors(src, path, allowed)
    return errors


def main():
    """Prints errors; the exit code says whether there are any."""
    errors = check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__ + "/../..").resolve())
    print("\n".join(errors) or "layers: fine")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
