"""A period that an address asks for: `van` and `tot`, both days included, by the clocks of the Netherlands."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from xds.model.dutch_time import dutch_midnight, dutch_time, read_day
from xds.pages.ask import PublicAsk, Unclear

_DAY = timedelta(days=1)
_SHORTCUTS = (("vandaag", 0), ("7 dagen", 6), ("30 dagen", 29), ("een jaar", 364))
DAYS = {"van": "Vanaf", "tot": "Tot en met", "dag": "Dag"}
"""What people call the words of an address that are a day."""
_NO_DAY = "Dit is geen dag. Schrijf een dag zo: 25-11-2026."
_FAR = "Kies een dag na 1970 en voor 2100."
_BACKWARDS = "Deze dag is eerder dan de eerste dag. Wissel ze om."


class Period(NamedTuple):
    """The days, None where it has no end on that side."""

    since: date | None
    until: date | None

    @property
    def started_from(self) -> int | None:
        """In microseconds since 1970, as the log has it."""
        return None if self.since is None else _microseconds(self.since)

    @property
    def started_below(self) -> int | None:
        return None if self.until is None else _microseconds(self.until + _DAY)

    @property
    def words(self) -> tuple[tuple[str, str], ...]:
        """For the record of a view."""
        said = (("van", self.since), ("tot en met", self.until))
        return tuple((label, day.strftime("%d-%m-%Y")) for label, day in said if day is not None)

    @property
    def sentence(self) -> str:
        """What it covers, for who reads a document."""
        return f"Periode: {' '.join(word for each in self.words for word in each) or 'alles wat is vastgelegd'}."


def period_of(ask: PublicAsk) -> Period:
    """What the address asks; Unclear when it can't be meant."""
    period = Period(day_of(ask, "van"), day_of(ask, "tot"))
    if period.since is not None and period.until is not None and period.until < period.since:
        raise Unclear("tot", _BACKWARDS)
    return period


def shortcuts(ask: PublicAsk) -> list[tuple[str, str]]:
    """Periods until today to choose from, with their addresses."""
    today = dutch_time(ask.now).date()
    given = [
        (
            label,
            ask.url(van=str(today - timedelta(days=days)), tot=str(today), voor=None),
        )
        for label, days in _SHORTCUTS
    ]
    return [*given, ("alles", ask.url(van=None, tot=None, voor=None))]


def day_of(ask: PublicAsk, word: str) -> date | None:
    """The day under a word of the address; None for none, Unclear when it is no day."""
    text = ask.query.getall(word, [""])[-1].strip()
    if not text:
        return None
    try:
        day = read_day(text)
    except ValueError:
        raise Unclear(word, _NO_DAY) from None
    if not 1970 < day.year < 2100:
        raise Unclear(word, _FAR)
    return day


def _microseconds(day: date) -> int:
    return int(dutch_midnight(day).timestamp() * 1_000_000)
