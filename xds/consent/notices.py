"""Which clients must hear that a category of organisations joined. Source: Wabvpz 15c."""

from __future__ import annotations

from datetime import datetime

from xds.consent.given import joined_at
from xds.consent.policy import Policy
from xds.model.consent import ClientFacts, Decision, ScopeKind


def notices_due(policy: Policy, facts: ClientFacts, now: datetime) -> list[str]:
    """The categories that joined since a client permitted what they would see, and of which the client wasn't told."""
    due = []
    for kind in facts.joined:
        narrowest = policy.categories_of(kind)[:1]
        for category in narrowest:
            joined = joined_at(policy, facts.joined, category)
            told = facts.informed.get(category)
            if joined is None or category in due or (told is not None and told >= joined):
                continue
            if any(permit_at < joined for permit_at in _permits(policy, facts, kind, now)):
                due.append(category)
    return sorted(due)


def _permits(policy: Policy, facts: ClientFacts, kind: str, now: datetime) -> list[datetime]:
    """When the permits were recorded that would let organisations of this kind see something."""
    categories = policy.categories_of(kind)
    return [
        word.recorded_at
        for word in facts.consents
        if word.decision is Decision.PERMIT
        and (word.until is None or now < word.until)
        and (
            word.subject.consumer.kind is ScopeKind.ANY
            or (word.subject.consumer.kind is ScopeKind.CATEGORY and word.subject.consumer.code in categories)
        )
    ]
