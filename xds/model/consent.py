"""What a client allows, what a document is for that, and all that is known of a client when someone asks.

Source: Wabvpz 15a-15c; NEN 7517; the categories are those of Mitz.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from xds.model.coded import Author

URA_OID = "2.16.528.1.1007.3.3"
"""The authority of the URA, the number of a care organisation (UZI-register abonneenummer)."""

ORGANISATION_KINDS = "2.16.840.1.113883.2.4.15.1060"
"""The coding scheme of kinds of organisations. Source: Nictiz, OrganisatieTypeCodelijst."""


class ScopeKind(StrEnum):
    """Whom a consent speaks of, from general to specific."""

    ANY = "any"
    CATEGORY = "category"
    ORGANISATION = "organisation"
    PERSON = "person"


class Scope(NamedTuple):
    """A holder or a consumer. `code` is a category of the policy, a URA, or number@authority of a person."""

    kind: ScopeKind
    code: str = ""


ANYONE = Scope(ScopeKind.ANY)


class Decision(StrEnum):
    """What the client said. WITHDRAWN: an earlier permit or objection is as if it had not been given."""

    PERMIT = "permit"
    DENY = "deny"
    WITHDRAWN = "withdrawn"


class Giver(StrEnum):
    """Who spoke: the client, or a parent with authority. Source: WGBO 7:447 and 7:450 BW."""

    CLIENT = "client"
    PARENT = "parent"


class Channel(StrEnum):
    """How the client's word came in. MERGE: by the merge of two numbers of one client."""

    PORTAL = "portal"
    PAPER = "paper"
    SPOKEN = "spoken"
    MERGE = "merge"


class Subject(NamedTuple):
    """What a consent is about: whose documents, which category of them (None: all), and who may see them.

    A client has at most one word on a subject: a later one takes the place of the earlier.
    """

    holder: Scope
    category: str | None
    consumer: Scope


@dataclass(frozen=True, slots=True)
class Consent:
    """One version of what a client said on a subject; it never changes.

    `number` orders all versions of all clients. It counts from `since` to before `until` (None: without end).
    `in_emergency`: an objection that holds in an emergency too.
    """

    number: int
    subject: Subject
    decision: Decision
    since: datetime
    until: datetime | None
    given_by: frozenset[Giver]
    channel: Channel
    recorded_by: str
    recorded_at: datetime
    in_emergency: bool = False


class Ground(StrEnum):
    """Why an organisation has a treatment relation."""

    REGISTERED = "registered"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class TreatmentRelation:
    """An organisation treats a client, from `since` to before `until`; the newest of an organisation counts."""

    number: int
    ura: str
    since: datetime
    until: datetime | None
    ground: Ground


@dataclass(frozen=True, slots=True)
class Emergency:
    """The glass was broken for a client. `user` is number@authority; `assertion_id` the assertion that did it."""

    user: str
    ura: str
    reason: str
    assertion_id: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class ClientFacts:
    """What decides about a client's documents, in one snapshot.

    `patient_id` is the CX. `consents` are the newest versions only. `informed` says when the client was told of a
    category of organisations that had joined; `joined` when each kind of organisation did, for all clients.
    """

    patient_id: str
    birth_date: date | None = None
    consents: tuple[Consent, ...] = ()
    relations: tuple[TreatmentRelation, ...] = ()
    emergencies: tuple[Emergency, ...] = ()
    informed: Mapping[str, datetime] = field(default_factory=dict)
    joined: Mapping[str, datetime] = field(default_factory=dict)


class ChangeKind(StrEnum):
    """What was written in the consent register."""

    CONSENT = "consent"
    RELATION = "treatment-relation"
    NOTICE = "notice"
    BIRTH_DATE = "birth-date"


class ConsentChange(NamedTuple):
    """A change of the consent register, for the log. `text` is a Dutch sentence without a patient number."""

    kind: ChangeKind
    patient_id: str
    number: int | None
    recorded_by: str
    recorded_at: datetime
    text: str


class PolicyText(NamedTuple):
    """A version of the policy as it was in its file, and since when it was in force; empty when there was none."""

    since: datetime
    content: bytes


class Candidate(NamedTuple):
    """What is to be known of a document to decide about it; equal ones are decided once.

    `holders` are the URAs of the authors' institutions; none: it is not known whose it is. `kind` is the code of
    healthcareFacilityTypeCode, None when that is no kind of organisation. Codes are (code, scheme).
    """

    holders: tuple[str, ...] = ()
    kind: str | None = None
    class_code: tuple[str, str] | None = None
    type_code: tuple[str, str] | None = None
    event_codes: tuple[tuple[str, str], ...] = ()
    confidentiality_codes: tuple[tuple[str, str], ...] = ()


class Question(NamedTuple):
    """Does the client permit this requester to see documents of this category of this holder?"""

    holder: str | None
    kind: str | None
    category: str


class Answer(NamedTuple):
    """`profile` names the consent that gave it, "" when none did; `reason` is a Dutch sentence.

    `overridable`: breaking the glass may go over a refusal. `named`: the client permits this very person.
    """

    permitted: bool
    profile: str
    reason: str
    overridable: bool = True
    named: bool = False


def holders_of(authors: Iterable[Author]) -> tuple[str, ...]:
    """The URAs of the authors' institutions, each once: whose a document is."""
    found = (_ura(institution) for author in authors for institution in author.institution)
    return tuple(dict.fromkeys(ura for ura in found if ura))


def _ura(xon: str) -> str | None:
    """Source: ITI TF-3: Table 4.2.3.1.7-2 (XON)."""
    components = xon.split("^")
    if len(components) < 10 or components[5].split("&")[1:2] != [URA_OID]:
        return None
    return components[9].strip() or None
