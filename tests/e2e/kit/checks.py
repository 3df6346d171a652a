# SPDX-License-Identifier: Apache-2.0
"""What tests want to be true of a server, said once."""

import contextlib
import itertools
import threading

from . import tls
from .proc import wait_until
from .store import dns_names

COUNTER = itertools.count(1)


def every_child_shows(httpd, name, cert, timeout=15.0):
    """All children of the server answer handshakes for `name` with `cert`, in TLS 1.2 and 1.3."""
    seen = {"1.2": set(), "1.3": set()}

    def probe(version):
        path = f"/?probe={next(COUNTER)}"
        with contextlib.ExitStack() as open_ones:
            visitors = [tls.Visitor(httpd.https_port, name, version=version) for _ in range(4)]
            for visitor in visitors:
                open_ones.callback(visitor.close)
            threads = [threading.Thread(target=visitor.open) for visitor in visitors]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
            for visitor in visitors:
                assert visitor.cert == cert, f"a child shows another certificate in TLS {version}"
                visitor.get(path)
        seen[version] |= {int(line.split()[1]) for line in httpd.access_log() if path + " " in line}

    def all_seen():
        children = set(httpd.children())
        for version in seen:
            if not children <= seen[version]:
                probe(version)
        return all(children <= pids for pids in seen.values())
    wait_until(all_seen, timeout, "all children were seen to answer", pause=0)


def covers(cert, *names):
    """Whether the certificate is good for exactly these names."""
    return set(dns_names(cert)) == set(names)


def promoted(httpd, md, cert, file="pubcert.pem", timeout=30.0):
    """Wait until the certificate is in the live folder and staging is free again."""
    wait_until(lambda: httpd.store.cert(md, name=file) == cert and not httpd.store.file("staging", md, file).exists(),
               timeout, f"{md} moves from staging to domains", pause=0.1)
