"""What answers for a client: the consent register and Mitz answer alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest
from consent_samples import HOLDER, HOSPITAL, NOW, POLICY, client, deny, organisation, permit, requester
from mitz_stand_in import certificates, stand_in

from xds.consent import GivenConsents
from xds.mitz import MitzConsents
from xds.model.consent import Answer, ClientFacts, Question

ASKING = requester(HOSPITAL, "01.046")
PERMITTED, REFUSED, UNSAID = (Question(HOLDER, "V6", code) for code in ("GGC002", "GGC012", "GGC013"))
QUESTIONS = [PERMITTED, REFUSED, UNSAID]
Ask = Callable[[list[Question]], Mapping[Question, Answer]]


def ask_register(questions: list[Question]) -> Mapping[Question, Answer]:
    hospital = organisation(HOSPITAL.ura)
    facts = client(permit(hospital, "GGC002"), deny(hospital, "GGC012"))
    return asyncio.run(GivenConsents(lambda: POLICY).answers(ASKING, facts, questions, NOW))


def ask_mitz(questions: list[Question]) -> Mapping[Question, Answer]:
    server, client_context = certificates()

    async def main() -> Mapping[Question, Answer]:
        async with stand_in(server) as mitz:
            mitz.decisions = {"GGC002": "Permit", "GGC012": "Deny"}
            source = MitzConsents(mitz.url, client_context, 20.0)
            try:
                return await source.answers(ASKING, ClientFacts(client().patient_id), questions, NOW)
            finally:
                await source.close()

    return asyncio.run(main())


@pytest.fixture(params=[ask_register, ask_mitz], ids=["register", "mitz"])
def ask(request) -> Ask:
    return request.param


def test_each_question_has_its_answer(ask: Ask):
    answers = ask(QUESTIONS)

    assert {question: answer.permitted for question, answer in answers.items()} == {
        PERMITTED: True,
        REFUSED: False,
        UNSAID: False,
    }
    assert all(answer.reason.endswith(".") for answer in answers.values())
    assert answers[PERMITTED].profile


def test_of_a_document_whose_holder_is_not_known_nothing_is_permitted_by_it(ask: Ask):
    unknown = Question(None, "V6", "GGC012")

    answer = ask([unknown]).get(unknown)

    assert answer is None or not answer.permitted


def test_no_question_no_answer(ask: Ask):
    assert dict(ask([])) == {}
