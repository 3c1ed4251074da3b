"""The ports `ConsentReader` and `ConsentWriter`: what is known of clients, and what documents are to consent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Protocol

import msgspec

from xds.db import consent_tables as tables
from xds.db.codes import Remembered
from xds.db.consent_tables import ConsentStatements
from xds.db.lists import Lists
from xds.db.session import Session
from xds.db.values import SEPARATOR
from xds.model.consent import (
    ORGANISATION_KINDS,
    Candidate,
    Channel,
    ClientFacts,
    Consent,
    Decision,
    Emergency,
    Giver,
    Ground,
    PolicyText,
    Scope,
    ScopeKind,
    Subject,
    TreatmentRelation,
)
from xds.model.stored import StoredEntry

Row = Sequence[Any]
Known = tuple[tuple[Consent, ...], tuple[TreatmentRelation, ...], tuple[Emergency, ...], dict[str, datetime]]
"""Of `ClientFacts`, the consents, relations, emergencies and notices."""

_REMEMBERED = 1 << 12
_WEIGHT = {Decision.PERMIT: 0, Decision.WITHDRAWN: 1, Decision.DENY: 2}
"""Of two words on one subject, which one stays when their clients turn out to be one: the one that permits least."""


_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(Known).decode


class Keys(Protocol):
    """The codes that numbers in the tables stand for."""

    remembered: Remembered

    def key(self, number: int) -> tuple[str, str]: ...


class ReadConsents:
    """The port `ConsentReader`, in a snapshot."""

    def __init__(self, session: Session, statements: ConsentStatements, lists: Lists, codes: Keys):
        self._session = session
        self._statements = statements
        self._lists = lists
        self._codes = codes

    def facts(self, patients: Iterable[int]) -> dict[int, ClientFacts]:
        keys = list(set(patients))
        if not keys:
            return {}
        length_class = self._lists.length_class(len(keys))
        rows = self._session.rows(self._statements.clients(length_class), self._lists.parameters(keys, length_class))
        return {
            patient: ClientFacts(
                patient_id,
                None if birth_date is None else _moment(birth_date).date(),
                *(self._looked_up(patient) if kept is None else _decode(kept)),
                self._joined(kinds),
            )
            for patient, patient_id, birth_date, kept, kinds in list(rows)
        }

    def _looked_up(self, patient: int) -> Known:
        """What the tables say of a client."""
        told = self._session.rows(self._statements.informed, (patient,))
        return (
            tuple(map(_consent, self._session.rows(self._statements.newest, (patient,)))),
            tuple(self.relations(patient)),
            tuple(map(_emergency, self._session.rows(self._statements.emergencies_of, (patient,)))),
            {category: _moment(at) for category, at in told},
        )

    def _joined(self, kinds: int) -> dict[str, datetime]:
        """When each kind of organisation joined; more can join, and none ever leaves."""
        remembered = self._codes.remembered
        joined = remembered.joined
        if len(joined) != kinds:
            joined = {kind: _moment(at) for kind, at in self._session.rows(self._statements.joined)}
            remembered.joined = joined
        return joined

    def candidates(self, entries: Iterable[StoredEntry]) -> list[Candidate]:
        """One for each entry, in order; the same object for entries that are alike."""
        known = self._codes.remembered.candidates
        return [known.get(entry.traits) or self._candidate(entry.traits) for entry in entries]

    def versions(self, patient: int) -> list[Consent]:
        return [_consent(row) for row in self._session.rows(self._statements.versions, (patient,))]

    def clients_after(self, patient: int, limit: int) -> list[int]:
        return [key for (key,) in self._session.rows(self._statements.clients_after, (patient, limit))]

    def relations(self, patient: int) -> list[TreatmentRelation]:
        return [_relation(row) for row in self._session.rows(self._statements.relations, (patient,))]

    def relation_versions(self, patient: int) -> list[tuple[TreatmentRelation, datetime]]:
        rows = self._session.rows(self._statements.relation_versions, (patient,))
        return [(_relation(row), _moment(recorded_at)) for *row, recorded_at in rows]

    def emergencies(self, since: datetime, until: datetime) -> list[tuple[str, Emergency]]:
        rows = self._session.rows(self._statements.emergencies, (_seconds(since), _seconds(until)))
        return [(cx, _emergency(row)) for cx, *row in rows]

    def policies(self) -> list[PolicyText]:
        rows = self._session.rows(self._statements.policies)
        return [PolicyText(_moment(since), bytes(content)) for since, content in rows]

    def _candidate(self, traits: tuple[Any, ...]) -> Candidate:
        class_code, type_code, facility, events, confidentiality, holders = traits
        kind, scheme = (None, None) if facility is None else self._codes.key(facility)
        made = Candidate(
            tuple(holders.split(SEPARATOR)) if holders else (),
            kind if scheme == ORGANISATION_KINDS else None,
            None if class_code is None else self._codes.key(class_code),
            None if type_code is None else self._codes.key(type_code),
            self._keys(events),
            self._keys(confidentiality),
        )
        known = self._codes.remembered.candidates
        if len(known) >= _REMEMBERED:
            known.clear()
        known[traits] = made
        return made

    def _keys(self, numbers: str | None) -> tuple[tuple[str, str], ...]:
        return tuple(self._codes.key(int(number)) for number in numbers.split(SEPARATOR)) if numbers else ()


class WriteConsents(ReadConsents):
    """The port `ConsentWriter`, in a write transaction."""

    def add_consent(self, patient: int, consent: Consent) -> int:
        subject = consent.subject
        row = (
            patient,
            _scope_text(subject.holder),
            subject.category or "",
            _scope_text(subject.consumer),
            consent.decision.value,
            _seconds(consent.since),
            None if consent.until is None else _seconds(consent.until),
            " ".join(sorted(consent.given_by)),
            consent.channel.value,
            consent.recorded_by,
            _seconds(consent.recorded_at),
            int(consent.in_emergency),
        )
        return self._add(tables.consent, row)

    def add_relation(self, patient: int, relation: TreatmentRelation, recorded_by: str, recorded_at: datetime) -> int:
        until = None if relation.until is None else _seconds(relation.until)
        row = (patient, relation.ura, relation.ground.value, _seconds(relation.since), until)
        return self._add(tables.treatment_relation, (*row, recorded_by, _seconds(recorded_at)))

    def add_emergency(self, patient: int, emergency: Emergency) -> int:
        row = (patient, emergency.user, emergency.ura, emergency.reason, emergency.assertion_id)
        return self._add(tables.emergency, (*row, _seconds(emergency.opened_at)))

    def add_notice(self, patient: int, category: str, recorded_by: str, sent_at: datetime) -> int:
        return self._add(tables.notice, (patient, category, _seconds(sent_at), recorded_by))

    def join(self, kind: str, at: datetime) -> bool:
        return self._session.run(self._statements.join, (kind, _seconds(at))) == 1

    def put_in_force(self, policy: PolicyText) -> bool:
        newest = next((bytes(content) for (content,) in self._session.rows(self._statements.newest_policy)), None)
        if newest == policy.content:
            return False
        self._session.run(self._statements.add_policy, (_seconds(policy.since), policy.content))
        return True

    def set_birth_date(self, patient: int, birth_date: date) -> None:
        ((known,),) = self._session.rows(self._statements.birth_date, (patient,))
        if known != _day_seconds(birth_date):
            self._session.run(self._statements.set_birth_date, (_day_seconds(birth_date), patient))

    def merge(self, origin: int, to: int) -> None:
        """Give all of `origin` to `to`. On a subject of which both spoke, the word that permits least is the newest.

        A treatment relation that was registered is newer than one that follows from a publication.
        """
        words, relations = [[read(origin), read(to)] for read in (self._newest, self._newest_relations)]
        for move in self._statements.move:
            self._session.run(move, (to, origin))
        for subject in words[0].keys() & words[1].keys():
            both = sorted((words[0][subject], words[1][subject]), key=lambda word: word.number)
            strictest = _strictest(*both)
            if strictest is not both[-1]:
                self.add_consent(to, replace(strictest, channel=Channel.MERGE, recorded_at=both[-1].recorded_at))
        for ura in relations[0].keys() & relations[1].keys():
            older, newer = sorted((relations[0][ura], relations[1][ura]), key=lambda relation: relation.number)
            if older.ground is Ground.REGISTERED and newer.ground is Ground.PUBLISHED:
                self.add_relation(to, older, Channel.MERGE.value, newer.since)
        ((born,),) = self._session.rows(self._statements.birth_date, (to,))
        ((other,),) = self._session.rows(self._statements.birth_date, (origin,))
        if born is None and other is not None:
            self._session.run(self._statements.set_birth_date, (other, to))
        for patient in (origin, to):
            self._keep(patient)

    def _newest(self, patient: int) -> dict[Subject, Consent]:
        rows = self._session.rows(self._statements.newest, (patient,))
        return {word.subject: word for word in (_consent(row) for row in rows)}

    def _newest_relations(self, patient: int) -> dict[str, TreatmentRelation]:
        return {relation.ura: relation for relation in self.relations(patient)}

    def _keep(self, patient: int) -> None:
        """Keep with a client what the tables say now, for who decides about documents: reading it takes one row."""
        self._session.run(self._statements.keep, (_encode(self._looked_up(patient)), patient))

    def _add(self, table: Any, row: tuple[Any, ...]) -> int:
        ((number,),) = self._session.rows(self._statements.add[table], row)
        self._keep(row[0])
        return number


def _consent(row: Row) -> Consent:
    number, holder, category, consumer, decision, since, until, given_by, channel, by, recorded_at, urgent = row
    return Consent(
        number,
        Subject(_scope(holder), category or None, _scope(consumer)),
        Decision(decision),
        _moment(since),
        None if until is None else _moment(until),
        frozenset(map(Giver, given_by.split())),
        Channel(channel),
        by,
        _moment(recorded_at),
        bool(urgent),
    )


def _relation(row: Row) -> TreatmentRelation:
    number, ura, ground, since, until = row
    return TreatmentRelation(number, ura, _moment(since), None if until is None else _moment(until), Ground(ground))


def _emergency(row: Row) -> Emergency:
    user, ura, reason, assertion_id, opened_at = row
    return Emergency(user, ura, reason, assertion_id, _moment(opened_at))


def _strictest(older: Consent, newer: Consent) -> Consent:
    """What permits least of two words on one subject; of two objections, all that either objects to."""
    if older.decision is newer.decision is Decision.DENY:
        ends = [word.until for word in (older, newer)]
        both = replace(
            newer,
            since=min(older.since, newer.since),
            until=None if None in ends else max(filter(None, ends)),
            in_emergency=older.in_emergency or newer.in_emergency,
        )
        return newer if both == newer else both
    return max(newer, older, key=lambda word: _WEIGHT[word.decision])


def _scope_text(scope: Scope) -> str:
    return f"{scope.kind.value}:{scope.code}"


def _scope(text: str) -> Scope:
    kind, _, code = text.partition(":")
    return Scope(ScopeKind(kind), code)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _day_seconds(day: date) -> int:
    return _seconds(datetime(day.year, day.month, day.day, tzinfo=UTC))
