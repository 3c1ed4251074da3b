"""A verdict as a sentence, in Dutch, for the client and the auditor; and a client's word as it is shown."""

from __future__ import annotations

from typing import Any

from xds.consent.given import subject_words
from xds.consent.policy import Policy
from xds.model.consent import Consent, Scope
from xds.model.party import Requester
from xds.model.verdict import Verdict


def explain(policy: Policy, requester: Requester, document: str, verdict: Verdict) -> str:
    """Who may or may not see a document, and why. `document` is its title."""
    role = policy.roles.get(requester.user.role.key)
    who = role.display if role is not None else f"iemand met rol {requester.user.role.code}"
    may = f"mag '{document}' inzien" if verdict.permitted else f"mag '{document}' niet inzien"
    rule = f"regel {verdict.rule}, versie {verdict.version or 'geen'}, controles {verdict.checks}"
    return f"{who[0].upper()}{who[1:]} van {requester.organisation.name} {may}. {verdict.reason} ({rule})"


def described(policy: Policy, word: Consent, newest: bool) -> dict[str, Any]:
    """A client's word for who reads JSON; `newest`: no later one has taken its place."""
    holder, category, consumer = word.subject
    return {
        "number": word.number,
        "newest": newest,
        "decision": word.decision.value,
        "holder": _scope(holder),
        "category": category,
        "consumer": _scope(consumer),
        "from": word.since.isoformat(),
        "until": None if word.until is None else word.until.isoformat(),
        "in_emergency": word.in_emergency,
        "given_by": sorted(word.given_by),
        "channel": word.channel.value,
        "recorded_by": word.recorded_by,
        "recorded_at": word.recorded_at.isoformat(),
        "text": subject_words(policy, word),
    }


def _scope(scope: Scope) -> str:
    return f"{scope.kind}:{scope.code}" if scope.code else scope.kind.value
