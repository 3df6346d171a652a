# SPDX-License-Identifier: Apache-2.0
"""The command line tool, run on a store."""

import json
import os
import subprocess

from . import places


class A2md:
    """a2md with the options that all calls share."""

    def __init__(self, store, *options):
        self.store, self.options = store, [str(word) for word in options]

    def run(self, *words, code=0, stdin=None):
        """(standard output, standard error); the exit code must be `code`."""
        done = subprocess.run([places.a2md_under_test(), "-d", self.store, *self.options, *map(str, words)], text=True,
                              capture_output=True, timeout=60, check=False, input=stdin,
                              env={**os.environ, "NO_COLOR": "1"})
        assert done.returncode == code, f"{done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout, done.stderr

    def out(self, *words, **kw):
        """Standard output."""
        return self.run(*words, **kw)[0]

    def says(self, *words, code=1, **kw):
        """Standard error of a call that fails."""
        return self.run(*words, code=code, **kw)[1]

    def json(self, *words, code=0):
        """The JSON object that -j prints."""
        return json.loads(self.run("-j", *words, code=code)[0])
