# SPDX-License-Identifier: Apache-2.0
"""Knot, an authoritative name server that takes dynamic updates, and a relay before it that can be made to lag."""

import base64
import os
import select
import shutil
import socket
import subprocess
import threading

from .proc import Proc, free_port, port_answers, wait_until

KEY = "md-key"
SOA = "@ 60 SOA ns hostmaster 1 60 60 600 1\n@ 60 NS ns\n@ 60 A 127.0.0.1\nns 60 A 127.0.0.1\n"


def knot_program():
    """The knotd binary: $KNOTD, else what the system has."""
    found = os.environ.get("KNOTD") or shutil.which("knotd") or shutil.which("/usr/sbin/knotd")
    if not found:
        raise RuntimeError("no knotd found: install knot or set $KNOTD")
    return found


class Knot:
    """One Knot with zones of our own. Those in `open_zones` can be updated with the key."""

    def __init__(self, folder, zones, open_zones):
        self.folder, self.dns_port = folder, free_port()
        self.secret = base64.b64encode(os.urandom(32)).decode()
        self.secret_file = folder / "update.key"
        self.secret_file.write_text(self.secret + "\n")
        for zone, records in zones.items():
            (folder / f"{zone}.zone").write_text(f"$ORIGIN {zone}.\n{SOA}{records}")
        (folder / "run").mkdir()
        (folder / "knot.conf").write_text(self._config(zones, open_zones))
        self.proc = Proc([knot_program(), "-c", folder / "knot.conf"], folder / "knot.log")
        wait_until(self._is_up, 10, "Knot answers")

    def _config(self, zones, open_zones):
        return f"""server:
    listen: 127.0.0.1@{self.dns_port}
    rundir: {self.folder}/run
database:
    storage: {self.folder}/run
log:
  - target: stdout
    any: info
key:
  - id: {KEY}
    algorithm: hmac-sha256
    secret: {self.secret}
acl:
  - id: update
    key: {KEY}
    action: update
zone:
""" + "".join(f"""  - domain: {zone}
    storage: {self.folder}
    file: {zone}.zone
    journal-content: changes
    zonefile-load: whole
    zonefile-sync: -1
{"    acl: update" if zone in open_zones else ""}
""" for zone in zones)

    def _is_up(self):
        if not self.proc.alive():
            raise RuntimeError("Knot ended:\n" + self.proc.output()[-2000:])
        return port_answers(self.dns_port)

    def texts(self, name):
        """The TXT records of a name, as the server answers them over UDP."""
        query = os.urandom(2) + bytes.fromhex("00000001000000000000")
        query += b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0\0\x10\0\x01"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.sendto(query, ("127.0.0.1", self.dns_port))
            answer = sock.recv(4096)
        count, at, found = int.from_bytes(answer[6:8], "big"), len(query), []
        for _ in range(count):
            at += 2 + 8                                 # a pointer to the question's name; type, class, TTL
            size = int.from_bytes(answer[at:at + 2], "big")
            found.append(answer[at + 3:at + 2 + size].decode())
            at += 2 + size
        return found

    def add_text(self, zone, label, text):
        """Give a name of the zone a TXT record, as its owner would by hand."""
        strings = " ".join(f'"{text[at:at + 255]}"' for at in range(0, len(text), 255))
        for words in (["zone-begin", zone], ["zone-set", zone, label, "60", "TXT", strings], ["zone-commit", zone]):
            subprocess.run([os.path.join(os.path.dirname(knot_program()), "knotc"), "-c", self.folder / "knot.conf", *words],
                           check=True, timeout=10, stdout=subprocess.DEVNULL)

    def stop(self):
        """End it."""
        self.proc.stop()


class Relay:
    """Passes TCP and UDP on to a name server, but drops UDP questions about TXT while `lagging`."""

    def __init__(self, port):
        self.target, self.port = ("127.0.0.1", port), free_port()
        self.lagging, self.dropped = threading.Event(), 0
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.tcp = socket.create_server(("127.0.0.1", self.port))
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while not self.stopped.is_set():
            for sock in select.select([self.udp, self.tcp], [], [], 0.1)[0]:
                try:
                    (self._pass_question if sock is self.udp else self._pass_stream)()
                except OSError:
                    pass

    def _pass_question(self):
        query, client = self.udp.recvfrom(4096)
        if self.lagging.is_set() and b"\0\0\x10\0\x01" in query:
            self.dropped += 1
            answer = query[:2] + bytes([0x84, 0]) + query[4:6] + bytes(6) + query[12:query.index(b"\0\0\x10\0\x01") + 5]
        else:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
                out.settimeout(2)
                out.sendto(query, self.target)
                answer = out.recv(4096)
        self.udp.sendto(answer, client)

    def _pass_stream(self):
        with self.tcp.accept()[0] as client, socket.create_connection(self.target, timeout=5) as out:
            client.settimeout(2)
            while True:
                for sock in select.select([client, out], [], [], 2)[0] or [None]:
                    data = sock.recv(4096) if sock else b""
                    if not data:
                        return
                    (out if sock is client else client).sendall(data)

    def stop(self):
        """End it."""
        self.stopped.set()
        self.thread.join(10)
        self.udp.close()
        self.tcp.close()
