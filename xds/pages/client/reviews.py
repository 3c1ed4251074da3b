"""What came of looking into what somebody did, as the client reads it.

What came of a sign is told of the records that raised it, and of no others. Some signs are about this client or this
kind of look; the others are about all that was done in a night, an hour, a day or one request.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from xds.audit.counted import counts
from xds.audit.hint_rules import HintRules
from xds.audit.hints import NOTHING_USUAL, Hint, Rule, hints_of, hour_of, span_of
from xds.audit.nen7513 import account
from xds.model.audit import MINOR, Record
from xds.model.conduct import Who
from xds.model.dutch_time import dutch_time
from xds.model.hint import Finding, Review
from xds.ports import Reader

_THIS = {
    Finding.IN_ORDER: "Dit is nagekeken. Er was een goede reden voor.",
    Finding.INVESTIGATE: "Iemand zoekt nu uit of dit mocht.",
    Finding.UNLAWFUL: "Dit is nagekeken. Het had niet gemogen.",
}
_TRIED = {
    Finding.IN_ORDER: "De poging is nagekeken. Er was een goede reden voor.",
    Finding.INVESTIGATE: "Iemand zoekt nu uit of deze poging mocht.",
    Finding.UNLAWFUL: "De poging is nagekeken. Dit had niet gemogen.",
}
_DAY = {
    Finding.IN_ORDER: "Wat deze persoon die dag deed, is nagekeken. Er was een goede reden voor.",
    Finding.INVESTIGATE: "Iemand zoekt nu uit of mocht wat deze persoon die dag deed.",
    Finding.UNLAWFUL: "Wat deze persoon die dag deed, is nagekeken. Niet alles mocht. Vraag of dat ook hierom gaat.",
}
_WEIGHT = (Finding.IN_ORDER, Finding.INVESTIGATE, Finding.UNLAWFUL)
_OF_CLIENT = (Rule.INSISTING, Rule.SURNAME)
_OF_MANY = (Rule.NIGHT, Rule.HOUR, Rule.VOLUME, Rule.MANY_CLIENTS)
_RAISED_AGAIN = (Rule.INSISTING, Rule.HOUR, Rule.MANY_CLIENTS)
"""Of these a review does not say which records they were."""
_DAY_LONG, _HOUR_LONG = timedelta(1), timedelta(hours=1)
_WAITING = "Dit moet nog worden nagekeken."
_NOTHING_SHOWN = " De zorgverlener kreeg niets te zien."


class Outcome(NamedTuple):
    """`text` is "" where nothing was to be reviewed. `unlawful` says that this very look should not have been."""

    text: str
    unlawful: bool = False


class Reviews:
    """The reviews, from `first` on, of what was done to one client; `client` is the log's keyed hash, in hex."""

    def __init__(self, reader: Reader, rules: HintRules, first: date, client: str):
        self._reader, self._rules, self._client = reader, rules, client
        self._found: dict[tuple[date, str, str], dict[str, Review]] = {}
        for review in reader.hints.reviews(first):
            case = self._found.setdefault((review.day, review.employee, review.organisation), {})
            case[review.hint] = review
        self._again: dict[date, dict[str, Hint]] = {}

    def of(self, seq: int, record: Record, is_emergency: bool, is_refused: bool) -> Outcome:
        """What came of it; of several reviews the gravest counts. A refusal is told to have shown nothing."""
        found = self._of(seq, record, is_emergency, _TRIED if is_refused else _THIS)
        return Outcome(found.text + _NOTHING_SHOWN) if found.text and is_refused else found

    def _of(self, seq: int, record: Record, is_emergency: bool, texts: Mapping[Finding, str]) -> Outcome:
        if not record.user.is_person or not record.rule:
            return Outcome("")
        person, day = record.user.person, dutch_time(record.started).date()
        employee, organisation = account(person), person.organisation
        # A refusal may belong to an emergency of the day after.
        near = [self._found.get((each, employee, organisation), {}) for each in (day, day + _DAY_LONG)]
        reviews = [each for of_day in near for each in of_day.values() if self._raised(each, seq, record, is_emergency)]
        this = [each.finding for each in reviews if each.rule not in _OF_MANY]
        if this:
            return _told(this, texts)
        if is_emergency:
            return Outcome(_WAITING)
        return _told([each.finding for each in reviews], _DAY)

    def _raised(self, review: Review, seq: int, record: Record, is_emergency: bool) -> bool:
        """Whether the record is among those that raised the sign."""
        rule = Rule(review.rule)
        if not counts(rule, record, self._rules.night):
            return False
        who = Who(review.employee, "", review.organisation, "", "", "")
        if rule in _OF_CLIENT and review.hint != Hint(rule, who, review.day, "", "", self._client).id:
            return False
        if rule in _RAISED_AGAIN:
            hint = self._of_day(review.day).get(review.hint)
            return hint is not None and self._holds(hint, seq, record)
        narrowed = {
            Rule.EMERGENCY: is_emergency,
            Rule.REFUSALS: record.outcome == MINOR,
            Rule.UNRELATED: record.rule == "treatment-relation",
        }
        return dutch_time(record.started).date() == review.day and narrowed.get(rule, True)

    def _of_day(self, day: date) -> dict[str, Hint]:
        if day not in self._again:
            conduct = self._reader.log.conduct(span_of(self._rules, day - _DAY_LONG, day))
            self._again[day] = {each.id: each for each in hints_of(conduct, NOTHING_USUAL, self._rules)}
        return self._again[day]

    def _holds(self, hint: Hint, seq: int, record: Record) -> bool:
        if hint.hour is not None:
            return hour_of(hint.day, hint.hour) <= record.started < hour_of(hint.day, hint.hour) + _HOUR_LONG
        if hint.seq is not None:
            # One request is one run of records, of which this is the last.
            (last,) = self._reader.log.leaves(hint.seq, 1)
            return hint.seq - last.number <= seq <= hint.seq
        return seq in hint.seqs


def _told(findings: list[Finding], texts: Mapping[Finding, str]) -> Outcome:
    if not findings:
        return Outcome("")
    gravest = max(findings, key=_WEIGHT.index)
    return Outcome(texts[gravest], texts is _THIS and gravest is Finding.UNLAWFUL)
