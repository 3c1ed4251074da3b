"""Events become records, and records become bytes that never change again."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any

import msgspec

from xds.audit.events import EMERGENCY, KINDS
from xds.model.audit import Access, Entry, Event, Person, Record, Source, System, User
from xds.model.coded import Coded
from xds.model.hl7 import CX
from xds.model.party import Organisation, Participant, Requester
from xds.model.party import Person as NaturalPerson

UNKNOWN = "unknown"
_NO_ACCESS = (Access(None),)
_SYSTEM_ROLE = Coded("110153", "DCM", "Source Role ID")
_REMEMBERED = 1024

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


def decode(payload: bytes) -> Record:
    """Read a record's canonical bytes; ValueError when they are of no record."""
    return _decode(payload)


class Recorder:
    """Makes the entries of the log. `key` is the secret of the patients' keyed hashes, at least 32 bytes."""

    def __init__(self, source: Source, key: bytes):
        if len(key) < 32:
            raise ValueError("the key of the log's index must have at least 32 bytes")
        self.source = source
        self._key = key
        self._source = msgspec.Raw(_encode(source))
        self._kinds = {name: _prepared(kind.event, (kind.type,)) for name, kind in KINDS.items()}
        self._emergencies = {name: _prepared(kind.event, (kind.type, EMERGENCY)) for name, kind in KINDS.items()}
        self._users: dict[tuple[int, str], tuple[Requester, str, dict[str, Any]]] = {}

    def entries(self, event: Event) -> list[Entry]:
        """One entry for each patient of the event, at least one."""
        requester = event.requester
        entries = []
        employee, who = self._who(event)
        organisation = _organisation(requester, event.participant)
        started = int(event.started.timestamp() * 1_000_000)
        for number, access in enumerate(event.accesses or _NO_ACCESS):
            verdict = access.verdict
            urgent = requester is not None and requester.emergency is not None
            urgent = urgent or (verdict is not None and verdict.checks.emergency)
            kind, kinds = (self._emergencies if urgent else self._kinds)[event.transaction]
            patient = None if access.patient is None else str(access.patient)
            action = KINDS[event.transaction].action
            record = Record(
                request_id=event.request_id,
                number=number,
                event=kind,
                action=action,
                kinds=kinds,
                started=event.started,
                outcome=event.outcome,
                outcome_text=event.outcome_text,
                emergency=None if requester is None else requester.emergency,
                patient=patient,
                documents=tuple(access.documents),
                submission_set=event.submission_set,
                query_id=event.query_id,
                query=event.query,
                things=event.things,
                source=self._source,
                **who,
                **_decision(access),
            )
            hashed = None if patient is None else self.patient(patient)
            entries.append(
                Entry(event.request_id, number, _encode(record), started, hashed, employee, organisation, action,
                      event.outcome, event.transaction, urgent)
            )  # fmt: skip
        return entries

    def patient(self, patient_id: str) -> bytes:
        """What a patient, as CX text, is found by: 16 bytes that say nothing without the key."""
        return hmac.digest(self._key, patient_id.encode(), "sha256")[:16]

    def _who(self, event: Event) -> tuple[str, dict[str, Any]]:
        """Who asked, as it is searched by and as the record has it. The same requester is encoded once."""
        requester = event.requester
        if requester is None:
            return "", _system_user(event.participant, event.address)
        known = self._users.get((id(requester), event.address))
        if known is not None and known[0] is requester:
            return known[1:]
        if len(self._users) >= _REMEMBERED:
            self._users.clear()
        employee = str(CX(requester.user.number, requester.user.authority))
        who = _person_user(requester, event.address)
        self._users[id(requester), event.address] = requester, employee, who
        return employee, who


def _prepared(event: Coded, kinds: Iterable[Coded]) -> tuple[Any, Any]:
    return msgspec.Raw(_encode(event)), msgspec.Raw(_encode(tuple(kinds)))


def _decision(access: Access) -> dict[str, str]:
    """What was decided and under which protocols. Source: NEN 7513: 7.2.6, 7.4.6, 7.4.7, 7.4.8."""
    verdict = access.verdict
    if verdict is None:
        return {}
    rule = f"{verdict.rule} {verdict.version}"
    return {
        "checks": str(verdict.checks),
        "authorisation": verdict.grounds.authorisation or rule,
        "treatment_relation": verdict.grounds.treatment_relation or rule,
        "consent": verdict.grounds.consent or rule,
        "reason": verdict.reason,
    }


def _person_user(requester: Requester, address: str) -> dict[str, Any]:
    person = _person(requester.user, requester.organisation)
    responsible = requester.responsible
    user = User(
        person,
        address,
        None if responsible is None else _person(responsible, requester.organisation),
        issuer=requester.issuer,
        assertion_id=requester.assertion_id,
        assurance=requester.assurance,
    )
    return {
        "user": msgspec.Raw(_encode(user)),
        "system": msgspec.Raw(_encode(_system(requester.participant))),
        "purpose": msgspec.Raw(_encode(requester.purpose)),
    }


def _system_user(participant: Participant | None, address: str) -> dict[str, Any]:
    """The connected system in the place of the person, where none is known."""
    ura = name = kind = ""
    number = address or UNKNOWN
    if participant is not None:
        ura, name, kind = (participant.organisation.ura, participant.organisation.name, participant.organisation.kind)
        number = participant.certificate
    person = Person(number, "", _SYSTEM_ROLE, ura, name, kind)
    return {"user": User(person, address, is_person=False), "system": _system(participant)}


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


def _organisation(requester: Requester | None, participant: Participant | None) -> str:
    if requester is not None:
        return requester.organisation.ura
    return "" if participant is None else participant.organisation.ura
