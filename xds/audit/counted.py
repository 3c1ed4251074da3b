"""Which records of an employee's day a rule counts when it raises a hint."""

from __future__ import annotations

from datetime import datetime

from xds.audit.events import KINDS
from xds.audit.hint_rules import Night
from xds.audit.hints import Rule
from xds.model.audit import Record
from xds.model.conduct import LOOKS
from xds.model.dutch_time import dutch_time

_LOOKS = {(KINDS[name].event, KINDS[name].type) for name in LOOKS}
_OF_CLIENTS = frozenset({Rule.HOUR, Rule.UNRELATED, Rule.VOLUME})
"""These count clients, not records."""


def counts(rule: Rule, record: Record, night: Night) -> bool:
    """Whether a rule counts a record, of those that have the outcome and the decision that it goes by."""
    if (record.event, record.kinds[0]) not in _LOOKS:
        return False
    if rule is Rule.NIGHT:
        return _at_night(record.started, night)
    return record.patient is not None or rule not in _OF_CLIENTS


def _at_night(moment: datetime, night: Night) -> bool:
    hour = dutch_time(moment).hour
    if night.begin <= night.end:
        return night.begin <= hour < night.end
    return hour >= night.begin or hour < night.end
