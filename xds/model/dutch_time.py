"""Moments as people in the Netherlands read and write them.

By rule, because a machine may lack the time zone database. Source: Directive 2000/84/EC: summer time is from the
last Sunday of March to the last Sunday of October, at 01:00 UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache

_MONTHS = (
    "januari", "februari", "maart", "april", "mei", "juni",
    "juli", "augustus", "september", "oktober", "november", "december",
)  # fmt: skip
_SPELT = re.compile(r"(\d{1,2})\s*[-/. ]\s*(\d{1,2}|[a-z]{3,9})\.?\s*[-/. ]\s*(\d{4})", re.ASCII)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_WINTER = timezone(timedelta(hours=1), "CET")
_SUMMER = timezone(timedelta(hours=2), "CEST")


def dutch_time(moment: datetime) -> datetime:
    """The same moment by the clocks of the Netherlands."""
    utc = moment.astimezone(UTC)
    summer = _turn(utc.year, 3) <= utc < _turn(utc.year, 10)
    return utc.astimezone(_SUMMER if summer else _WINTER)


def dutch_midnight(day: date) -> datetime:
    """The moment, in UTC, at which a day begins in the Netherlands."""
    utc = datetime.combine(day, time(), UTC)
    offset = dutch_time(utc - timedelta(hours=2)).utcoffset()
    assert offset is not None
    return utc - offset


@lru_cache(maxsize=1024)
def dutch_day(moment: datetime) -> str:
    """The day of a moment, in words: 3 maart 2026."""
    local = dutch_time(moment)
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}"


def read_day(text: str) -> date:
    """The day that somebody typed: 25-11-2026, 25/11/2026, 25 november 2026 or 2026-11-25. ValueError for no day."""
    said = text.strip().lower()
    if iso := _ISO.fullmatch(said):
        return date(*map(int, iso.groups()))
    spelt = _SPELT.fullmatch(said)
    if spelt is None:
        raise ValueError("this is no day")
    day, month, year = spelt.groups()
    if not month.isdigit():
        month = next((number for number, name in enumerate(_MONTHS, 1) if name.startswith(month)), 0)
    return date(int(year), int(month), int(day))


def _turn(year: int, month: int) -> datetime:
    last = date(year, month, 31)
    return datetime.combine(last - timedelta(days=(last.weekday() + 1) % 7), time(1), UTC)
