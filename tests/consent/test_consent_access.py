"""What is seen of the documents of several clients."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from consent_samples import NOW, POLICY, PRACTICE, RESULT, client, document, organisation, permit, requester

from xds.consent import Access, GivenConsents
from xds.consent.sight import Evidence, look
from xds.model.objects import EntryType, Status
from xds.model.stored import Found, StoredEntry
from xds.transaction import Context

MIDWIFE = requester(PRACTICE, "03.000")
ACCESS = Access(lambda: POLICY, GivenConsents(lambda: POLICY))
FACTS = {
    7: client(permit(organisation(PRACTICE.ura), "GGC002")),
    8: client(permit(organisation(PRACTICE.ura), "GGC012")),
}
DOCUMENTS = [(8, document()), (7, document()), (7, document(RESULT)), (8, document(RESULT)), (8, document())]


def stored(number: int, patient: int) -> StoredEntry:
    uuid = f"urn:uuid:{number}"
    return StoredEntry(uuid, uuid, patient, f"1.{number}", Status.APPROVED, EntryType.STABLE, None, None, b"")


ENTRIES = [stored(number, patient) for number, (patient, _) in enumerate(DOCUMENTS)]
EVIDENCE = Evidence(
    {each.entry_uuid: each for each in ENTRIES},
    {each.entry_uuid: candidate for each, (_, candidate) in zip(ENTRIES, DOCUMENTS, strict=True)},
    {},
    {},
    FACTS,
)


def seen(**context) -> list[str]:
    asked = Context("1", None, None, {}, NOW, requester=MIDWIFE, **context)
    return [each.unique_id for each in asyncio.run(look(Found(ENTRIES), EVIDENCE, asked)).found.entries]


def test_each_clients_own_words_decide_and_the_order_is_kept():
    assert seen(access=ACCESS) == ["1.1", "1.3"]


def test_without_a_policy_a_known_requester_sees_nothing():
    assert seen() == []


def test_where_nobody_need_be_known_everything_is_seen():
    asked = Context("1", None, None, {}, datetime.now(UTC))
    sight = asyncio.run(look(Found(ENTRIES), EVIDENCE, asked))
    assert sight.found.entries == ENTRIES
    assert [len(access.documents) for access in sight.accesses] == [2, 3]
