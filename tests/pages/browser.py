# SPDX-License-Identifier: Apache-2.0
"""Chromium, driven through browser.js."""

import json
import os
import pathlib
import subprocess

from kit.proc import wait_until

HERE = pathlib.Path(__file__).resolve().parent
MODULES = HERE.parents[1] / "build/pages/node_modules"


class Browser:
    """One Chromium; `new` gives an empty page, and any method of Playwright's page is a method here."""

    def __init__(self, log):
        with open(log, "ab") as errors:
            self.node = subprocess.Popen(["node", str(HERE / "browser.js")], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=errors, text=True,
                                         env={**os.environ, "NODE_PATH": str(MODULES)})

    def _order(self, **order):
        self.node.stdin.write(json.dumps(order) + "\n")
        self.node.stdin.flush()
        line = self.node.stdout.readline()
        if not line:
            raise RuntimeError("the browser is gone")
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer.get("value")

    def new(self, width=1280, height=900, dark=False, script=True):
        """An empty page in a profile of its own."""
        self._order(new={"viewport": {"width": width, "height": height}, "javaScriptEnabled": script,
                         "colorScheme": "dark" if dark else "light", "reducedMotion": "reduce"})
        return self

    def __getattr__(self, name):
        return lambda *args: self._order(call=name, args=args)

    def keyboard_press(self, key):
        """Presses a key."""
        self._order(call="keyboard.press", args=[key])

    def type_text(self, text):
        """Types where the focus is."""
        self._order(call="keyboard.type", args=[text])

    def run(self, function, arg):
        """What a function of the page says about an argument."""
        return self._order(call="evaluate", args=[f"({function})({json.dumps(arg)})"])

    def texts(self, selector):
        """What is written in each element that is there now."""
        return self.run("s => [...document.querySelectorAll(s)].map(e => e.textContent.trim().replace(/\\s+/g, ' '))",
                        selector)

    def wait(self, condition):
        """Waits until an expression is true in the page. Asked from here: the page's policy allows no eval."""
        wait_until(lambda: self._order(call="evaluate", args=[condition]), 20, condition)

    def wait_for_text(self, selector, text):
        """Waits until some element that the selector finds says this."""
        wait_until(lambda: any(text in each for each in self.texts(selector)), 20, f"{selector} says {text}")

    def violations(self):
        """What axe finds."""
        return self._order(axe=True)

    def said(self):
        """Errors of the page, what its policy refused, and "asks URL" for each request."""
        return self._order(said=True)

    def close(self):
        """Ends it."""
        self.node.stdin.close()
        try:
            self.node.wait(20)
        except subprocess.TimeoutExpired:
            self.node.kill()
            self.node.wait(10)
