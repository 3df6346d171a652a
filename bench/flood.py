# SPDX-License-Identifier: Apache-2.0
"""The client that only floods the CA: several processes with one connection each that place order after order, keep
no key, save no file and serve no TLS. What it reaches is what the CA and this machine can give."""

import asyncio
import multiprocessing
import time

from kit import acme, pki
from kit.proc import port_answers, wait_until


def answer_challenges(port, thumbprint):
    """Answer every http-01 question on this port: the token is in the path."""
    async def answer(reader, writer):
        try:
            request = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:             # somebody only looked whether we are there
            return writer.close()
        token = request.split(b" ", 2)[1].rsplit(b"/", 1)[1]
        body = token + b"." + thumbprint.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        return writer.close()

    async def serve():
        server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=512)
        async with server:
            await server.serve_forever()
    asyncio.run(serve())


def place_orders(ca_url, ca_file, account, names, done):
    """One connection that works through the names."""
    client = acme.Client(ca_url, ca_file, account)
    while True:
        name = names.get()
        if name is None:
            return
        client.issue([name], pki.new_key(), pause=0.003)
        done.put(time.monotonic())


def flood(ca, hosts, connections):
    """Seconds to issue one certificate for each host."""
    account = acme.Account()
    acme.Client(ca.url, ca.ca_file, account).register()
    names, done = multiprocessing.Queue(), multiprocessing.Queue()
    for name in hosts + [None] * connections:
        names.put(name)
    answering = multiprocessing.Process(target=answer_challenges, args=(ca.http_port, account.thumbprint), daemon=True)
    answering.start()
    wait_until(lambda: port_answers(ca.http_port), 10, "the answers to challenges")
    workers = [multiprocessing.Process(target=place_orders, args=(ca.url, ca.ca_file, account, names, done), daemon=True)
               for _ in range(connections)]
    began = time.monotonic()
    for worker in workers:
        worker.start()
    try:
        return max(done.get(timeout=30) for _ in hosts) - began
    finally:
        for process in [answering, *workers]:
            process.terminate()
            process.join(10)
