"""One verdict for each document, in the order: own record, purpose, authorisation, treatment relation, consent,
confidentiality; and breaking the glass for what would be refused.

Source: NEN 7513: 7.2.6 (controles) for the checks; WGBO 7:457 BW for the treatment relation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from xds.consent.given import person_code
from xds.consent.policy import Bearing, Level, Policy
from xds.model.consent import (
    Answer,
    Candidate,
    ClientFacts,
    Emergency,
    Ground,
    Question,
    TreatmentRelation,
)
from xds.model.party import Requester
from xds.model.verdict import Checks, Grounds, Verdict


class _Refusal(NamedTuple):
    """What a check found; `overridable` says whether breaking the glass may go over it."""

    rule: str
    version: str
    reason: str
    overridable: bool = True


class _Case(NamedTuple):
    """What there is to decide about alike documents: why the role may not, else what the client must be asked."""

    bearing: Bearing
    unauthorised: _Refusal | None
    questions: Sequence[Question]


class Judge:
    """Decides about a client's documents for one requester at one moment.

    Documents that are alike to the policy are decided about once.
    """

    def __init__(
        self, policy: Policy, requester: Requester, facts: ClientFacts, now: datetime, candidates: Sequence[Candidate]
    ):
        self._policy = policy
        self._requester = requester
        self._facts = facts
        self._now = now
        self._role = policy.roles.get(requester.user.role.key)
        self._relation = relation_of(policy, requester.organisation.ura, facts, now)
        self._wants_emergency = is_emergency(policy, requester)
        self._bearings = [policy.bearing_of(candidate) for candidate in candidates]
        alike = {id(bearing): bearing for bearing in self._bearings}
        self._cases = {key: self._case(bearing) for key, bearing in alike.items()}

    def questions(self) -> list[Question]:
        """What the client, or who speaks for the client, must be asked, each once: only what can matter."""
        if self._relation is None and not self._wants_emergency:
            return []
        return list(dict.fromkeys(question for case in self._cases.values() for question in case.questions))

    def verdicts(self, answers: Mapping[Question, Answer]) -> list[Verdict]:
        """One for each candidate, in order."""
        decided = {key: self._decide(case, answers) for key, case in self._cases.items()}
        return [decided[id(bearing)] for bearing in self._bearings]

    def _case(self, bearing: Bearing) -> _Case:
        if self._own(bearing):
            return _Case(bearing, None, ())
        refusal = self._unauthorised(bearing.classes)
        return _Case(bearing, refusal, () if refusal else self._questions(bearing))

    def _own(self, bearing: Bearing) -> bool:
        return self._requester.organisation.ura in bearing.holders

    def _questions(self, bearing: Bearing) -> list[Question]:
        categories = dict.fromkeys(self._policy.classes[name].category for name in bearing.classes)
        holders = bearing.holders or (None,)
        return [Question(holder, bearing.kind, category) for holder in holders for category in categories]

    def _decide(self, case: _Case, answers: Mapping[Question, Answer]) -> Verdict:
        bearing, refusal, questions = case
        version = self._policy.version
        relation = "" if self._relation is None else _proof(self._relation)
        related = self._relation is not None
        if self._own(bearing):
            grounds = Grounds(version, "eigen dossier")
            return Verdict(
                True, "own-record", version, "Het document is van de eigen organisatie.", Checks(True, True), grounds
            )
        if refusal is not None:
            return _refused(refusal, Checks(False, related), Grounds(version, relation))
        found = [answers.get(question) for question in questions]
        answer = _strictest(found)
        grounds = Grounds(version, relation, "" if answer is None else answer.profile)
        checks = Checks(True, related, None if answer is None else answer.permitted)
        refusal = self._unrelated() or self._not_permitted(answer) or self._confidential(bearing.level, found)
        if refusal is None and answer is not None:
            return Verdict(True, "consent", answer.profile, answer.reason, checks, grounds)
        assert refusal is not None
        if not self._wants_emergency:
            return _refused(refusal, checks, grounds)
        closed = self._emergency_closed(answer)
        if closed is not None:
            return _refused(closed, checks, grounds)
        reason = f"Noodknop: {self._requester.emergency}. Zonder noodknop: {refusal.reason}"
        return Verdict(True, "emergency", version, reason, checks._replace(emergency=True), grounds)

    def _unauthorised(self, classes: Iterable[str]) -> _Refusal | None:
        policy = self._policy
        purpose = self._requester.purpose
        if purpose.code not in policy.treatment_purposes and not self._wants_emergency:
            reason = f"Het doel {purpose.code} geeft geen recht op inzage van documenten van anderen."
            return _Refusal("purpose", policy.version, reason, False)
        if self._role is None:
            reason = f"De rol {self._requester.user.role.code} staat niet in de autorisatiematrix {policy.version}."
            return _Refusal("authorisation", policy.version, reason, False)
        for name in classes:
            if name not in self._role.classes:
                reason = (
                    f"De rol {self._role.display} geeft volgens de autorisatiematrix {policy.version} geen recht op "
                    f"{policy.classes[name].display}."
                )
                return _Refusal("authorisation", policy.version, reason, False)
        return None

    def _unrelated(self) -> _Refusal | None:
        if self._relation is not None:
            return None
        reason = f"{self._requester.organisation.name} had toen geen behandelrelatie met de cliënt."
        return _Refusal("treatment-relation", self._policy.version, reason)

    def _not_permitted(self, answer: Answer | None) -> _Refusal | None:
        if answer is None:
            return _Refusal("consent", "", "De toestemming van de cliënt is niet vastgesteld.")
        return None if answer.permitted else _Refusal("consent", answer.profile, answer.reason, answer.overridable)

    def _confidential(self, level: Level, answers: Sequence[Answer | None]) -> _Refusal | None:
        """Source: HL7 v3 Confidentiality: R for who treats, V for who is named."""
        if level is Level.RESTRICTED and not (self._role and self._role.involved):
            reason = "Het document is beperkt toegankelijk: alleen voor wie direct bij de behandeling is betrokken."
            return _Refusal("confidentiality", self._policy.version, reason)
        if level is Level.VERY_RESTRICTED and not all(answer and answer.named for answer in answers):
            reason = "Het document is zeer beperkt toegankelijk: alleen voor wie de cliënt met name toestemming gaf."
            return _Refusal("confidentiality", self._policy.version, reason)
        return None

    def _emergency_closed(self, answer: Answer | None) -> _Refusal | None:
        """Why the glass can't be broken; None when it can."""
        requester, version = self._requester, self._policy.version
        if answer is not None and not answer.permitted and not answer.overridable:
            return _Refusal("emergency", answer.profile, f"Ook niet in nood: {answer.reason}")
        if not (self._role and self._role.emergency):
            reason = f"De rol {self._role.display if self._role else ''} mag de noodknop niet gebruiken."
            return _Refusal("emergency", version, reason)
        if not (requester.emergency or "").strip():
            return _Refusal("emergency", version, "Voor de noodknop is geen reden opgegeven.")
        opened = [
            emergency.opened_at
            for emergency in self._facts.emergencies
            if (emergency.assertion_id, emergency.user) == (requester.assertion_id, person_code(requester.user))
        ]
        if opened and self._now >= min(opened) + self._policy.emergency_duration:
            return _Refusal("emergency", version, "De tijd van de noodknop is voorbij.")
        return None


def is_emergency(policy: Policy, requester: Requester) -> bool:
    """Whether a requester says that it is an emergency."""
    return requester.emergency is not None or requester.purpose.code in policy.emergency_purposes


def relation_of(policy: Policy, ura: str, facts: ClientFacts, now: datetime) -> TreatmentRelation | None:
    """The treatment relation that an organisation has now."""
    newest = max((each for each in facts.relations if each.ura == ura), key=lambda each: each.number, default=None)
    if newest is None or now < newest.since or (newest.until is not None and now >= newest.until):
        return None
    if newest.ground is Ground.PUBLISHED and now >= newest.since + policy.publication_counts:
        return None
    return newest


def emergency_to_open(
    policy: Policy, requester: Requester, facts: ClientFacts, verdicts: Iterable[Verdict], now: datetime
) -> Emergency | None:
    """The emergency to record with this access; None when the glass was not broken, or is already by this user there.

    One in the future is of a clock that was set back since, and stands for no other.
    """
    if not any(verdict.checks.emergency for verdict in verdicts):
        return None
    user, ura = person_code(requester.user), requester.organisation.ura
    for known in facts.emergencies:
        if (known.user, known.ura) == (
            user,
            ura,
        ) and known.opened_at <= now < known.opened_at + policy.emergency_duration:
            return None
    return Emergency(user, ura, requester.emergency or "", requester.assertion_id, now)


def _refused(refusal: _Refusal, checks: Checks, grounds: Grounds) -> Verdict:
    return Verdict(False, refusal.rule, refusal.version, refusal.reason, checks, grounds)


def _strictest(answers: Sequence[Answer | None]) -> Answer | None:
    """The one that decides when all are needed: none, else a refusal that holds in an emergency, else a refusal."""
    if any(answer is None for answer in answers):
        return None
    return min((answer for answer in answers if answer), key=lambda answer: (answer.permitted, answer.overridable))


def _proof(relation: TreatmentRelation) -> str:
    return f"{relation.ground.value}:{relation.number}"
