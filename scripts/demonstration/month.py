"""A month of ordinary work before the story, and two things in it that a privacy officer should find.

Everything goes through the product's own code, at the times at which it happened: what is in the log was decided, and
what was decided can be looked up. The two: somebody breaks the glass at night to look at a file after having been
refused, and somebody goes through very many files in an hour.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from demonstration.dossiers import Act, Client, Dossier, clients_of
from demonstration.exchange import Exchange
from demonstration.staff import AT_NIGHT, MANY_FILES, NIGHT_LOOK, Employee, staff
from xds.cli.init import ORGANISATIONS
from xds.db import Database, open_database
from xds.model.dutch_time import dutch_midnight, dutch_time
from xds.model.hl7 import CX
from xds.model.party import Participant, Requester
from xds.settings import Settings

DAYS = 31
BEGAN = timedelta(days=120)
"""How long ago the exchange began."""


class Month:
    """What happens in the month before `today`, and to its clients before. All chance is of one seed."""

    def __init__(self, exchange: Exchange, today: date, participants: list[Participant], chance: random.Random):
        self._exchange = exchange
        self._today = today
        self._chance = chance
        self._staff = staff(participants)
        self.clients = list(clients_of(chance))

    def acts(self) -> list[Act]:
        """All of it, in order of time."""
        desks = {name: self._staff_of(name)[-1] for name in ORGANISATIONS}
        found: list[Act] = []
        for place, client in enumerate(self.clients):
            found += Dossier(self._exchange, client, desks, self._today, self._chance).acts(place)
        for ago in range(DAYS, 0, -1):
            for employee in self._staff:
                if self._chance.random() < 5 / 7:
                    found += self._shift(employee, self._today - timedelta(ago))
        found += self._emergencies()
        found += self._look_at_night(self._named(NIGHT_LOOK), self._today - timedelta(9))
        found += self._many_files(self._named(MANY_FILES), self._today - timedelta(4))
        return sorted(found, key=lambda act: act.at)

    def _shift(self, employee: Employee, day: date) -> Iterator[Act]:
        """A day of work, or a night for some who have those."""
        at_night = employee.name in AT_NIGHT and self._chance.random() < 0.5
        begins, hours = (22.5, 8) if at_night else (8, 9)
        treated = [client for client in self.clients if employee.organisation in client.treated_by]
        for client in self._chance.sample(treated, self._chance.randint(2, 6)):
            opens = (2,) if self._chance.random() < 0.7 else ()
            yield self._look(employee.requester, client, _at(day, begins + self._chance.random() * hours), opens)
        if self._chance.random() < 0.03:
            yield self._look(employee.requester, self._stranger_to(employee), _at(day, begins + 1))

    def _emergencies(self) -> Iterator[Act]:
        """The glass is broken in earnest, now and then, for who is brought in from elsewhere."""
        cases = ((26, "Ine Kok", 3.2, "fluxus, spoedopname"), (17, "Karel Smits", 13.6, "eclampsie, buiten bewustzijn"),
                 (6, "Eline Groen", 15.1, "neonaat met ademnood"))  # fmt: skip
        elsewhere = [client for client in self.clients if client.treated_by == ("midwife-practice",)]
        for (ago, name, hour, reason), client in zip(cases, elsewhere[1:], strict=False):
            yield from self._break(self._named(name), _at(self._today - timedelta(ago), hour), client, reason)

    def _look_at_night(self, employee: Employee, day: date) -> Iterator[Act]:
        """Refused three times, and then with the glass broken, at a file that nobody of hers has to do with."""
        client = self._stranger_to(employee)
        for minute in (134, 136, 141):
            yield self._look(employee.requester, client, _at(day, minute / 60))
        yield from self._break(employee, _at(day, 2.4), client, "spoed")

    def _many_files(self, employee: Employee, day: date) -> Iterator[Act]:
        """One file after the other, in less than an hour."""
        for place, client in enumerate(self.clients[:40]):
            yield self._look(employee.requester, client, _at(day, 16.05 + place * 0.022))

    def _break(self, employee: Employee, at: datetime, client: Client, reason: str) -> Iterator[Act]:
        requester = employee.in_emergency(reason)
        yield self._look(requester, client, at, opens=(1, 4))

    def _look(self, requester: Requester, client: Client, at: datetime, opens: tuple[int, ...] = ()) -> Act:
        """Look for the documents of a client, and open some after so many minutes."""

        async def act() -> None:
            found = await self._exchange.find(requester, client.patient, at)
            for minutes in opens if found else ():
                later = at + timedelta(minutes=minutes)
                await self._exchange.retrieve(requester, client.patient, later, found)

        return Act(at, act)

    def _stranger_to(self, employee: Employee) -> Client:
        return next(client for client in self.clients if employee.organisation not in client.treated_by)

    def _staff_of(self, organisation: str) -> list[Employee]:
        return [employee for employee in self._staff if employee.organisation == organisation]

    def _named(self, name: str) -> Employee:
        return next(employee for employee in self._staff if employee.name == name)


def write_month(settings: Settings, now: datetime) -> int:
    """Have the month before `now` happen; how many records of the log that makes."""
    database = open_database(settings.database.url)
    try:
        records = asyncio.run(_happen(settings, database, now))
        while database.write_now(lambda writer: writer.log.index(records)):
            pass
    finally:
        database.close()
    return records


async def _happen(settings: Settings, database: Database, now: datetime) -> int:
    chance = random.Random("a month of birth care")
    exchange = Exchange(settings, database, chance)
    participants = database.read_now(lambda reader: reader.participants())
    month = Month(exchange, dutch_time(now).date(), participants, chance)
    await exchange.begin([client.patient for client in month.clients], now - BEGAN)
    together: dict[CX, Act] = {}
    for act in month.acts():
        if act.changes is None or act.changes in together:
            await asyncio.gather(*(each.do() for each in together.values()))
            together.clear()
        if act.changes is None:
            await act.do()
        else:
            # Changes of several clients share a commit, which is what takes time.
            together[act.changes] = act
    await exchange.catch_up()
    return exchange.records


def _at(day: date, hour: float) -> datetime:
    return dutch_midnight(day) + timedelta(hours=hour)
