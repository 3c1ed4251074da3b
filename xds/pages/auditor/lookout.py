"""What hints there are now. Days that are over are looked at once, and again when more is known of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache

import structlog

from xds.audit.hint_rules import HintRules
from xds.audit.hints import NOTHING_USUAL, Hint, hints_of, span_of, usual_of
from xds.errors import Unavailable
from xds.model.conduct import Conduct, Kin, Who
from xds.model.dutch_time import dutch_time
from xds.model.surname import surnames_of_person
from xds.ports import Index, Reader

_SETTLED = timedelta(minutes=30)
"""So long after midnight all of the day before has been written down."""
_DAY = timedelta(1)
_EVERY_SECONDS = 300
_REMEMBERED = 1 << 14

_log = structlog.get_logger()


class Lookout:
    """Raises hints by the rules, of the days for which a hint waits."""

    def __init__(self, rules: Callable[[], HintRules], surname_key: Callable[[str], bytes]):
        """`surname_key` is the log's keyed hash of a surname that was made alike."""
        self.rules = rules
        self._surnames = lru_cache(_REMEMBERED)(lambda name: frozenset(map(surname_key, surnames_of_person(name))))
        self._settled: tuple[date, int, HintRules] | None = None
        self._usual = NOTHING_USUAL
        self._hints: list[Hint] = []
        self._settling = threading.Lock()

    def hints(self, reader: Reader, now: datetime) -> list[Hint]:
        """The newest day first."""
        rules = self.rules()
        last, today = dutch_time(now - _SETTLED).date() - _DAY, dutch_time(now).date()
        # A refusal of the day before may belong to an emergency of today.
        newest = reader.log.conduct(span_of(rules, last, today), self._kin(reader, rules))
        records = newest.earlier + sum(each.records for each in newest.days if each.day == last)
        with self._settling:
            if self._settled != (last, records, rules):
                self._settle(reader, rules, last)
                self._settled = last, records, rules
            settled, usual = self._hints, self._usual
        return [*hints_of(_after(last, newest), usual, rules), *settled]

    async def keep_settled(self, index: Index, clock: Callable[[], datetime]) -> None:
        """Look at days that are over when they are, so that nobody has to wait for it; until cancelled."""
        while True:
            try:
                await index.read(lambda reader: self.hints(reader, clock()))
            except Unavailable as error:
                _log.error("the hints can't be raised", reason=str(error))
            await asyncio.sleep(_EVERY_SECONDS)

    def _settle(self, reader: Reader, rules: HintRules, last: date) -> None:
        span = span_of(rules, last - timedelta(rules.period.usual_days - 1), last)
        conduct = reader.log.conduct(span, self._kin(reader, rules))
        self._usual = usual_of(conduct.days, rules)
        self._hints = hints_of(_after(last - timedelta(rules.period.days), conduct), self._usual, rules)

    def _kin(self, reader: Reader, rules: HintRules) -> Kin:
        def kin(people: Iterable[Who]) -> Mapping[Who, Collection[str]]:
            keys = {who: self._surnames(who.name) for who in people}
            bearers = reader.hints.bearers(set().union(*keys.values()), rules.surname.most_bearers)
            found = {who: {each.hex() for key in of for each in bearers.get(key, ())} for who, of in keys.items()}
            return {who: patients for who, patients in found.items() if patients}

        return kin


def _after(day: date, conduct: Conduct) -> Conduct:
    earlier, *parts = conduct
    return Conduct(earlier, *(tuple(each for each in part if each.day > day) for part in parts))
