"""What happens to the clients of the month besides being looked at: documents are submitted, and they have a say.

Most of it lies before the month.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from random import Random
from typing import NamedTuple

from demonstration.documents import (
    ANOMALY_SCAN,
    BIRTH,
    CARD,
    CHECK,
    DATING_SCAN,
    MATERNITY,
    YOUTH,
    Sort,
)
from demonstration.exchange import Exchange
from demonstration.staff import Employee
from xds.cli.init import ORGANISATIONS
from xds.consent.change import Outcome, record, relate
from xds.model.affinity_domain import BSN_OID
from xds.model.bsn import is_valid_bsn
from xds.model.consent import (
    ANYONE,
    Channel,
    Consent,
    Decision,
    Giver,
    Ground,
    Scope,
    ScopeKind,
    Subject,
    TreatmentRelation,
)
from xds.model.dutch_time import dutch_midnight
from xds.model.hl7 import CX
from xds.ports import Writer

CLIENTS = 48
CHANGED_HER_MIND = "999901394"
"""A client who withdrew what she allowed the hospital, and allowed it again."""
_SHARES = {"midwife-practice": 0.9, "hospital": 0.6, "jgz": 0.3}
"""What part of the clients each organisation treats."""


class Act(NamedTuple):
    """Something that is done. `changes` is the client of whom something is submitted or recorded by it."""

    at: datetime
    do: Callable[[], Awaitable[object]]
    changes: CX | None = None


class Client(NamedTuple):
    """A client, with who treats her: keys of ORGANISATIONS, who knew her first first."""

    patient: CX
    treated_by: tuple[str, ...]


def clients_of(chance: Random) -> Iterator[Client]:
    """The clients; each organisation has at least one of its own, whom the others don't treat."""
    numbers = (number for number in map(str, range(999_901_000, 999_999_999)) if is_valid_bsn(number))
    for place in range(CLIENTS):
        treated_by = tuple(name for name, share in _SHARES.items() if chance.random() < share)
        if place < len(_SHARES) or not treated_by:
            treated_by = (list(_SHARES)[place % len(_SHARES)],)
        yield Client(CX(next(numbers), BSN_OID), treated_by)


class Dossier:
    """All that happens to one client. `desks` are who records and submits at each organisation."""

    def __init__(self, exchange: Exchange, client: Client, desks: Mapping[str, Employee], today: date, chance: Random):
        self._exchange = exchange
        self._client = client
        self._desks = desks
        self._today = today
        self._chance = chance

    def acts(self, place: int) -> Iterator[Act]:
        treated_by, first = self._client.treated_by, self._client.treated_by[0]
        ago = self._chance.randint(70, 100)
        yield self._submit(YOUTH if first == "jgz" else CARD, first, self._at(ago))
        others, told = treated_by[1:], self._at(ago, later=5)
        if others:
            changes = [self._relation(name, told) for name in others]
            changes += [self._word(Decision.PERMIT, name, told) for name in treated_by]
            yield self._record(changes, first, told)
        if first == "midwife-practice":
            yield self._submit(DATING_SCAN, first, self._at(ago - 14))
            yield self._submit(CHECK, first, self._at(self._chance.randint(33, 50)))
        if "hospital" in treated_by and place % 2 == 0:
            yield self._submit(ANOMALY_SCAN, "hospital", self._at(self._chance.randint(32, 45)))
        if place % 3 == 0 and first != "jgz":
            yield from self._birth(self._chance.randint(14, 26))
        if "hospital" in others:
            yield from self._second_thoughts(place)

    def _birth(self, ago: int) -> Iterator[Act]:
        treated_by, first = self._client.treated_by, self._client.treated_by[0]
        yield self._submit(BIRTH, "hospital" if "hospital" in treated_by else first, self._at(ago))
        yield self._submit(MATERNITY, first, self._at(ago - 1))
        if "jgz" in treated_by:
            yield self._submit(YOUTH, first, self._at(ago - 9))

    def _second_thoughts(self, place: int) -> Iterator[Act]:
        """Some withdraw what they allowed the hospital; some of them come back to it, and others object."""
        ago, first = self._chance.randint(10, 22), self._client.treated_by[0]
        said = self._at(ago)
        if place % 8 == 3:
            yield self._record([self._word(Decision.WITHDRAWN, "hospital", said)], first, said)
        if place % 16 == 3:
            said = self._at(ago - 6)
            yield self._record([self._word(Decision.PERMIT, "hospital", said)], first, said)
        if place % 11 == 5:
            yield self._record([self._word(Decision.DENY, "hospital", said)], first, said)

    def _submit(self, sort: Sort, organisation: str, at: datetime) -> Act:
        patient = self._client.patient
        return Act(at, partial(self._exchange.submit, self._desks[organisation], patient, sort, at), patient)

    def _record(self, changes: list[Callable[[Writer], Outcome]], organisation: str, at: datetime) -> Act:
        patient = self._client.patient
        return Act(at, partial(self._exchange.record, patient, changes, self._desks[organisation], at), patient)

    def _relation(self, organisation: str, at: datetime) -> Callable[[Writer], Outcome]:
        relation = TreatmentRelation(0, ORGANISATIONS[organisation].ura, at, None, Ground.REGISTERED)
        return lambda writer: relate(writer, str(self._client.patient), relation, self._desk(), at)

    def _word(self, decision: Decision, organisation: str, at: datetime) -> Callable[[Writer], Outcome]:
        consumer = Scope(ScopeKind.ORGANISATION, ORGANISATIONS[organisation].ura)
        word = Consent(0, Subject(ANYONE, None, consumer), decision, at, None, frozenset({Giver.CLIENT}),
                       Channel.SPOKEN, self._desk(), at)  # fmt: skip
        return lambda writer: record(writer, self._exchange.policy, str(self._client.patient), word)

    def _desk(self) -> str:
        """Who takes down what the client says."""
        return self._desks[self._client.treated_by[0]].name

    def _at(self, ago: int, later: int = 0) -> datetime:
        """So many days ago, in the morning; `later` in minutes."""
        minutes = 540 + int(self._client.patient.number) % 150 + later
        return dutch_midnight(self._today - timedelta(ago)) + timedelta(minutes=minutes)
