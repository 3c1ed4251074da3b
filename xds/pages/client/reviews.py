"""What came of looking into what somebody did, as the client reads it.

Some signs are about this client or this kind of look; of the others it is only known that they are about that day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from xds.audit.hints import Hint, Rule
from xds.audit.nen7513 import account
from xds.model.audit import MINOR, Record
from xds.model.conduct import Who
from xds.model.dutch_time import dutch_time
from xds.model.hint import Finding, Review

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
_WAITING = "Dit moet nog worden nagekeken."
_NOTHING_SHOWN = " De zorgverlener kreeg niets te zien."


class Outcome(NamedTuple):
    """`text` is "" where nothing was to be reviewed. `unlawful` says that this very look should not have been."""

    text: str
    unlawful: bool = False


class Reviews:
    """The reviews of what was done to one client; `client` is the log's keyed hash, in hex."""

    def __init__(self, reviews: Iterable[Review], client: str):
        self._client = client
        self._found: dict[tuple[date, str, str], dict[str, Review]] = {}
        for review in reviews:
            case = self._found.setdefault((review.day, review.employee, review.organisation), {})
            case[review.hint] = review

    def of(self, record: Record, is_emergency: bool, is_refused: bool) -> Outcome:
        """What came of it; of several reviews the gravest counts. A refusal is told to have shown nothing."""
        found = self._of(record, is_emergency, _TRIED if is_refused else _THIS)
        return Outcome(found.text + _NOTHING_SHOWN) if found.text and is_refused else found

    def _of(self, record: Record, is_emergency: bool, texts: Mapping[Finding, str]) -> Outcome:
        if not record.user.is_person or not record.rule:
            return Outcome("")
        person, day = record.user.person, dutch_time(record.started).date()
        who = Who(account(person), "", person.organisation, "", "", "")
        reviews = self._found.get((day, who.employee, who.organisation), {})
        ours = {Hint(rule, who, day, "", "", self._client).id for rule in _OF_CLIENT}
        rules = _rules_of(record, is_emergency)
        this = [each.finding for each in reviews.values() if each.hint in ours or each.rule in rules]
        if this:
            return _told(this, texts)
        if is_emergency:
            return Outcome(_WAITING)
        others = {Rule.EMERGENCY, Rule.UNRELATED, Rule.REFUSALS, *_OF_CLIENT}
        return _told([each.finding for each in reviews.values() if each.rule not in others], _DAY)


def _rules_of(record: Record, is_emergency: bool) -> set[str]:
    """The signs that are about all of what an employee did like this on a day."""
    rules = {Rule.EMERGENCY.value} if is_emergency else set()
    if record.outcome == MINOR:
        rules.add(Rule.REFUSALS)
    if record.rule == "treatment-relation":
        rules.add(Rule.UNRELATED)
    return rules


def _told(findings: list[Finding], texts: Mapping[Finding, str]) -> Outcome:
    if not findings:
        return Outcome("")
    gravest = max(findings, key=_WEIGHT.index)
    return Outcome(texts[gravest], texts is _THIS and gravest is Finding.UNLAWFUL)
