"""What left the server is in its log: killed while ITI-18 and ITI-43 are answered (fault 2)."""

from __future__ import annotations

import contextlib
import itertools
import re
import ssl
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from faultlib import messages
from faultlib.callers import Callers, kill_and_start
from faultlib.guarded import Guarded
from faultlib.messages import PLAIN
from faultlib.outcome import finished, outcome
from faultlib.trial import Trial

_CALLERS = 6
_SMALL, _LARGE = 20_000, 600_000
_REQUEST_ID = re.compile(rb"cid:\d+\.([0-9a-f]+-[0-9a-f]+)@xds")
_ANSWER = 20.0


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
    """What queries and retrieves in turns, each document by a caller of its own."""

    def __init__(self, subject: Guarded):
        self._subject = subject
        self._counting = threading.Lock()
        self.asked = Asked()

    def callers(self, documents: Iterable[str]) -> Callers:
        return Callers([self._turns(each) for each in documents], lambda: self.asked.answered)

    def _turns(self, document: str) -> Callable[[], None]:
        ways = itertools.cycle((self._query, self._retrieve))
        return lambda: next(ways)(document)

    def _query(self, document: str) -> None:
        mark = messages.new_id()
        got, whole = received(self._subject, "/registry", messages.get_documents([document, mark]))
        with self._counting:
            if given(got):
                self.asked.queries.add(mark)
                self._count(whole)

    def _retrieve(self, document: str) -> None:
        wanted = messages.retrieve(self._subject.repository, [document])
        got, whole = received(self._subject, "/repository", wanted)
        with self._counting:
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
    killed, damage, first, recorded = 0, list[str](), 0, Counter[str]()
    with contextlib.closing(trial.guarded()) as subject:
        server = subject.start()
        for number in range(_CALLERS):
            subject.submit(_LARGE if number % 2 else _SMALL)
        askers = Askers(subject)
        with askers.callers(list(subject.acknowledged)) as callers:
            callers.begin()
            while killed < (2000 if trial.long else 10):
                kills, server = kill_and_start(trial, subject, server, callers)
                killed += kills
                missing, first = unrecorded(subject, askers.asked, first, recorded)
                damage += missing
                if killed % 100 == 0:
                    told = f"{killed} kills, {askers.asked.answered} answered, {len(damage)} unrecorded"
                    print(told, file=sys.stderr, flush=True)
        damage += unrecorded(subject, askers.asked, first, recorded)[0]
        damage += finished(subject, server)
        report = subject.judged()
        damage += [f"{found.kind} at {found.seq}: {found.text}" for found in report.findings]
    asked = askers.asked
    return outcome(
        damage, kills=killed, answered=asked.answered, broken_off=asked.broken, records=report.records,
        sealed=report.sealed, acknowledged=len(subject.acknowledged),
    )  # fmt: skip
