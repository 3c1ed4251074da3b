"""A period that an address asks for: `van` and `tot`, both days included, by the clocks of the Netherlands."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from xds.model.dutch_time import dutch_midnight, dutch_time
from xds.pages.ask import Missing, PublicAsk

_DAY = timedelta(days=1)
_SHORTCUTS = (("7 dagen", 6), ("30 dagen", 29), ("een jaar", 364))


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
        return tuple((label, day.isoformat()) for label, day in said if day is not None)


def period_of(ask: PublicAsk) -> Period:
    """What the address asks; Missing when it can't be meant."""
    return Period(day_of(ask.query.get("van", "")), day_of(ask.query.get("tot", "")))


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


def day_of(text: str) -> date | None:
    """A day as a form gives it; None for none, Missing when it is no day."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Missing from None
    if not 1970 < day.year < 2100:
        raise Missing
    return day


def _microseconds(day: date) -> int:
    return int(dutch_midnight(day).timestamp() * 1_000_000)
