"""The closed authorisation question, asked of a stand-in over mutual TLS; and what happens when it goes wrong."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from consent_samples import (
    DOSSIER,
    HOLDER,
    HOSPITAL,
    MEDICATION,
    NOW,
    POLICY,
    PRACTICE,
    RESULT,
    ROLES,
    client,
    document,
    requester,
)
from mitz_stand_in import StandIn, certificates, soap, stand_in

from xds.consent import Access
from xds.mitz import MitzConsents
from xds.model.coded import Coded
from xds.model.party import Person
from xds.model.verdict import Verdict

GYNAECOLOGIST = requester(HOSPITAL, "01.046")
DOCUMENTS = document(DOSSIER), document(RESULT), document(MEDICATION), document(DOSSIER)
OTHER_HOLDER = "00000077"


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return certificates()


@pytest.fixture
def with_mitz(contexts) -> Callable[..., Any]:
    """Runs `act` with a stand-in and a way to decide with it."""

    def run(act: Callable[[StandIn, Callable[..., Awaitable[list[Verdict]]]], Awaitable[Any]], **changes: Any) -> Any:
        async def main() -> Any:
            async with stand_in(contexts[0]) as mitz:
                source = MitzConsents(
                    changes.get("url", mitz.url), changes.get("context", contexts[1]), changes.get("seconds", 20.0)
                )
                access = Access(lambda: POLICY, source)

                async def decide(asking=GYNAECOLOGIST, facts=None, documents=DOCUMENTS) -> list[Verdict]:
                    return await access.decide(asking, facts or client(), documents, NOW)

                try:
                    return await act(mitz, decide)
                finally:
                    await source.close()

        return asyncio.run(main())

    return run


def test_one_question_has_all_categories_and_each_decision_finds_its_own(with_mitz):
    async def act(mitz, decide):
        mitz.decisions = {"GGC002": "Permit", "GGC012": "Deny", "GGC013": "Permit"}
        return await decide(), mitz.asked

    verdicts, asked = with_mitz(act)

    assert [verdict.permitted for verdict in verdicts] == [True, False, True, True]
    assert verdicts[0].reason == "De cliënt geeft in Mitz toestemming."
    assert verdicts[0].grounds.consent == f"mitz:{asked[0].query_id}"
    assert verdicts[1].reason == "De cliënt geeft in Mitz geen toestemming."
    assert len(asked) == 1 and asked[0].categories == ["GGC002", "GGC012", "GGC013"]
    assert asked[0].attributes == {
        "urn:oasis:names:tc:xacml:2.0:subject:role": f"{ROLES}/01.046",
        "urn:ihe:iti:xua:2017:subject:provider-identifier": "2.16.528.1.1007.3.1/900000001",
        "urn:nl:otv:names:tc:1.0:subject:provider-institution": "2.16.528.1.1007.3.3/00000003",
        "urn:nl:otv:names:tc:1.0:subject:consulting-healthcare-facility-type-code": "2.16.840.1.113883.2.4.15.1060/V6",
        "urn:oasis:names:tc:xacml:2.0:resource:resource-id": "2.16.840.1.113883.2.4.6.3/999911120",
        "urn:ihe:iti:appc:2016:document-entry:healthcare-facility-type-code": "2.16.840.1.113883.2.4.15.1060/V6",
        "urn:ihe:iti:appc:2016:author-institution:id": f"2.16.528.1.1007.3.3/{HOLDER}",
        "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse": "2.16.840.1.113883.1.11.20448/TREAT",
    }


def test_a_mandated_user_is_named_beside_the_responsible_person(with_mitz):
    responsible = Person("7", "2.16.528.1.1007.3.1", None, Coded("01.046", ROLES))

    async def act(mitz, decide):
        await decide(replace(GYNAECOLOGIST, responsible=responsible, purpose=Coded("COC", "2.16.840.1.113883.5.8")))
        return mitz.asked

    ((asked),) = with_mitz(act)

    assert asked.attributes["urn:ihe:iti:xua:2017:subject:provider-identifier"] == "2.16.528.1.1007.3.1/7"
    assert asked.attributes["urn:nl:otv:names:tc:1.0:subject:mandated"] == "2.16.528.1.1007.3.1/900000001"
    assert asked.attributes["urn:oasis:names:tc:xspa:1.0:subject:purposeofuse"].endswith("/COC")


def test_each_holder_is_asked_about_once(with_mitz):
    others = document(DOSSIER, holders=(OTHER_HOLDER,)), document(DOSSIER, holders=(HOLDER, OTHER_HOLDER))

    async def act(mitz, decide):
        mitz.decisions = {"GGC002": "Permit"}
        mitz.by_holder[OTHER_HOLDER] = {"GGC002": "Deny"}
        return await decide(documents=(document(DOSSIER), *others)), mitz.asked

    verdicts, asked = with_mitz(act)

    assert [verdict.permitted for verdict in verdicts] == [True, False, False]
    assert len(asked) == 2


def test_nobody_is_asked_about_what_is_decided_without(with_mitz):
    async def act(mitz, decide):
        stranger = requester(replace(PRACTICE, ura="00000099"), "03.000")
        await decide(stranger)
        await decide(requester(replace(HOSPITAL, ura=HOLDER), "01.046"))
        await decide(requester(HOSPITAL, "00.000"))
        await decide(facts=client(patient_id="1^^^&2.999&ISO"))
        await decide(documents=(document(holders=()),))
        return mitz.asked

    assert with_mitz(act) == []


@pytest.mark.parametrize("decision", ["Deny", "Indeterminate", "NotApplicable", "permit", ""])
def test_whatever_is_not_permit_is_a_refusal(with_mitz, decision):
    async def act(mitz, decide):
        mitz.decisions = {"GGC002": decision}
        return await decide(documents=(document(),))

    (verdict,) = with_mitz(act)

    assert (verdict.permitted, verdict.rule, verdict.checks.consent) == (False, "consent", False)


def permit_all(mitz: StandIn) -> None:
    mitz.decisions = dict.fromkeys(("GGC002", "GGC012", "GGC013"), "Permit")


def answering(make: Callable[[StandIn, Any], web.Response | str]) -> Callable[[StandIn], None]:
    """Let the stand-in permit everything, but answer with what `make` makes."""

    def arrange(mitz: StandIn) -> None:
        permit_all(mitz)

        async def answer(asked: Any) -> web.Response:
            made = make(mitz, asked)
            return soap(made) if isinstance(made, str) else made

        mitz.answer = answer

    return arrange


WRONG = {
    "another question's answer": answering(lambda mitz, asked: mitz.response(asked, query="_other")),
    "no success": answering(lambda mitz, asked: mitz.response(asked, status="urn:oasis:names:tc:SAML:2.0:status:X")),
    "HTTP 500": answering(lambda mitz, asked: soap(mitz.response(asked), 500)),
    "a redirect": answering(lambda mitz, asked: web.Response(status=307, headers={"Location": mitz.url})),
    "no XML": answering(lambda mitz, asked: "Permit"),
    "a document type": answering(lambda mitz, asked: f"<!DOCTYPE x>{mitz.response(asked)}"),
    "a fault": answering(
        lambda mitz, asked: '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault/>'
        "</s:Body></s:Envelope>"
    ),
    "nothing": answering(lambda mitz, asked: ""),
    "no decisions": answering(lambda mitz, asked: mitz.response(asked, "")),
    "each decision twice": answering(lambda mitz, asked: mitz.response(asked, mitz.results(asked) * 2)),
    "a decision on what was not asked": answering(
        lambda mitz, asked: mitz.response(asked, mitz.results(asked).replace("GGC002", "GGC999"))
    ),
    "a category of another list": answering(
        lambda mitz, asked: mitz.response(asked).replace("2.16.840.1.113883.2.4.3.111.5.10.1", "2.999")
    ),
    "decisions that don't say on what": answering(
        lambda mitz, asked: mitz.response(asked, "<x:Result><x:Decision>Permit</x:Decision></x:Result>")
    ),
    "too much": answering(lambda mitz, asked: mitz.response(asked) + " " * (1 << 20)),
}  # fmt: skip


@pytest.mark.parametrize("arrange", WRONG.values(), ids=WRONG)
def test_an_answer_that_is_not_in_order_permits_nothing(with_mitz, arrange, caplog):
    caplog.set_level(logging.DEBUG)

    async def act(mitz, decide):
        arrange(mitz)
        return await decide()

    verdicts = with_mitz(act)

    assert [verdict.permitted for verdict in verdicts] == [False] * 4
    assert verdicts[0].reason == "De toestemming van de cliënt is niet vastgesteld."
    assert "999911120" not in caplog.text


def test_a_decision_that_is_missing_refuses_what_it_is_on(with_mitz):
    async def act(mitz, decide):
        answering(
            lambda mitz, asked: mitz.response(asked, mitz.results(asked).partition("</x:Result>")[0] + "</x:Result>")
        )(mitz)
        return await decide()

    assert [verdict.permitted for verdict in with_mitz(act)] == [False, False, True, False]


def test_without_an_answer_in_time_nothing_is_permitted(with_mitz):
    async def act(mitz, decide):
        async def wait(asked: Any) -> web.Response:
            await mitz.waiting.wait()
            return soap("")

        mitz.answer = wait
        try:
            return await decide()
        finally:
            mitz.waiting.set()

    assert not any(verdict.permitted for verdict in with_mitz(act, seconds=0.2))


def test_what_cannot_be_reached_or_trusted_permits_nothing_but_an_emergency(with_mitz, contexts):
    unknown = ssl.create_default_context()
    without_certificate = ssl.create_default_context()
    without_certificate.check_hostname = False
    without_certificate.verify_mode = ssl.CERT_NONE
    in_emergency = requester(HOSPITAL, "01.071", "ETREAT", emergency="bewusteloos")

    async def act(mitz, decide):
        permit_all(mitz)
        return await decide(), await decide(in_emergency), mitz.asked

    for changes in ({"url": "https://127.0.0.1:1/"}, {"context": unknown}, {"context": without_certificate}):
        refused, opened, asked = with_mitz(act, **changes)
        assert not any(verdict.permitted for verdict in refused)
        assert all(verdict.rule == "emergency" and verdict.permitted for verdict in opened)
        assert asked == []
