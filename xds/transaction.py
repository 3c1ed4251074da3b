"""A transaction of the standard, its context, and how the transactions are found.

Each transaction is one leaf file, `registry/iti18_….py`, with a `TRANSACTION`. `TRANSACTIONS` has them all.
May import: ports, model, errors.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from xds.model.affinity_domain import AffinityDomain
from xds.model.audit import Access as Accessed
from xds.model.audit import Entry, Event
from xds.model.party import Participant, Requester
from xds.ports import Access, Documents, Index, Registrar, RegistryApart, Staged

if TYPE_CHECKING:
    from lxml.etree import _Element


@dataclass(frozen=True, slots=True)
class Registry:
    """What the Document Registry works with. `affinity_domain` and `now` are asked at each request."""

    index: Index
    affinity_domain: Callable[[], AffinityDomain]
    now: Callable[[], datetime]
    home_community_id: str | None
    max_results: int


@dataclass(frozen=True, slots=True)
class Repository:
    """What the Document Repository works with. `unique_id` is its repositoryUniqueId, a bare OID.

    `apart` is its registry where that is in another process; None where `index` has the registry's objects too.
    """

    index: Index
    documents: Documents
    registrar: Registrar
    unique_id: str
    home_community_id: str | None
    apart: RegistryApart | None = None


class Telling(Protocol):
    """Makes the event of one request, for the log, of what is told of it; None where there is no log.

    `transaction` is told where the log has another name for it than the request's.
    """

    def __call__(
        self,
        outcome: int,
        accesses: Sequence[Accessed] = (),
        *,
        outcome_text: str = "",
        submission_set: str = "",
        query_id: str = "",
        query: str = "",
        transaction: str = "",
    ) -> Event | None: ...


def unrecorded(outcome: int, accesses: Sequence[Accessed] = (), **told: str) -> Event | None:
    """`Telling` on a server without a log."""
    return None


class Context(NamedTuple):
    """One request. `attachments` are its MTOM parts by Content-ID, without the angle brackets.

    `requester` is None where nobody need be known: then everything may be seen. A known one sees what `access`
    permits, and nothing where there is no `access`. `participant` is the system that sends, where that must be known.
    `started` is UTC. `event` tells the log what was done, and `entries` makes its records of that, for a write.
    `assertion` is asked for the requester's, for a registry in another process; None without one.
    """

    request_id: str
    registry: Registry | None
    repository: Repository | None
    attachments: Mapping[str, Staged]
    started: datetime
    requester: Requester | None = None
    participant: Participant | None = None
    access: Access | None = None
    event: Telling = unrecorded
    entries: Callable[[Event], Sequence[Entry]] = lambda event: ()
    assertion: Callable[[], bytes | None] = lambda: None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A part of an MTOM answer; the body refers to it as cid:<content_id>. `size` in bytes."""

    content_id: str
    mime_type: str
    size: int
    chunks: Callable[[], AsyncIterator[bytes]]


class Reply(NamedTuple):
    """The answer: the element that goes into the SOAP Body, as UTF-8 in pieces, with its namespaces declared.

    `status` ("Success", "PartialSuccess", "Failure") and `codes` are for logs and metrics. `event` is what must be
    durable in the log before the answer leaves; None where nothing is recorded, or a write has done so.
    `lacking`: it has nothing, or not all that was asked for; from when it leaves nobody may learn whether there was
    something that they may not see.
    """

    body: Sequence[bytes]
    attachments: tuple[Outgoing, ...] = ()
    status: str = "Success"
    codes: tuple[str, ...] = ()
    event: Event | None = None
    lacking: bool = False


class Answered(NamedTuple):
    """What became of a request, for logs and metrics: never a word of what was in it.

    `transaction` is a number such as "ITI-18", or "unknown". `at` is when the answer was ready, in seconds since
    1970; `seconds` is the time that it took; `received` and `sent` are bytes. `verdicts` are the rules that decided,
    one for each patient, with whether they permitted.
    """

    request_id: str
    transaction: str
    status: str
    codes: Sequence[str]
    at: float
    seconds: float
    received: int
    sent: int
    verdicts: Sequence[tuple[str, bool]] = ()


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction as the SOAP service sees it.

    `request` is the QName of the body element in Clark notation. `actor` is "registry" or "repository".
    `mtom` says whether the answer is always ("always") or only after an MTOM request ("mirror") or never
    ("never") an MTOM message. `person_needed` is False where systems talk to each other. `passed_on` is True for what a
    repository in another process may pass on. Source: ITI TF-2: Appendix V.
    """

    number: str
    name: str
    actor: str
    request: str
    action: str
    response_action: str
    mtom: str
    answer: Callable[[_Element, Context], Awaitable[Reply]]
    person_needed: bool = True
    passed_on: bool = False


def discover(*packages: str) -> tuple[Transaction, ...]:
    """The TRANSACTION of every module named iti… in these packages, by number; one without it is not SOAP."""
    found: list[Transaction] = []
    for package in packages:
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if module.name.startswith("iti"):
                leaf = importlib.import_module(f"{package}.{module.name}")
                found += [leaf.TRANSACTION] if hasattr(leaf, "TRANSACTION") else []
    return tuple(sorted(found, key=lambda transaction: transaction.number))
