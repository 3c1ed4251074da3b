"""What a page is asked, and what it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import urlencode

from multidict import MultiDict, MultiMapping

from xds.audit.checkpoint import Signer
from xds.audit.hint_rules import HintRules
from xds.consent import Policy
from xds.model.audit import Entry, Event, LogSelection, Record
from xds.model.hl7 import CX
from xds.model.party import Participant
from xds.model.viewer import Session
from xds.pages.listing import Listing
from xds.ports import Index, Reader, Trail, Writer

T = TypeVar("T")
_FIRST_PAGE = 50
_MOST = 1000
_DIGITS = 9


class Format(Enum):
    """In what form an answer is asked. The value is the suffix of the address."""

    HTML = ""
    JSON = ".json"
    CSV = ".csv"


class Certificate(NamedTuple):
    """A certificate of this system: what it is for, in Dutch, and until when it is valid."""

    use: str
    expires: datetime


class Store(NamedTuple):
    """A place that fills up, in bytes; `free` is None where it has no end of its own."""

    name: str
    used: int
    free: int | None


class Machine(Protocol):
    """What can be known of the system itself. `feed` is the name of the audit repository's feed, None without one."""

    feed: str | None

    def certificates(self) -> list[Certificate]: ...

    def stores(self) -> list[Store]: ...


class Missing(Exception):
    """What is asked for doesn't exist, or may not be seen by who asks: the two are answered alike."""


class Unclear(Exception):
    """A word of the address can't be meant; `mistake` tells who typed it why, in Dutch."""

    def __init__(self, word: str, mistake: str):
        super().__init__(mistake)
        self.word = word
        self.mistake = mistake


@dataclass(frozen=True, slots=True)
class Sources:
    """What pages are made of.

    `patient_key` is the log's keyed hash of a patient, as CX text, `surname_key` that of a surname. `turned_away`
    is told of sign-ins by nobody that is known here, by address and reason: they are counted, because anybody can
    make as many as they like. `rules` raise hints. `signer` reads the log's key, Unavailable while that is away: it is
    kept for no longer than an export is signed. `policy` says who may see what; None where nothing was laid down. They
    are asked for when they are needed, because they may be read again meanwhile.
    """

    index: Index
    trail: Trail
    entries: Callable[[Event], Sequence[Entry]]
    patient_key: Callable[[str], bytes]
    surname_key: Callable[[str], bytes]
    clock: Callable[[], datetime]
    machine: Machine
    turned_away: Callable[[str, str], None]
    rules: Callable[[], HintRules]
    signer: Callable[[], Signer]
    policy: Callable[[], Policy | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAsk:
    """A request for a page that anybody may see. `participants` reads the register of connected systems."""

    path: str
    match: Mapping[str, str]
    query: MultiMapping[str]
    format: Format
    now: datetime
    participants: Callable[[], Awaitable[list[Participant]]]

    @property
    def limit(self) -> int:
        """How many rows to answer: a page, or of JSON and CSV more."""
        wanted = self.query.get("limit", "")[:_DIGITS]
        if wanted.isascii() and wanted.isdigit() and int(wanted) > 0:
            return min(int(wanted), _MOST)
        return _FIRST_PAGE if self.format is Format.HTML else _MOST

    def url(self, suffix: str = "", **changes: str | None) -> str:
        """This address with other words in its query; None takes one away."""
        kept: MultiDict[str] = MultiDict(self.query)
        for name, value in changes.items():
            kept.popall(name, None)
            if value is not None:
                kept.add(name, value)
        given = urlencode([(name, value) for name, value in kept.items() if value])
        return f"{self.path}{suffix}{'?' if given else ''}{given}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(PublicAsk):
    """A request of somebody who is signed in and may see the page. `form` is empty but for a POST."""

    session: Session
    address: str
    form: MultiMapping[str]
    sources: Sources

    async def read(self, question: Callable[[Reader], T]) -> T:
        """Ask the index."""
        return await self.sources.index.read(question)

    @property
    def bound(self) -> str | None:
        """The organisation, by its URA, whose auditor asks; None for who sees the whole exchange."""
        return None if self.session.auditor is None else self.session.auditor.organisation

    def scoped(self, selection: LogSelection) -> LogSelection:
        """The selection within what the auditor may see: of one organisation what that did, and what others did to
        its documents. Source: NEN 7513: 9 (the overviews for the holder of a dossier).
        """
        if self.session.auditor is None:
            raise Missing
        return selection._replace(concerns=self.bound)

    def may_read(self, record: Record | None) -> bool:
        """Whether a record is within that; of what was deleted nobody knows whose it was."""
        if self.bound is None:
            return True
        return record is not None and self.bound in (record.user.person.organisation, *record.holders)


class Seen(NamedTuple):
    """What is shown, for the log: the page, in Dutch, and the question that was put to it.

    `patients` are those whose data are shown, where it is about some; `words` hold no patient's number. `kind` is a
    key of `xds.audit.events.KINDS`.
    """

    what: str
    words: tuple[tuple[str, str], ...] = ()
    patients: tuple[CX, ...] = ()
    kind: str = "log-read"


class View(NamedTuple):
    """An answer that is shown: the template is given `context`, and the listing as `listing`."""

    template: str
    seen: Seen
    context: Mapping[str, Any] = {}
    listing: Listing | None = None
    status: int = 200


class PublicView(NamedTuple):
    """What anybody may see."""

    template: str
    context: Mapping[str, Any] = {}
    listing: Listing | None = None


class Done(NamedTuple):
    """A form was carried out: `apply` changes the index, together with the record of it; then the browser goes on to
    `location`."""

    seen: Seen
    location: str
    apply: Callable[[Writer], None] = lambda writer: None


class File(NamedTuple):
    """An answer that is taken away as a file, in pieces that are made while it is sent."""

    seen: Seen
    name: str
    content_type: str
    pieces: AsyncIterator[bytes]


Page = Callable[[Ask], Awaitable[View | File]]
PublicPage = Callable[[PublicAsk], Awaitable[PublicView]]
Action = Callable[[Ask], Awaitable[Done | View]]
