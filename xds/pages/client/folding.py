"""The lines of a day, those that are alike as one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from xds.model.dutch_time import dutch_day
from xds.pages.client.words import Line

_NEVER = datetime.min


class Folded(NamedTuple):
    """Lines that are alike on one day: the newest, and when each was, newest first."""

    line: Line
    moments: tuple[datetime, ...]


def folded(lines: Sequence[Line]) -> list[tuple[str, list[Folded]]]:
    """The lines by day, in the order in which they come; what one person did alike that day is one.

    An emergency is always told by itself, and nothing is moved over it: what came before it stays before it.
    Source: NEN 7513: 9.
    """
    days: dict[str, dict[tuple[int, Line], list[Line]]] = {}
    stretch = 0
    for line in lines:
        of_day = days.setdefault(dutch_day(line.moment), {})
        stretch += line.emergency is not None
        of_day.setdefault((stretch, line._replace(seq=0, moment=_NEVER)), []).append(line)
        stretch += line.emergency is not None
    return [(day, [_fold(alike) for alike in kinds.values()]) for day, kinds in days.items()]


def _fold(alike: list[Line]) -> Folded:
    return Folded(alike[0], tuple(line.moment for line in alike))
