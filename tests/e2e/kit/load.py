# SPDX-License-Identifier: Apache-2.0
"""A bounded load of https clients, some keeping connections, some resuming, some always new; counts failures."""

import threading
import time

from . import tls


class Load:
    """Clients of one name. Use as a context manager; `report` tells what they saw."""

    KINDS = ("keeps", "resumes", "renews")

    def __init__(self, port, name, roots=None, each=2, pause=0.005, kinds=KINDS):
        self.port, self.name, self.roots, self.pause = port, name, roots, pause
        self.requests, self.failures, self.resumed = 0, [], 0
        self.connects = dict.fromkeys(kinds, 0)
        self.serials = {}               # serial -> time it was first seen
        self._lock, self._ended = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(kind,), daemon=True)
                        for kind in kinds for _ in range(each)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self.stop()

    def stop(self):
        """End the load."""
        self._ended.set()
        for thread in self.threads:
            thread.join(20)

    def _run(self, kind):
        visitor = tls.Visitor(self.port, self.name, self.roots)
        while not self._ended.is_set():
            try:
                self.connects[kind] += visitor.conn is None
                status = visitor.get("/")[0]
                self._note(visitor, None if status == 200 else f"status {status}")
            except Exception as err:            # every way to fail counts as a failed request
                self._note(visitor, repr(err))
                visitor = tls.Visitor(self.port, self.name, self.roots)
            if kind != "keeps":
                visitor.close()
            if kind == "renews":
                visitor.session = None
            self._ended.wait(self.pause)
        visitor.close()

    def _note(self, visitor, failure):
        with self._lock:
            self.requests += 1
            self.resumed += bool(visitor.resumed)
            if failure:
                self.failures.append((round(time.monotonic(), 3), failure))
            if visitor.cert:
                self.serials.setdefault(visitor.cert.serial_number, time.monotonic())

    def report(self):
        """One line for people."""
        return (f"{self.requests} requests, {len(self.failures)} failed, {self.resumed} on resumed sessions, "
                f"{len(self.serials)} certificates seen")
