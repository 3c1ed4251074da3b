"""A timeline: where its steps begin, and its picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from xds.model.dutch_time import dutch_midnight, dutch_time

_SECOND = 1_000_000
_HOURS, _DAYS, _WEEKS = timedelta(days=3), timedelta(days=92), timedelta(days=750)
_HOUR = timedelta(hours=1)
WIDTH, HEIGHT, TOP, LEFT = 960, 190, 12, 52
FLOOR = HEIGHT - 26


class Step(NamedTuple):
    """A bar: from when to before when, by Dutch clocks, and how many.

    `since` and `until` are whole days, if it has any.
    """

    label: str
    count: int
    since: date | None
    until: date | None


class Bar(NamedTuple):
    """Where a step is drawn."""

    step: Step
    x: float
    y: float
    width: float
    height: float


class Picture(NamedTuple):
    """What the template draws. `ticks` are texts with their x, `most` is the height of the axis."""

    unit: str
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    most: int

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(bar.step for bar in self.bars)


def edges(first: int, last: int) -> Sequence[int]:
    """Where steps begin, and where the last one ends: hours, days, weeks or months, as the time between asks for."""
    begin, end = _moment(first), _moment(last)
    span = end - begin
    if span <= _HOURS:
        start = begin.replace(minute=0, second=0, microsecond=0)
        hours = int((end - start) / _HOUR) + 1
        return [_microseconds(start + n * _HOUR) for n in range(hours + 1)]
    following = _after(span)
    day = _first_day(dutch_time(begin).date(), span)
    found, until = [day], dutch_time(end).date()
    while found[-1] <= until:
        found.append(following(found[-1]))
    return [_microseconds(dutch_midnight(each)) for each in found]


def picture(edges: Sequence[int], counts: Sequence[int]) -> Picture | None:
    """The picture of a timeline; None when there is nothing in it."""
    if not counts:
        return None
    moments = [_moment(edge) for edge in edges]
    unit = _unit(moments[1] - moments[0])
    most = _rounded(max(counts))
    room = (WIDTH - LEFT) / len(counts)
    bars = []
    for place, count in enumerate(counts):
        height = (FLOOR - TOP) * count / most
        if count:
            height = max(height, 1.5)
        step = _step(unit, moments[place], moments[place + 1], count)
        gap = min(2.0, room / 5)
        bars.append(Bar(step, LEFT + place * room, FLOOR - height, room - gap, height))
    each = max(1, -(-len(bars) // 8))
    ticks = tuple((bar.x, _tick(unit, moment)) for bar, moment in zip(bars, moments, strict=False))[::each]
    return Picture(unit, tuple(bars), ticks, most)


def _step(unit: str, begin: datetime, end: datetime, count: int) -> Step:
    local = dutch_time(begin)
    if unit == "uur":
        return Step(local.strftime("%d-%m-%Y %H:00"), count, None, None)
    since, until = local.date(), dutch_time(end).date() - timedelta(days=1)
    label = since.strftime("%d-%m-%Y")
    if until != since:
        label += f" t/m {until.strftime('%d-%m-%Y')}"
    return Step(label, count, since, until)


def _tick(unit: str, moment: datetime) -> str:
    return dutch_time(moment).strftime({"uur": "%d-%m %Hu", "maand": "%m-%Y"}.get(unit, "%d-%m"))


def _unit(step: timedelta) -> str:
    if step <= _HOUR:
        return "uur"
    days = round(step / timedelta(days=1))
    return "dag" if days == 1 else "week" if days == 7 else "maand"


def _after(span: timedelta) -> Callable[[date], date]:
    if span <= _DAYS:
        return lambda day: day + timedelta(days=1)
    if span <= _WEEKS:
        return lambda day: day + timedelta(days=7)
    return lambda day: (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def _first_day(day: date, span: timedelta) -> date:
    if span <= _DAYS:
        return day
    return day - timedelta(days=day.weekday()) if span <= _WEEKS else day.replace(day=1)


def _rounded(most: int) -> int:
    """The next of 1, 2 or 5 times a power of ten."""
    power = 10 ** (len(str(max(most, 1))) - 1)
    return next(each for each in (power, 2 * power, 5 * power, 10 * power) if each >= most)


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / _SECOND, UTC)


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp()) * _SECOND
