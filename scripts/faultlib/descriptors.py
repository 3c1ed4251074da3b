"""File descriptors run out (fault 12)."""

from __future__ import annotations

import contextlib
import http.client
import os
import resource
from collections.abc import Iterator
from typing import Any, NamedTuple

from faultlib import messages
from faultlib.messages import MULTIPART, PLAIN, Submitted
from faultlib.outcome import finished, outcome, unavailable
from faultlib.recovery import recovered
from faultlib.subject import Subject, hashes
from faultlib.trial import Trial

_MOST = 40
_STORED = 5 << 20
_ANSWER = 5.0


class _Request(NamedTuple):
    """A kind of request: three ways to need descriptors. A size of None asks ITI-43 for what was stored before."""

    size: int | None
    count: int = 1
    connected: bool = True


_REQUESTS = {
    "small document": _Request(2_000),  # kept in memory until it is stored
    "large documents": _Request(200_000, 3),  # each staged in a file of its own
    "retrieval": _Request(None),
    "new connection": _Request(2_000, connected=False),
}


def descriptors(trial: Trial) -> dict[str, Any]:
    """Let a server that was just started open 0, 1, 2, … more descriptors during a request, until that is enough.

    So each place where one is opened is the one where they run out. A request on an open connection must get a proper
    answer, one that needs a connection may get none; and when there are descriptors again, all must be as before.
    """
    if trial.workers > 1:
        return unavailable("counts the descriptors of one process: needs --workers 1")
    refused, damage = dict.fromkeys(_REQUESTS, 0), list[str]()
    with contextlib.closing(trial.subject()) as subject:
        server = subject.start()
        stored = messages.provide_and_register(_STORED)
        subject.note(stored, subject.exchange("POST", "/repository", stored.body, MULTIPART)[0])
        for kind, request in [*_REQUESTS.items()] * (10 if trial.long else 1):
            for spare in range(_MOST):
                server.kill()
                server = subject.start()
                accepted, wrong = attempt(subject, server.pid, spare, request, stored)
                damage += [f"{kind}, {spare} descriptors to spare: {each}" for each in wrong]
                if accepted:
                    break
                refused[kind] += 1
                if server.ended(0):
                    damage.append(f"{kind}, {spare} descriptors to spare: the server ended")
                server, well = recovered(subject, server)
                if not well:
                    damage.append(f"{kind}: no submission after {spare} descriptors to spare")
        damage += [f"{kind}: the descriptors never ran out" for kind, count in refused.items() if not count]
        damage += finished(subject, server)
    return outcome(damage, refused=sum(refused.values()), by_request=refused, acknowledged=len(subject.acknowledged))


def attempt(subject: Subject, pid: int, spare: int, request: _Request, stored: Submitted) -> tuple[bool, list[str]]:
    """Whether a request was accepted while the server could open `spare` more descriptors; what was wrong with that."""
    submitted = messages.provide_and_register(request.size, request.count) if request.size is not None else None
    with contextlib.closing(subject.connect(_ANSWER)) as connection:
        if request.connected:
            connection.request("GET", "/health")
            connection.getresponse().read()
        with at_most(pid, spare):
            try:
                if submitted is not None:
                    connection.request("POST", "/repository", submitted.body, {"Content-Type": MULTIPART})
                else:
                    wanted = messages.retrieve(subject.repository, list(stored.documents))
                    connection.request("POST", "/repository", wanted, {"Content-Type": PLAIN})
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                return False, [f"no answer ({type(error).__name__})"] if request.connected else []
    if submitted is not None:
        accepted = subject.note(submitted, body)
    else:
        given = hashes(body, answer.getheader("Content-Type", ""))
        accepted = given >= {subject.acknowledged[each] for each in stored.documents}
    proper = accepted or (answer.status in (200, 500) and (b"RegistryError " in body or b":Receiver<" in body))
    return accepted, [] if proper else [f"an answer of status {answer.status} without an error"]


@contextlib.contextmanager
def at_most(pid: int, spare: int) -> Iterator[None]:
    """Let a process open this many descriptors more, counted from those that it has open."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    opened = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    unused = [number for number in range(len(opened) + spare + 1) if number not in opened]
    # The limit is on the number of a descriptor, and a new one gets the lowest that is unused.
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (unused[spare], before[1]))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
