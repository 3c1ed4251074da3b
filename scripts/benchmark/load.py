"""A load generator that costs little: raw HTTP/1.1 over TLS on uvloop, in processes of its own."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import random
import re
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

import uvloop

Requests = Callable[[random.Random, int], bytes]
"""Makes the next whole HTTP request, from a random source and a number that no other request has."""
_runs = itertools.count(1)


@dataclass
class Load:
    """What a run of load saw: answers in a second, and the times of all answers in seconds."""

    rate: float
    times: list[float]

    def percentile(self, share: float) -> float:
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class _Connection(asyncio.Protocol):
    """One keep-alive connection: sends a request when the answer before it is complete and right."""

    def __init__(self, requests: Requests, expected: bytes, until: float, seed: int):
        self.requests, self.expected, self.until = requests, expected, until
        self.random = random.Random(seed)
        self.number = seed * 1_000_000
        self.done: asyncio.Future[list[float]] = asyncio.get_running_loop().create_future()
        self.times: list[float] = []
        self.parts: list[bytes] = []
        self.missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.number += 1
        self.parts, self.missing = [], 0
        self.began = time.perf_counter()
        self.transport.write(self.requests(self.random, self.number))

    def data_received(self, data: bytes) -> None:
        self.parts.append(data)
        if self.missing:
            self.missing -= len(data)
        else:
            whole = b"".join(self.parts)
            end = whole.find(b"\r\n\r\n")
            if end < 0:
                return
            head = whole[:end].lower()
            size = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            self.missing = end + 4 + size - len(whole)
        if self.missing == 0:
            self.complete(b"".join(self.parts))

    def complete(self, answer: bytes) -> None:
        self.times.append(time.perf_counter() - self.began)
        if self.expected not in answer:
            self.done.set_exception(ValueError(f"an unexpected answer: {answer[-1500:]!r}"))
            self.transport.close()
        elif time.perf_counter() > self.until:
            self.done.set_result(self.times)
            self.transport.close()
        else:
            self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError("the server closed the connection"))


def _process(port: int, tls: dict[str, str], seconds: float, connections: int, seed: int, make, expected, out) -> None:
    async def run() -> list[float]:
        context = client_context(tls)
        loop = asyncio.get_running_loop()
        until = time.perf_counter() + seconds
        made = [
            (await loop.create_connection(
                lambda n=n: _Connection(make, expected, until, seed + n), "127.0.0.1", port, ssl=context,
                server_hostname="127.0.0.1",
            ))[1]
            for n in range(connections)
        ]  # fmt: skip
        return [each for connection in made for each in await connection.done]

    try:
        out.put(uvloop.run(run()))
    except Exception as error:
        out.put(error)


def client_context(tls: dict[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls["ca"])
    context.load_cert_chain(tls["certificate"], tls["key"])
    return context


def connect(port: int, tls: dict[str, str]) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", port), 60)
    return client_context(tls).wrap_socket(plain, server_hostname="127.0.0.1")


def once(port: int, tls: dict[str, str], request: bytes) -> bytes:
    """The body of the answer to one request."""
    with connect(port, tls) as link:
        link.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += link.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        while len(body) < length:
            body += link.recv(65536)
        return body


def load(
    port: int,
    tls: dict[str, str],
    make: Requests,
    expected: bytes,
    *,
    seconds: float,
    connections: int = 16,
    processes: int = 2,
) -> Load:
    """Load a server for some seconds; ValueError when an answer has not the expected bytes."""
    fork = multiprocessing.get_context("fork")
    out = fork.Queue()
    seed = next(_runs) * 1000
    each = connections // processes
    running = [
        fork.Process(target=_process, args=(port, tls, seconds, each, seed + n * 100, make, expected, out))
        for n in range(processes)
    ]
    for process in running:
        process.start()
    results = [out.get(timeout=seconds + 60) for _ in running]
    for process in running:
        process.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    times = [each for result in results for each in result]
    return Load(len(times) / seconds, times)
