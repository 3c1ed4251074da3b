"""What left the server is in its log: killed while ITI-18 and ITI-43 are answered (fault 2)."""

from __future__ import annotations

import contextlib
import itertools
import random
import re
import ssl
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from faultlib import messages
from faultlib.guarded import Guarded
from faultlib.messages import PLAIN
from faultlib.outcome import finished, outcome
from faultlib.trial import Trial

_LONGEST = 0.15
_CALLERS = 6
_SMALL, _LARGE = 20_000, 600_000
_REQUEST_ID = re.compile(rb"cid:\d+\.([0-9a-f]+-[0-9a-f]+)@xds")
_ANSWER = 20.0
_UNTIL_DONE = 60.0


@dataclass
class Asked:
    """What the callers got: whatever had at least one byte of an answer's body.

    `queries` are the marks of the queries, `retrievals` the request ids that answers show, `begun` how many answers
    began with each document.
    """

    queries: set[str] = field(default_factory=set)
    retrievals: set[str] = field(default_factory=set)
    begun: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    broken: int = 0


class Askers:
    """Threads that query and retrieve in turns, each a document of its own, while they may and until the block ends."""

    def __init__(self, subject: Guarded, documents: list[str]):
        self._subject = subject
        self._may, self._over = threading.Event(), threading.Event()
        self._changed = threading.Condition()
        self._busy = 0
        self.asked = Asked()
        self._threads = [threading.Thread(target=self._go_on, args=(each,), daemon=True) for each in documents]

    def __enter__(self) -> Askers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._may.set()
        until = time.monotonic() + _UNTIL_DONE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            raise TimeoutError(f"a request was neither answered nor broken off within {_UNTIL_DONE:.0f} s")

    def go(self) -> None:
        self._may.set()

    def hold(self) -> None:
        """Begin no further request; returns when those under way have ended."""
        self._may.clear()
        with self._changed:
            if not self._changed.wait_for(lambda: not self._busy, _UNTIL_DONE):
                raise TimeoutError(f"a request was neither answered nor broken off within {_UNTIL_DONE:.0f} s")

    def begin(self) -> None:
        """Go; returns when something was answered."""
        self._may.set()
        with self._changed:
            if not self._changed.wait_for(lambda: self.asked.answered > 0, _UNTIL_DONE):
                raise TimeoutError(f"nothing was answered within {_UNTIL_DONE:.0f} s")

    def _go_on(self, document: str) -> None:
        for turn in itertools.count():
            self._may.wait()
            if self._over.is_set():
                return
            with self._changed:
                if not self._may.is_set():
                    continue
                self._busy += 1
            (self._retrieve if turn % 2 else self._query)(document)
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _query(self, document: str) -> None:
        mark = messages.new_id()
        got, whole = received(self._subject, "/registry", messages.get_documents([document, mark]))
        with self._changed:
            if given(got):
                self.asked.queries.add(mark)
                self._count(whole)

    def _retrieve(self, document: str) -> None:
        wanted = messages.retrieve(self._subject.repository, [document])
        got, whole = received(self._subject, "/repository", wanted)
        with self._changed:
            if given(got):
                self.asked.begun[document] += 1
                self.asked.retrievals.update(found.decode() for found in _REQUEST_ID.findall(got)[:1])
                self._count(whole)

    def _count(self, whole: bool) -> None:
        self.asked.answered += whole
        self.asked.broken += not whole


def given(got: bytes) -> bool:
    """Whether this is, or begins, an answer with data; a fault or an error has none."""
    return got.startswith(b"HTTP/1.1 200") and b"ResponseStatusType:Failure" not in got


def received(subject: Guarded, path: str, body: bytes) -> tuple[bytes, bool]:
    """What arrives of an answer, its head included, and whether that was all."""
    signed = subject.signed(body)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {PLAIN}\r\nContent-Length: {len(signed)}\r\n\r\n"
    got = bytearray()
    with contextlib.suppress(OSError, ssl.SSLError), contextlib.closing(subject.dial(_ANSWER)) as link:
        link.sendall(head.encode() + signed)
        while chunk := link.recv(65_536):
            got += chunk
            start = got.find(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", got[: max(0, start)])
            if length and len(got) >= start + 4 + int(length[1]):
                return bytes(got), True
    return bytes(got), False


def unrecorded(subject: Guarded, asked: Asked, first: int, recorded: Counter[str]) -> tuple[list[str], int]:
    """What was given and is not in the log from a seq on, and the seq after it; `recorded` counts by document."""
    queries, retrievals = set[str](), set[str]()
    for seq, record in subject.records(first):
        first = seq + 1
        if record.kinds[0].code == "ITI-43":
            retrievals.add(record.request_id)
            recorded.update(each.unique_id for each in record.documents)
        else:
            queries.update(re.findall(r"2\.25\.\d+", record.query))
    damage = [f"the query {mark} was answered and is not in the log" for mark in asked.queries - queries]
    damage += [f"the retrieval {each} was answered and is not in the log" for each in asked.retrievals - retrievals]
    for document, count in asked.begun.items():
        if recorded[document] < count:
            damage.append(f"{document} was given {count} times, and {recorded[document]} are in the log")
    asked.queries.clear()
    asked.retrievals.clear()
    return damage, first


def released(trial: Trial) -> dict[str, Any]:
    """Kill the server again and again while six callers query and retrieve.

    Whoever got a byte of an answer is in the log: after each start what was answered since the one before is looked
    for. Where there are several workers, one is killed first and the others go on for a moment.
    """
    kills, damage, first, recorded = 0, list[str](), 0, Counter[str]()
    with contextlib.closing(trial.guarded()) as subject:
        server = subject.start()
        for number in range(_CALLERS):
            subject.submit(_LARGE if number % 2 else _SMALL)
        with Askers(subject, list(subject.acknowledged)) as askers:
            askers.begin()
            while kills < (2000 if trial.long else 10):
                askers.go()
                if trial.workers > 1:
                    time.sleep(random.uniform(0.0, _LONGEST))
                    server.kill_a_worker()
                    kills += 1
                time.sleep(random.uniform(0.0, _LONGEST))
                server.kill()
                kills += 1
                askers.hold()
                server = subject.start()
                missing, first = unrecorded(subject, askers.asked, first, recorded)
                damage += missing
                if kills % 100 == 0:
                    told = f"{kills} kills, {askers.asked.answered} answered, {len(damage)} unrecorded"
                    print(told, file=sys.stderr, flush=True)
        damage += unrecorded(subject, askers.asked, first, recorded)[0]
        damage += finished(subject, server)
        report = subject.judged()
        damage += [f"{found.kind} at {found.seq}: {found.text}" for found in report.findings]
    asked = askers.asked
    return outcome(
        damage, kills=kills, answered=asked.answered, broken_off=asked.broken, records=report.records,
        sealed=report.sealed, acknowledged=len(subject.acknowledged),
    )  # fmt: skip
