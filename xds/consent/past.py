"""What was known, and which policy was in force, at a moment that has passed: from what is only ever added to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from xds.model.consent import ClientFacts, Consent, PolicyText, TreatmentRelation


def policy_at(versions: Sequence[PolicyText], moment: datetime) -> PolicyText | None:
    """The policy that was in force; before the first version that was kept, that one, whose `since` is later then.

    `versions` are oldest first. None when none was ever kept.
    """
    by_then = [each for each in versions if each.since <= moment]
    return next(iter(by_then[-1:] or versions), None)


def facts_at(
    facts: ClientFacts,
    versions: Iterable[Consent],
    relations: Iterable[tuple[TreatmentRelation, datetime]],
    moment: datetime,
) -> ClientFacts:
    """The facts as they were at `moment`; `relations` come with when each was recorded, oldest first.

    Of several notices about one category only the newest is among the facts: one that came later counts as none, as
    if the client had not been told before.
    """
    words = {word.subject: word for word in versions if word.recorded_at <= moment}
    related = {relation.ura: relation for relation, recorded_at in relations if recorded_at <= moment}
    return replace(
        facts,
        consents=tuple(words.values()),
        relations=tuple(related.values()),
        emergencies=tuple(each for each in facts.emergencies if each.opened_at <= moment),
        informed={category: at for category, at in facts.informed.items() if at <= moment},
        joined={kind: at for kind, at in facts.joined.items() if at <= moment},
    )
