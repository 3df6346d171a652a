# SPDX-License-Identifier: Apache-2.0
"""The table of settings, as the program that writes the documentation reads it."""

import importlib.util

from . import places

_spec = importlib.util.spec_from_file_location("directives", places.TOP / "tools/directives.py")
_tool = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_tool)


def rows():
    """All rows: member, kind, directive, json_key, otherwise, where, rule, help."""
    return _tool.rows_of(_tool.TABLE.read_text(encoding="utf-8"))
