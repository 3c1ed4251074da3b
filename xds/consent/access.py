"""Deciding with whatever source answers for the client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from xds.consent.engine import Judge, emergency_to_open, relation_of
from xds.consent.given import answer_all
from xds.consent.policy import Policy
from xds.model.consent import Answer, Candidate, ClientFacts, Emergency, Question
from xds.model.party import Requester
from xds.model.verdict import Verdict
from xds.ports import ConsentSource


@dataclass(frozen=True, slots=True)
class GivenConsents:
    """The port `ConsentSource` on the consent register: the client's own consents, which are among the facts."""

    policy: Callable[[], Policy]

    async def answers(
        self, requester: Requester, facts: ClientFacts, questions: Sequence[Question], now: datetime
    ) -> Mapping[Question, Answer]:
        return answer_all(self.policy(), requester, facts, questions, now)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may see what. `policy` is asked at each decision; `source` answers for the client."""

    policy: Callable[[], Policy]
    source: ConsentSource

    async def decide(
        self, requester: Requester, facts: ClientFacts, candidates: Sequence[Candidate], now: datetime
    ) -> list[Verdict]:
        """One verdict for each of a client's documents, in order; the source is asked once at most."""
        judge = Judge(self.policy(), requester, facts, now, candidates)
        questions = judge.questions()
        answers = await self.source.answers(requester, facts, questions, now) if questions else {}
        return judge.verdicts(answers)

    def treats(self, requester: Requester, facts: ClientFacts, now: datetime) -> bool:
        """Whether the requester's organisation has a treatment relation with the client."""
        return relation_of(self.policy(), requester.organisation.ura, facts, now) is not None

    def emergency(
        self, requester: Requester, facts: ClientFacts, verdicts: Iterable[Verdict], now: datetime
    ) -> Emergency | None:
        """The emergency to record with these verdicts, when one of them broke the glass and that is new."""
        return emergency_to_open(self.policy(), requester, facts, verdicts, now)
