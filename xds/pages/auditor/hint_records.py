"""The records that raised a hint: those that its rule counted, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from xds.audit.counted import counts
from xds.audit.hint_rules import HintRules
from xds.audit.hints import Hint, Rule, hour_of
from xds.audit.record import decode
from xds.model.audit import MINOR, Kept, LogSelection
from xds.model.dutch_time import dutch_midnight
from xds.pages.auditor.question import HEADINGS, microseconds
from xds.ports import Reader

_DAY, _HOUR = timedelta(1), timedelta(hours=1)
_AT_ONCE = 500
_NARROWED: dict[Rule, dict[str, str | int | bool]] = {
    Rule.EMERGENCY: {"emergency": True},
    Rule.UNRELATED: {"rule": "treatment-relation"},
    Rule.REFUSALS: {"outcome": MINOR},
}


class Raising(NamedTuple):
    """Some of them, newest first. `before` is the seq below which there are more, None when there are none."""

    kept: list[Kept]
    before: int | None


def raising(reader: Reader, hint: Hint, rules: HintRules, before: int | None, limit: int) -> Raising:
    """The records that raised a hint, below seq `before`."""
    found: list[Kept] = []
    for kept in _all(reader, hint, rules, before):
        if len(found) == limit:
            return Raising(found, found[-1].leaf.seq)
        found.append(kept)
    return Raising(found, None)


def around_url(hint: Hint) -> str:
    """Where the log shows them among all that the employee did in those days, or at that client."""
    since = hint.day - _DAY if hint.rule is Rule.INSISTING else hint.day
    words = {"van": since.isoformat(), "tot": hint.day.isoformat()}
    chosen = {"employee": hint.who.employee, "organisation": hint.who.organisation, "patient": hint.patient}
    words |= {HEADINGS[name].word: value for name, value in chosen.items() if value}
    return f"/toezicht/log?{urlencode(words)}"


def _all(reader: Reader, hint: Hint, rules: HintRules, before: int | None) -> Iterator[Kept]:
    if hint.rule is Rule.INSISTING:
        lines = [line for seq in hint.seqs for line in reader.log.lines(seq, 1)]
        yield from (line for line in reversed(lines) if before is None or line.leaf.seq < before)
    elif hint.seq is not None:
        # One request is one run of records, of which this is the last.
        number = next((leaf.number for leaf in reader.log.leaves(hint.seq, 1)), 0)
        lines = reader.log.lines(hint.seq - number, number + 1)
        yield from (line for line in reversed(lines) if before is None or line.leaf.seq < before)
    else:
        while some := reader.log.newest(_selection(hint), before, _AT_ONCE):
            payloads = [(kept, kept.payload) for kept in some if kept.payload is not None]
            yield from (kept for kept, payload in payloads if counts(hint.rule, decode(payload), rules.night))
            before = some[-1].leaf.seq


def _selection(hint: Hint) -> LogSelection:
    since, below = dutch_midnight(hint.day), dutch_midnight(hint.day + _DAY)
    if hint.hour is not None:
        since = hour_of(hint.day, hint.hour)
        below = since + _HOUR
    selection = LogSelection(
        started_from=microseconds(since),
        started_below=microseconds(below),
        employee=hint.who.employee,
        organisation=hint.who.organisation,
        patient=bytes.fromhex(hint.patient) or None,
    )
    return selection._replace(**_NARROWED.get(hint.rule, {}))
