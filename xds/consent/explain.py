"""A verdict as a sentence, in Dutch, for the client and the auditor."""

from __future__ import annotations

from xds.consent.policy import Policy
from xds.model.party import Requester
from xds.model.verdict import Verdict


def explain(policy: Policy, requester: Requester, document: str, verdict: Verdict) -> str:
    """Who may or may not see a document, and why. `document` is its title."""
    role = policy.roles.get(requester.user.role.key)
    who = role.display if role is not None else f"iemand met rol {requester.user.role.code}"
    may = f"mag '{document}' inzien" if verdict.permitted else f"mag '{document}' niet inzien"
    rule = f"regel {verdict.rule}, versie {verdict.version or 'geen'}, controles {verdict.checks}"
    return f"{who[0].upper()}{who[1:]} van {requester.organisation.name} {may}. {verdict.reason} ({rule})"
