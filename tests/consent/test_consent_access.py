"""Deciding about the documents of several clients."""

from __future__ import annotations

import asyncio

from consent_samples import NOW, POLICY, PRACTICE, RESULT, client, document, organisation, permit, requester

from xds.consent import Access, GivenConsents

MIDWIFE = requester(PRACTICE, "03.000")
ACCESS = Access(lambda: POLICY, GivenConsents(lambda: POLICY))


def test_each_clients_own_words_decide_and_the_order_is_kept():
    facts = {
        7: client(permit(organisation(PRACTICE.ura), "GGC002")),
        8: client(permit(organisation(PRACTICE.ura), "GGC012")),
    }
    dossier, result = document(), document(RESULT)
    documents = [(8, dossier), (7, dossier), (7, result), (8, result), (8, dossier)]

    verdicts = asyncio.run(ACCESS.decide_each(MIDWIFE, facts, documents, NOW))

    assert [verdict.permitted for verdict in verdicts] == [False, True, False, True, False]
    assert asyncio.run(ACCESS.decide_each(MIDWIFE, {}, [], NOW)) == []
