"""A month of ordinary work before the story, and two things in it that a privacy officer should find.

Written by the product's own recorder, with the times at which it happened. The two: somebody breaks the glass at night
to look at a file after having been refused, and somebody goes through very many files in an hour.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from xds.cli.init import ORGANISATIONS
from xds.db import open_database
from xds.gate.recording import recorder_of
from xds.identity.codes import ACT_REASON, TREATMENT
from xds.identity.issue import ROLE_CODES
from xds.model.affinity_domain import BSN_OID
from xds.model.audit import MINOR, SUCCESS, Access, Document, Event
from xds.model.bsn import is_valid_bsn
from xds.model.coded import Coded
from xds.model.dutch_time import dutch_day, dutch_midnight, dutch_time
from xds.model.hl7 import CX
from xds.model.party import Participant, Person, Requester
from xds.model.verdict import Checks, Grounds, Verdict
from xds.ports import Writer
from xds.settings import Settings

DAYS = 31
CLIENTS = 48
NIGHT_LOOK = "Petra Vos"
MANY_FILES = "Daan Kuiper"
_SHARES = {"midwife-practice": 0.9, "hospital": 0.6, "jgz": 0.3}
"""What part of the clients each organisation treats."""
_UZI = "2.16.528.1.1007.3.1"
_FIND_DOCUMENTS = "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"
_POLICY = "2026-01"
_BREAKING = Coded("BTG", ACT_REASON)
_MIDWIFE = Coded("03.000", ROLE_CODES, "verloskundige")
_OBSTETRICIAN = Coded("01.046", ROLE_CODES, "gynaecoloog")
_PAEDIATRICIAN = Coded("01.019", ROLE_CODES, "kinderarts")
_NURSE = Coded("30.000", ROLE_CODES, "verpleegkundige")
_AT_NIGHT = frozenset({"Ine Kok", "Sanne Mulder", "Joris Prins"})
_STAFF = {
    "midwife-practice": {_MIDWIFE: ("Fleur Bos", "Hanna Dijkstra", "Lotte Peters", "Mirjam de Wit", "Noortje Visser")},
    "hospital": {
        _OBSTETRICIAN: ("Ine Kok", "Karel Smits", "Rashid Amrani"),
        _PAEDIATRICIAN: ("Eline Groen", "Wouter Hendriks"),
        _MIDWIFE: (NIGHT_LOOK, "Sanne Mulder", "Tessa Brouwer"),
        _NURSE: ("Joris Prins", "Marloes Vink", "Ria Scholten", "Yvonne Maas"),
    },
    "jgz": {_NURSE: (MANY_FILES, "Bea Willems", "Gerda Post", "Ilse Ruiter", "Paula Blom")},
}


class Client(NamedTuple):
    """A client, with who treats her and what was published about her."""

    patient: CX
    treated_by: tuple[str, ...]
    documents: tuple[Document, ...]


@dataclass
class Employee:
    """Somebody at work, with what an assertion says of them."""

    name: str
    number: str
    role: Coded
    organisation: str
    participant: Participant
    requester: Requester = field(init=False)

    def __post_init__(self) -> None:
        self.requester = self._requester(TREATMENT, None)

    def in_emergency(self, reason: str) -> Requester:
        return self._requester(_BREAKING, reason)

    def _requester(self, purpose: Coded, reason: str | None) -> Requester:
        person = Person(self.number, _UZI, self.name, self.role)
        organisation = ORGANISATIONS[self.organisation]
        return Requester(self.participant, person, organisation, purpose, 4, "https://issuer.example/test",
                         f"_month-{self.number}", emergency=reason)  # fmt: skip


class Month:
    """The events of the month before `today`. All chance is of one seed."""

    def __init__(self, today: date, participants: list[Participant]):
        self._today = today
        self._chance = random.Random("a month of birth care")
        self._numbers = 0
        by_ura = {participant.organisation.ura: participant for participant in participants}
        self.clients = list(self._clients())
        self._staff = [
            Employee(name, f"{number:09}", role, organisation, by_ura[ORGANISATIONS[organisation].ura])
            for number, (organisation, role, name) in enumerate(_everybody(), 1001)
        ]

    def events(self) -> list[Event]:
        """All of it, in order of time."""
        found = []
        for ago in range(DAYS, 0, -1):
            for employee in self._staff:
                if self._chance.random() < 5 / 7:
                    found += self._shift(employee, self._today - timedelta(ago))
        found += self._emergencies()
        found += self._look_at_night(self._named(NIGHT_LOOK), self._today - timedelta(9))
        found += self._many_files(self._named(MANY_FILES), self._today - timedelta(4))
        return sorted(found, key=lambda event: event.started)

    def _shift(self, employee: Employee, day: date) -> Iterator[Event]:
        """A day of work, or a night for some who have those."""
        at_night = employee.name in _AT_NIGHT and self._chance.random() < 0.5
        begins, hours = (22.5, 8) if at_night else (8, 9)
        treated = [client for client in self.clients if employee.organisation in client.treated_by]
        for client in self._chance.sample(treated, self._chance.randint(2, 6)):
            at = _at(day, begins + self._chance.random() * hours)
            if self._chance.random() < 0.03:
                yield self._event("ITI-18", employee, at, client, _objected(at))
                continue
            verdict = self._permitted(employee, at)
            yield self._event("ITI-18", employee, at, client, verdict, client.documents)
            if self._chance.random() < 0.7:
                taken = self._chance.sample(client.documents, min(len(client.documents), 2))
                yield self._event("ITI-43", employee, at + timedelta(minutes=2), client, verdict, tuple(taken))
        if self._chance.random() < 0.03:
            stranger = next(client for client in self.clients if employee.organisation not in client.treated_by)
            yield self._event("ITI-18", employee, _at(day, begins + 1), stranger, _unrelated(employee))

    def _emergencies(self) -> Iterator[Event]:
        """The glass is broken in earnest, now and then."""
        cases = ((26, "Ine Kok", 3.2, "fluxus, spoedopname"), (17, "Karel Smits", 13.6, "eclampsie, buiten bewustzijn"),
                 (6, "Eline Groen", 15.1, "neonaat met ademnood"))  # fmt: skip
        for ago, name, hour, reason in cases:
            employee, client = self._named(name), self._chance.choice(self.clients)
            yield from self._break(employee, _at(self._today - timedelta(ago), hour), client, reason)

    def _look_at_night(self, employee: Employee, day: date) -> Iterator[Event]:
        """Refused three times, and then with the glass broken, at a file that nobody of hers has to do with."""
        client = next(each for each in self.clients if employee.organisation not in each.treated_by)
        for minute in (134, 136, 141):
            yield self._event("ITI-18", employee, _at(day, minute / 60), client, _unrelated(employee))
        yield from self._break(employee, _at(day, 2.4), client, "spoed")

    def _many_files(self, employee: Employee, day: date) -> Iterator[Event]:
        """One file after the other, in less than an hour."""
        for place, client in enumerate(self.clients[:40]):
            at = _at(day, 16.05 + place * 0.022)
            if employee.organisation in client.treated_by:
                yield self._event("ITI-18", employee, at, client, self._permitted(employee, at), client.documents)
            else:
                yield self._event("ITI-18", employee, at, client, _unrelated(employee))

    def _break(self, employee: Employee, at: datetime, client: Client, reason: str) -> Iterator[Event]:
        requester = employee.in_emergency(reason)
        why = f"Noodknop: {reason}. Zonder noodknop: {_unrelated(employee).reason}"
        verdict = Verdict(True, "emergency", _POLICY, why, Checks(True, False, None, True), Grounds(_POLICY))
        for transaction, minutes in (("ITI-18", 0), ("ITI-43", 1), ("ITI-43", 4)):
            later = at + timedelta(minutes=minutes)
            yield self._event(transaction, employee, later, client, verdict, client.documents, requester)

    def _permitted(self, employee: Employee, at: datetime) -> Verdict:
        if employee.organisation == "midwife-practice":
            why = "Het document is van de eigen organisatie."
            return Verdict(True, "own-record", _POLICY, why, Checks(True, True), Grounds(_POLICY, "eigen dossier"))
        given = dutch_day(at - timedelta(60))
        why = f"De cliënt heeft op {given} toestemming gegeven voor {ORGANISATIONS[employee.organisation].name}."
        grounds = Grounds(_POLICY, f"aangemeld op {given}", "toestemming")
        return Verdict(True, "consent", "toestemming", why, Checks(True, True, True), grounds)

    def _event(
        self,
        transaction: str,
        employee: Employee,
        at: datetime,
        client: Client,
        verdict: Verdict,
        documents: tuple[Document, ...] = (),
        requester: Requester | None = None,
    ) -> Event:
        self._numbers += 1
        return Event(
            f"month-{self._numbers}",
            transaction,
            at,
            SUCCESS if verdict.permitted else MINOR,
            requester or employee.requester,
            address="127.0.0.1",
            accesses=(Access(client.patient, verdict, documents),),
            query_id=_FIND_DOCUMENTS if transaction == "ITI-18" else "",
        )

    def _clients(self) -> Iterator[Client]:
        numbers = (number for number in map(str, range(999_901_000, 999_999_999)) if is_valid_bsn(number))
        for place in range(CLIENTS):
            treated_by = tuple(name for name, share in _SHARES.items() if self._chance.random() < share)
            documents = tuple(
                Document(f"2.25.{self._chance.getrandbits(100)}", confidentiality="N")
                for _ in range(self._chance.randint(2, 5))
            )
            if place < len(_SHARES) or not treated_by:
                # So each organisation has a client of its own, whom the others don't treat.
                treated_by = (list(_SHARES)[place % len(_SHARES)],)
            yield Client(CX(next(numbers), BSN_OID), treated_by, documents)

    def _named(self, name: str) -> Employee:
        return next(employee for employee in self._staff if employee.name == name)


def write_month(settings: Settings, now: datetime) -> int:
    """Put the month before `now` in the log; how many records that are."""
    database = open_database(settings.database.url)
    try:
        month = Month(dutch_time(now).date(), database.read_now(lambda reader: reader.participants()))
        recorder = recorder_of(settings)
        entries = [entry for event in month.events() for entry in recorder.entries(event)]

        def write(writer: Writer) -> None:
            for client in month.clients:
                writer.add_patient(str(client.patient))
            writer.record(entries)

        database.write_now(write)
        while database.write_now(lambda writer: writer.log.index(len(entries))):
            pass
    finally:
        database.close()
    return len(entries)


def _everybody() -> Iterator[tuple[str, Coded, str]]:
    for organisation, roles in _STAFF.items():
        for role, names in roles.items():
            for name in names:
                yield organisation, role, name


def _objected(at: datetime) -> Verdict:
    why = f"De cliënt heeft op {dutch_day(at - timedelta(90))} bezwaar gemaakt."
    return Verdict(False, "consent", "bezwaar", why, Checks(True, True, False), Grounds(_POLICY, "", "bezwaar"))


def _unrelated(employee: Employee) -> Verdict:
    why = f"{ORGANISATIONS[employee.organisation].name} heeft op dit moment geen behandelrelatie met de cliënt."
    return Verdict(False, "treatment-relation", _POLICY, why, Checks(True, False), Grounds(_POLICY))


def _at(day: date, hour: float) -> datetime:
    return dutch_midnight(day) + timedelta(hours=hour)
