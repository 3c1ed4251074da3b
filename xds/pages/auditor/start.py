"""The first page that an auditor sees: what needs a look, and whether the log can be relied on."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from xds.audit.hint_rules import HintRules
from xds.audit.hints import Rule
from xds.audit.tree import first_broken
from xds.model.audit import EMPTY, Head, Note
from xds.pages.ask import Ask, Seen, View
from xds.pages.auditor.hints import PATH, HintPages, cases, name_of, place_of
from xds.ports import Reader

_MOST_CASES = 6


class Sealing(NamedTuple):
    """The state of the log. `waiting` is how long the oldest record is not kept elsewhere, None when all are.

    `broken` is the first of the `verified` newest records that is not what was written.
    """

    head: Head
    note: Note | None
    anchored: Note | None
    waiting: timedelta | None
    verified: int
    broken: int | None


class StartPage:
    """The page, with the hints that `hints` knows."""

    def __init__(self, hints: HintPages):
        self._hints = hints

    async def __call__(self, ask: Ask) -> View:
        rules = ask.sources.rules()
        sealing = await ask.read(lambda reader: sealing_of(reader, rules, ask.now))
        found = [each for each in await self._hints.raised(ask) if each.open]
        ordered = cases(found)
        counts = Counter(each.hint.rule for each in found)
        context = {
            "sealing": sealing,
            "anchored_at": None if sealing.anchored is None else _moment(sealing.anchored.anchored),
            "late": sealing.waiting is not None and sealing.waiting > timedelta(minutes=rules.sealing.anchor_minutes),
            "rules": rules,
            "cases": [(case, name_of(case[0].hint), place_of(case[0].hint)) for case in ordered[:_MOST_CASES]],
            "other_cases": max(len(ordered) - _MOST_CASES, 0),
            "open": len(found),
            "counts": [(rule, counts[rule], f"{PATH}?regel={rule.value}") for rule in Rule],
            "hints_path": PATH,
        }
        return View("auditor/start.html", Seen("Startpagina"), context)


def sealing_of(reader: Reader, rules: HintRules, now: datetime) -> Sealing:
    """Look at the seals of the log, and verify its newest records."""
    log = reader.log
    head, note, anchored = log.head(), log.newest_note(), log.newest_anchored()
    oldest = log.leaves(anchored.size if anchored else 0, 1)
    waiting = max(now - _moment(oldest[0].time), timedelta()) if oldest else None
    first = max(head.size - rules.sealing.verified, 0)
    before = [] if first == 0 else log.lines(first - 1, 1)
    lines = log.lines(first, head.size - first)
    broken = first_broken(before[0].chain if before else EMPTY.chain, lines)
    if broken is None and (len(lines) != head.size - first or (lines and lines[-1].chain != head.chain)):
        broken = head.size - 1
    return Sealing(head, note, anchored, waiting, len(lines), broken)


def _moment(microseconds: int | None) -> datetime:
    return datetime.fromtimestamp((microseconds or 0) / 1_000_000, UTC)
