"""A record of the log: who did what to whose documents, and why that was allowed.

The names are ours; `xds.audit.nen7513` has the field of the norm for each. Source: NEN 7513: 7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from xds.model.coded import Coded
from xds.model.hl7 import CX
from xds.model.party import Participant, Requester
from xds.model.verdict import Verdict

SUCCESS, MINOR, SERIOUS, MAJOR = 0, 4, 8, 12
"""Outcomes: done; refused or rejected; not intelligible or not let in; we could not. Source: DICOM PS3.15: A.5.1."""


class _Value(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of a record. Its JSON has the fields in this order, without those that have their default."""


class Document(_Value):
    """A document that was returned, retrieved, registered or refused.

    `repository` is the repositoryUniqueId. `rule`, `version` and `reason` are those of its own verdict, where the
    record's differs. `confidentiality` is its confidentialityCode.
    """

    unique_id: str
    entry_uuid: str = ""
    repository: str = ""
    confidentiality: str = ""
    rule: str = ""
    version: str = ""
    reason: str = ""


class Person(_Value):
    """A natural person; `authority` is the bare OID under which `number` is given out. `organisation` is the URA."""

    number: str
    authority: str
    role: Coded
    organisation: str
    organisation_name: str = ""
    organisation_kind: str = ""
    name: str | None = None


class User(_Value):
    """Who used the system, from which IP address, and on whose behalf. Source: NEN 7513: 7.3.

    `responsible` is None when the person acts in their own name. Where no person is known `is_person` is False and
    the connected system stands in the person's place.
    """

    person: Person
    access_point: str
    responsible: Person | None = None
    local_id: str | None = None
    issuer: str = ""
    assertion_id: str = ""
    assurance: int = 0
    is_person: bool = True


class System(_Value):
    """The connected system. `certificate` is the SHA-256 of its DER form, in lower-case hex."""

    organisation: str = ""
    organisation_name: str = ""
    certificate: str = ""


class Source(_Value):
    """The system that writes the log. `kind` is of RFC 3881's AuditSourceTypeCode. Source: NEN 7513: 7.5."""

    site: str
    id: str
    kind: str = "4"


class Thing(_Value):
    """Another object than patient, query and documents: a consent record, a setting, a part of the log."""

    kind: Coded
    id: str
    name: str | None = None
    details: tuple[tuple[str, str], ...] = ()


class Record(_Value, kw_only=True):
    """What is kept of one event, about one patient at most. Source: NEN 7513: 7.

    First who was at work, as what, then what happened. `started` is UTC. `kinds` begins with the transaction, or with
    our name for what it was used for. `checks` is four letters T or F. `authorisation`, `treatment_relation` and
    `consent` name the protocols or profiles that the verdict was reached under, with their versions; `rule` decided,
    as it was in `version`, and `reason` says that in a sentence. `query` is the request of a search, as it was sent.
    `outcome_text` has codes. `holders` are the URAs of the organisations whose documents it is about.
    """

    event: Coded
    action: str
    kinds: tuple[Coded, ...]
    user: User
    system: System
    source: Source
    purpose: Coded | None = None
    emergency: str | None = None
    request_id: str
    started: datetime
    outcome: int
    number: int = 0
    outcome_text: str = ""
    patient: str | None = None
    checks: str = "FFFF"
    authorisation: str = ""
    treatment_relation: str = ""
    consent: str = ""
    reason: str = ""
    documents: tuple[Document, ...] = ()
    submission_set: str = ""
    query_id: str = ""
    query: str = ""
    things: tuple[Thing, ...] = ()
    rule: str = ""
    version: str = ""
    holders: tuple[str, ...] = ()

    @property
    def reasons(self) -> dict[str, list[Document]]:
        """The documents by why each was let be seen; empty where that was the record's reason for all."""
        found: dict[str, list[Document]] = {}
        for each in self.documents:
            found.setdefault((each.reason or each.rule) if each.rule else self.reason, []).append(each)
        return found if any(each.rule for each in self.documents) else {}


class Access(msgspec.Struct, frozen=True):
    """What an event did, or was refused to do, to one patient's documents; `patient` is None when unknown.

    `holders` are the URAs of the organisations whose documents they are. `surnames` are those that came with them, made
    alike as in `xds.model.surname`; no record has them.
    """

    patient: CX | None
    verdict: Verdict | None = None
    documents: Sequence[Document] = ()
    holders: tuple[str, ...] = ()
    surnames: frozenset[str] = frozenset()


class Event(msgspec.Struct, frozen=True):
    """Something to record. `transaction` is a key of `xds.audit.events.KINDS`, such as "ITI-18".

    `requester` is None when no person is known; then `participant` is the connected system, if that is known.
    `operator` is the account on this machine of who works at the command line, `viewer` who looks at a page.
    `accesses` has one for each patient concerned; none gives one record without a patient.
    `outcome_text` holds codes or a reason, no patient number.
    """

    request_id: str
    transaction: str
    started: datetime
    outcome: int
    requester: Requester | None = None
    participant: Participant | None = None
    operator: str = ""
    viewer: User | None = None
    address: str = ""
    accesses: Sequence[Access] = ()
    outcome_text: str = ""
    submission_set: str = ""
    query_id: str = ""
    query: str = ""
    things: tuple[Thing, ...] = ()


class Entry(NamedTuple):
    """A record ready to be appended: its canonical bytes, and what it can be found by.

    `patient` is a keyed hash, never the number. `started` is in microseconds since 1970. (request_id, number) is
    unique. `employee` and `organisation` are "" when not known. `surnames` are keyed hashes of those of the
    patient; they are kept elsewhere.
    """

    request_id: str
    number: int
    payload: bytes
    started: int
    patient: bytes | None
    employee: str
    organisation: str
    action: str
    outcome: int
    transaction: str
    emergency: bool
    surnames: tuple[bytes, ...] = ()


class Leaf(NamedTuple):
    """What the tree and the chain commit to. `time` is when it was written, in microseconds since 1970, UTC."""

    seq: int
    time: int
    request_id: str
    number: int
    commitment: bytes
    """SHA-256 of the salt and the payload."""


class LogSelection(NamedTuple):
    """What a search of the log asks; a field that is None asks nothing.

    Moments are in microseconds since 1970, and are compared by the second. `role` and `purpose` are codes as
    `scheme|code`. An empty value asks for the records that have none. `concerns` is an organisation, by its URA: what
    it did itself, and what others did to its documents.
    """

    started_from: int | None = None
    started_below: int | None = None
    patient: bytes | None = None
    employee: str | None = None
    organisation: str | None = None
    action: str | None = None
    outcome: int | None = None
    transaction: str | None = None
    emergency: bool | None = None
    role: str | None = None
    purpose: str | None = None
    rule: str | None = None
    concerns: str | None = None


Cut = Callable[[int, int], Sequence[int]]
"""Gives the edges of a timeline, for the first and the last moment of what was found."""

Choose = Callable[[int], Sequence[int]]
"""Gives places, in order, among so many records."""


class FacetValue(NamedTuple):
    """How many records say this. `label` is what people call it, as the first record with it did, or ""."""

    value: str
    label: str
    count: int


class Facet(NamedTuple):
    """What the records say under one heading, most frequent first; `distinct` values there are in all.

    The count of a value is that of the selection with this value in the place of the one that it asks, if any.
    """

    name: str
    values: tuple[FacetValue, ...]
    distinct: int


class Survey(NamedTuple):
    """What a selection has: how many records, under which headings, and when.

    `timeline` counts the records from each of the `edges` (microseconds since 1970) to before the next; it has one
    less than there are edges.
    """

    total: int
    facets: tuple[Facet, ...]
    edges: tuple[int, ...]
    timeline: tuple[int, ...]


class Kept(NamedTuple):
    """A line of the log as it is kept. `payload` and `salt` are None when they were deleted after their term."""

    leaf: Leaf
    chain: bytes
    salt: bytes | None
    payload: bytes | None


class Note(NamedTuple):
    """A signed checkpoint as it is kept. Times are in microseconds since 1970; `anchored` is None until it was."""

    size: int
    time: int
    text: str
    anchored: int | None


class Head(NamedTuple):
    """The state of the log after `size` records: the right edge of the tree, largest subtree first, and the chain."""

    size: int
    time: int
    chain: bytes
    edge: tuple[bytes, ...]


EMPTY = Head(0, 0, bytes(32), ())
