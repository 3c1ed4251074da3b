"""What hints there are now. Days that are over are looked at once."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta

from xds.audit.hint_rules import HintRules
from xds.audit.hints import NOTHING_USUAL, Hint, hints_of, usual_of
from xds.model.conduct import Conduct, Span
from xds.model.dutch_time import dutch_time
from xds.ports import Reader

_SETTLED = timedelta(minutes=30)
"""So long after midnight all of the day before has been written down."""
_DAY = timedelta(1)


class Lookout:
    """Raises hints by the rules, of the days for which a hint waits."""

    def __init__(self, rules: HintRules):
        self.rules = rules
        self._settled: date | None = None
        self._usual = NOTHING_USUAL
        self._hints: list[Hint] = []
        self._settling = threading.Lock()

    def hints(self, reader: Reader, now: datetime) -> list[Hint]:
        """The newest day first."""
        settled = dutch_time(now - _SETTLED).date() - _DAY
        with self._settling:
            if self._settled != settled:
                self._settle(reader, settled)
        # A refusal of the day before may belong to an emergency of today.
        newest = _after(settled, reader.log.conduct(self._span(settled, dutch_time(now).date())))
        return [*hints_of(newest, self._usual, self.rules), *self._hints]

    def _settle(self, reader: Reader, last: date) -> None:
        period = self.rules.period
        conduct = reader.log.conduct(self._span(last - timedelta(period.usual_days - 1), last))
        self._usual = usual_of(conduct.days, self.rules)
        shown = _after(last - timedelta(period.days), conduct)
        self._hints = hints_of(shown, self._usual, self.rules)
        self._settled = last

    def _span(self, first: date, last: date) -> Span:
        rules = self.rules
        sweep, within = rules.many_clients.least_clients, rules.insisting.within_hours * 3600
        return Span(first, last, rules.night.begin, rules.night.end, sweep, within)


def _after(day: date, conduct: Conduct) -> Conduct:
    return Conduct(*(tuple(each for each in part if each.day > day) for part in conduct))
