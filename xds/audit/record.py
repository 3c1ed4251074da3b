"""Events become records, and records become bytes that never change again."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from xds.audit.events import EMERGENCY, KINDS, OWN
from xds.audit.nen7513 import account
from xds.model.audit import Access, Document, Entry, Event, Person, Record, Source, System, Thing, User
from xds.model.coded import Coded
from xds.model.hl7 import CX
from xds.model.party import Organisation, Participant, Requester
from xds.model.party import Person as NaturalPerson
from xds.model.verdict import Verdict

UNKNOWN = "unknown"
_NO_ACCESS = (Access(None),)
_SYSTEM_ROLE = Coded("110153", "DCM", "Source Role ID")
OPERATOR_ROLE = Coded("log-administrator", OWN, "Beheerder")
"""Of who works at the command line."""
_NO_DECISION = ("FFFF", "", "", "", "")
_NO_RULE = ("", "")
_REMEMBERED = 4096

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


def decode(payload: bytes) -> Record:
    """Read a record's canonical bytes; ValueError when they are of no record."""
    return _decode(payload)


class _Setting(msgspec.Struct, omit_defaults=True):
    """The first part of a record: the same for all that a requester does by one transaction."""

    event: Coded
    action: str
    kinds: tuple[Coded, ...]
    user: User
    system: System
    source: Source
    purpose: Coded | None = None
    emergency: str | None = None


class _Occurrence(msgspec.Struct, omit_defaults=True):
    """The rest of a record, in the record's order."""

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
    documents: Sequence[Document] = ()
    submission_set: str = ""
    query_id: str = ""
    query: str = ""
    things: tuple[Thing, ...] = ()
    rule: str = ""
    version: str = ""
    holders: tuple[str, ...] = ()


class _Known(NamedTuple):
    """What was encoded for a requester before. Holding the requester keeps its id from being another's."""

    requester: Requester
    setting: bytes
    employee: str


class Recorder:
    """Makes the entries of the log. `key` is the secret of the patients' keyed hashes, at least 32 bytes."""

    def __init__(self, source: Source, key: bytes):
        if len(key) < 32:
            raise ValueError("the key of the log's index must have at least 32 bytes")
        self._source = source
        self._key = key
        self._known: dict[tuple[int, str, str, bool], _Known] = {}
        self.patient = lru_cache(_REMEMBERED)(self._patient)

    def entries(self, event: Event) -> list[Entry]:
        """One entry for each patient of the event, at least one."""
        started = int(event.started.timestamp() * 1_000_000)
        organisation = _organisation(event)
        action = KINDS[event.transaction].action
        entries = []
        for number, access in enumerate(event.accesses or _NO_ACCESS):
            verdict = access.verdict
            urgent = verdict is not None and verdict.checks.emergency
            urgent = urgent or (event.requester is not None and event.requester.emergency is not None)
            setting, employee = self._setting(event, urgent)
            patient = None if access.patient is None else str(access.patient)
            occurrence = _Occurrence(
                event.request_id,
                event.started,
                event.outcome,
                number,
                event.outcome_text,
                patient,
                *(_NO_DECISION if verdict is None else _decision(verdict)),
                access.documents,
                event.submission_set,
                event.query_id,
                event.query,
                event.things,
                *(_NO_RULE if verdict is None else (verdict.rule, verdict.version)),
                access.holders,
            )
            payload = setting + _encode(occurrence)[1:]
            hashed = None if patient is None else self.patient(patient)
            entries.append(
                Entry(event.request_id, number, payload, started, hashed, employee, organisation, action, event.outcome,
                      event.transaction, urgent, tuple(map(self.surname, access.surnames)))
            )  # fmt: skip
        return entries

    def _patient(self, patient_id: str) -> bytes:
        """What a patient, as CX text, is found by: 16 bytes that say nothing without the key."""
        return hmac.digest(self._key, patient_id.encode(), "sha256")[:16]

    def surname(self, surname: str) -> bytes:
        """What a surname that was made alike is compared by: 16 bytes that say nothing without the key."""
        return hmac.digest(self._key, f"surname {surname}".encode(), "sha256")[:16]

    def _setting(self, event: Event, urgent: bool) -> tuple[bytes, str]:
        """The first part of the record with its comma, and who is found by it."""
        requester = event.requester
        if requester is None:
            employee = event.operator if event.viewer is None else account(event.viewer.person)
            return self._encoded(event, urgent, None), employee
        key = (id(requester), event.address, event.transaction, urgent)
        known = self._known.get(key)
        if known is None or known.requester is not requester:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            employee = str(CX(requester.user.number, requester.user.authority))
            known = self._known[key] = _Known(requester, self._encoded(event, urgent, requester), employee)
        return known.setting, known.employee

    def _encoded(self, event: Event, urgent: bool, requester: Requester | None) -> bytes:
        kind = KINDS[event.transaction]
        kinds = (kind.type,) if kind.transaction is None else (kind.type, kind.transaction)
        if urgent:
            kinds = (*kinds, EMERGENCY)
        if requester is None:
            participant = event.participant
            user = event.viewer
            if user is None:
                user = _operator(event.operator) if event.operator else _system_user(participant, event.address)
            setting = _Setting(kind.event, kind.action, kinds, user, _system(participant), self._source)
        else:
            user, participant = _person_user(requester, event.address), requester.forwarder or requester.participant
            setting = _Setting(
                kind.event,
                kind.action,
                kinds,
                user,
                _system(participant),
                self._source,
                requester.purpose,
                requester.emergency,
            )
        return _encode(setting)[:-1] + b","


@lru_cache(_REMEMBERED)
def _decision(verdict: Verdict) -> tuple[str, ...]:
    """What was decided and under which protocols. Source: NEN 7513: 7.2.6, 7.4.6, 7.4.7, 7.4.8."""
    rule = f"{verdict.rule} {verdict.version}"
    grounds = verdict.grounds
    return (
        str(verdict.checks),
        grounds.authorisation or rule,
        grounds.treatment_relation or rule,
        grounds.consent or rule,
        verdict.reason,
    )


def _person_user(requester: Requester, address: str) -> User:
    responsible = requester.responsible
    return User(
        _person(requester.user, requester.organisation),
        address,
        None if responsible is None else _person(responsible, requester.organisation),
        issuer=requester.issuer,
        assertion_id=requester.assertion_id,
        assurance=requester.assurance,
    )


def _operator(name: str) -> User:
    return User(Person(name, "", OPERATOR_ROLE, ""), "", local_id=name)


def _system_user(participant: Participant | None, address: str) -> User:
    """The connected system in the place of the person, where none is known."""
    ura = name = kind = ""
    number = address or UNKNOWN
    if participant is not None:
        ura, name, kind = (participant.organisation.ura, participant.organisation.name, participant.organisation.kind)
        number = participant.certificate
    return User(Person(number, "", _SYSTEM_ROLE, ura, name, kind), address, is_person=False)


def _person(person: NaturalPerson, organisation: Organisation) -> Person:
    return Person(
        person.number,
        person.authority,
        person.role,
        organisation.ura,
        organisation.name,
        organisation.kind,
        person.name,
    )


def _system(participant: Participant | None) -> System:
    if participant is None:
        return System()
    return System(participant.organisation.ura, participant.organisation.name, participant.certificate)


def _organisation(event: Event) -> str:
    if event.requester is not None:
        return event.requester.organisation.ura
    if event.viewer is not None:
        return event.viewer.person.organisation
    return "" if event.participant is None else event.participant.organisation.ura
