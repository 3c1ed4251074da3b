"""What the core needs of the world, as protocols. Each port has one conformance suite in tests/contracts.

May import: model, errors. The log's are in `log`, those of hints in `hints`, those of who looks at the pages in
`viewers`, those of what auditors keep in `desk`; all are found here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol, TypeVar

from xds.errors import Issue
from xds.model.audit import Entry, Event
from xds.model.consent import (
    Answer,
    Candidate,
    ClientFacts,
    Consent,
    Emergency,
    PolicyText,
    Question,
    TreatmentRelation,
)
from xds.model.objects import AnyObject, DocumentEntry, Submission
from xds.model.party import Participant, Requester
from xds.model.selection import AssociationSelection, EntrySelection, FolderSelection, SetSelection
from xds.model.stored import Holding, StoredAssociation, StoredEntry, StoredFolder, StoredSet
from xds.model.verdict import Verdict
from xds.ports.desk import DeskReader, DeskWriter
from xds.ports.hints import HintReader, HintWriter
from xds.ports.log import LogReader, LogWriter
from xds.ports.viewers import ViewerReader, ViewerWriter

__all__ = [
    "Access",
    "AnyStored",
    "ConsentReader",
    "ConsentSource",
    "ConsentWriter",
    "DeskReader",
    "DeskWriter",
    "Documents",
    "HintReader",
    "HintWriter",
    "Index",
    "LogReader",
    "LogWriter",
    "Reader",
    "Registrar",
    "RegistryApart",
    "Staged",
    "Staging",
    "Trail",
    "ViewerReader",
    "ViewerWriter",
    "Writer",
]

T = TypeVar("T")


class Reader(Protocol):
    """The index as one consistent snapshot. Every method is one SELECT; answers have a stable order.

    Unavailable is raised when the database does not answer.
    """

    log: LogReader

    def patient(self, patient_id: str) -> int | None:
        """The key of a known patient, by CX text; None when never fed, or merged away."""

    def entries(self, selection: EntrySelection, limit: int | None = None) -> list[StoredEntry]:
        """At most `limit` entries, oldest registration first; any of them where there are more."""

    def submission_sets(self, selection: SetSelection, limit: int | None = None) -> list[StoredSet]: ...

    def folders(self, selection: FolderSelection, limit: int | None = None) -> list[StoredFolder]: ...

    def associations(self, selection: AssociationSelection, limit: int | None = None) -> list[StoredAssociation]: ...

    def taken(self, uuids: Sequence[str], unique_ids: Sequence[str]) -> set[str]:
        """Which of these entryUUIDs belong to an object of any kind, and which of these uniqueIds belong to
        a submission set or folder."""

    def holdings(self, unique_ids: Sequence[str]) -> list[Holding]:
        """The documents with these uniqueIds that the repository holds."""

    @property
    def consents(self) -> ConsentReader: ...

    @property
    def viewers(self) -> ViewerReader: ...

    @property
    def desk(self) -> DeskReader: ...

    @property
    def hints(self) -> HintReader: ...

    def participants(self) -> list[Participant]:
        """Every participant once for each of its certificates, in the order in which they were added."""

    def participant(self, certificate: str) -> Participant | None:
        """The participant that has the certificate with this SHA-256 (lower-case hex), also a suspended one."""


class Writer(Reader, Protocol):
    """The index inside one write transaction, in which no other writer runs."""

    log: LogWriter

    def insert(self, objects: Sequence[tuple[AnyObject, bytes]], patient: int) -> None:
        """Add new objects with their packed fragments. All have final ids, status and version."""

    def replace(self, objects: Sequence[tuple[AnyObject, bytes]]) -> None:
        """Rewrite status, version-independent search columns and fragment of existing objects, by entryUUID."""

    def hold(self, holdings: Sequence[Holding]) -> None:
        """Record documents that the repository holds; one that is recorded already with the same address stays."""

    def release(self, unique_ids: Sequence[str]) -> None:
        """Forget documents of a submission that was refused."""

    @property
    def consents(self) -> ConsentWriter: ...

    @property
    def viewers(self) -> ViewerWriter: ...

    @property
    def desk(self) -> DeskWriter: ...

    @property
    def hints(self) -> HintWriter: ...

    def record(self, entries: Sequence[Entry]) -> None:
        """Add records to the log, which become durable with the change, or not at all.

        ValueError when one of their requests has a record of that number already.
        """

    def add_patient(self, patient_id: str) -> bool:
        """Make a patient known; False when it was known already (or was merged away, which stays)."""

    def merge_patient(self, subsumed: str, surviving: str) -> list[AnyStored]:
        """Move every object of `subsumed` to `surviving` and make `subsumed` unknown for good.

        Returns the moved entries, submission sets and folders, whose fragments still name the old patient:
        the caller replaces them. Both are made known when they were not.
        """

    def claim_assertion(self, assertion: str, participant: int, expires: datetime) -> tuple[int, bool]:
        """The participant that owns an assertion, this one if it had no owner, and whether that is new.

        `assertion` is the SHA-256 (lower-case hex) of what tells it from all others.
        """

    def forget_assertions(self, before: datetime) -> None:
        """Drop the assertions that expired before then."""


class ConsentReader(Protocol):
    """What clients allow, who treats them, and what documents are to consent. Every method is one SELECT."""

    def facts(self, patients: Iterable[int]) -> dict[int, ClientFacts]:
        """What decides about the documents of these patients, by their keys."""

    def candidates(self, entries: Iterable[StoredEntry]) -> list[Candidate]:
        """What each document is to consent, in order; no SELECT when their codes were met before."""

    def versions(self, patient: int) -> list[Consent]:
        """Every word that a client ever gave, oldest first."""

    def clients_after(self, patient: int, limit: int) -> list[int]:
        """The keys of at most `limit` patients of whom there is a consent, beginning after `patient`."""

    def relations(self, patient: int) -> list[TreatmentRelation]:
        """The newest treatment relation with each organisation."""

    def relation_versions(self, patient: int) -> list[tuple[TreatmentRelation, datetime]]:
        """Every treatment relation as it was ever recorded, with when it was, oldest first."""

    def emergencies(self, since: datetime, until: datetime) -> list[tuple[str, Emergency]]:
        """Whenever the glass was broken from `since` to before `until`, with the patient's CX, oldest first."""

    def policies(self) -> list[PolicyText]:
        """Every version of the policy that was in force since versions are kept, oldest first."""


class ConsentWriter(ConsentReader, Protocol):
    """The consent register inside a write transaction. Nothing in it is ever changed: what is new is added."""

    def add_consent(self, patient: int, consent: Consent) -> int:
        """The number that a word of a client gets; the one that it has is not looked at."""

    def add_relation(self, patient: int, relation: TreatmentRelation, recorded_by: str, recorded_at: datetime) -> int:
        """The number that a treatment relation gets."""

    def add_emergency(self, patient: int, emergency: Emergency) -> int:
        """Record that the glass was broken."""

    def add_notice(self, patient: int, category: str, recorded_by: str, sent_at: datetime) -> int:
        """Record that a client was told of a category of organisations that joined."""

    def join(self, kind: str, at: datetime) -> bool:
        """Record that organisations of this kind take part; False when some did before."""

    def put_in_force(self, policy: PolicyText) -> bool:
        """Keep a policy as the one in force; False when the newest has the same content."""

    def set_birth_date(self, patient: int, birth_date: date) -> None: ...


AnyStored = StoredEntry | StoredSet | StoredFolder


class Index(Protocol):
    """The registry's index and the repository's list of holdings, in one database."""

    async def read(self, question: Callable[[Reader], T]) -> T:
        """Run `question` against one snapshot."""

    async def write(self, change: Callable[[Writer], T]) -> T:
        """Run `change` in a write transaction, alone; return when it is durable.

        What `change` raises undoes all that it did, and nothing else, and is raised here. Changes of several
        callers share a commit: when one of them fails, the others are undone and run again.
        """


class Claim(Protocol):
    """The right to do what only one process may do at a time, of all that use a database; it ends with the process."""

    def held(self) -> bool:
        """Whether it is still ours."""

    def release(self) -> None:
        """Give it up; never raises."""


class Trail(Protocol):
    """The log, for what reads."""

    async def append(self, event: Event) -> None:
        """Record an event, with one record for each patient, numbered without gaps; return when that is durable.

        ValueError when the request has such a record already, Unavailable when the log can't be written: then none of
        the event's records is there, and no data may be given.
        """


class Log(NamedTuple):
    """The log, for what answers requests.

    `entries` makes the records of an event, for a write. `append` records one, as in `Trail`. `may_give` says whether
    data may leave at all: not while what was recorded is out of everybody else's reach for too long.
    """

    entries: Callable[[Event], Sequence[Entry]]
    append: Callable[[Event], Awaitable[None]]
    may_give: Callable[[], bool]


class Staged(Protocol):
    """A document that was received completely and is not yet committed."""

    hash: str
    """SHA-1, lower-case hex."""
    address: str
    """SHA-256, lower-case hex."""
    size: int


class Staging(Protocol):
    """A document being received."""

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take bytes; the caller may reuse the buffer when this returns."""

    async def finish(self) -> Staged: ...

    def discard(self) -> None:
        """Remove what was received; harmless after commit."""


class Documents(Protocol):
    """The content-addressed store of document bytes."""

    def stage(self) -> Staging: ...

    async def commit(self, staged: Sequence[Staged]) -> None:
        """Make these durable under their addresses; Unavailable when the disk is full or failing."""

    def read(self, address: str, size: int) -> AsyncIterator[bytes]:
        """The bytes of a document in chunks of at most 1 MiB.

        Unavailable (before the first chunk) when it is missing or has another size.
        """

    async def check(self, address: str, size: int) -> None:
        """Unavailable when a document is missing or has another size; its bytes are not looked at."""

    def discard(self, staged: Sequence[Staged]) -> None:
        """Remove staged documents that will not be committed; harmless after commit."""

    async def withdraw(self, staged: Sequence[Staged]) -> None:
        """Remove committed documents of a submission that was refused, but none that anyone else committed too."""


class Registrar(Protocol):
    """How the repository reaches its registry: a call, or ITI-42 over SOAP."""

    async def register(
        self,
        submission: Submission,
        held: Sequence[Holding],
        already: Sequence[Issue] = (),
        entries: Sequence[Entry] = (),
        assertion: bytes | None = None,
    ) -> list[Issue]:
        """Register a submission; the holdings are recorded if and only if it is accepted (no Error among
        the issues). Unavailable when the registry can't be reached.

        `entries` are the log's records of an accepted submission, and become durable with the holdings. `assertion` is
        that of the person who submits, for a registry in another process.

        The answer begins with the issues that were found `already`. With an Error among them nothing is written, and
        what the registry would say besides is added where it can be known.
        """


class RegistryApart(Protocol):
    """A registry in another process, which has the consents and so decides what its repositories may give."""

    async def shown(self, unique_ids: Sequence[str], assertion: bytes | None) -> list[DocumentEntry]:
        """The entries of those documents, by their uniqueIds, that the person of this assertion may retrieve.

        Unavailable when the registry gives no answer.
        """


class Access(Protocol):
    """Who may see what of a client."""

    async def decide(
        self, requester: Requester, facts: ClientFacts, candidates: Sequence[Candidate], now: datetime
    ) -> list[Verdict]:
        """One verdict for each of a client's documents, in order."""

    def treats(self, requester: Requester, facts: ClientFacts, now: datetime) -> bool:
        """Whether the requester's organisation has a treatment relation with the client."""

    def emergency(
        self, requester: Requester, facts: ClientFacts, verdicts: Iterable[Verdict], now: datetime
    ) -> Emergency | None:
        """The emergency to record with these verdicts, when one of them broke the glass and that is new."""


class ConsentSource(Protocol):
    """What answers for a client: the consent register, or a party that keeps the client's consents."""

    async def answers(
        self, requester: Requester, facts: ClientFacts, questions: Sequence[Question], now: datetime
    ) -> Mapping[Question, Answer]:
        """An answer to each question about one client. A question that is left out counts as refused, so what goes
        wrong is never raised."""
