"""The records of a client, read with what is known of those who are in them."""

from __future__ import annotations

from collections.abc import Sequence

from xds.audit.record import decode
from xds.model.audit import Kept
from xds.model.dutch_time import dutch_time
from xds.pages.ask import Ask
from xds.pages.client.own import Own
from xds.pages.client.reviews import Reviews
from xds.pages.client.words import Known, Line, line_of
from xds.pages.documents import title_of, titles_of
from xds.ports import Reader


def lines_of(ask: Ask, reader: Reader, own: Own, kept: Sequence[Kept]) -> list[Line]:
    """The records that still have what they say, in words."""
    records = [(each.leaf.seq, decode(each.payload)) for each in kept if each.payload is not None]
    if not records:
        return []
    documents = (each.unique_id for _, record in records for each in record.documents)
    first = dutch_time(min(record.started for _, record in records)).date()
    policy = ask.sources.policy()
    known = Known(
        titles_of(reader, documents, lambda each: title_of(each) if each.patient == own.number else None),
        {each.organisation.ura: each.organisation.name for each in reader.participants()},
        {} if policy is None else {code: role.display for code, role in policy.roles.items()},
        Reviews(reader, ask.sources.rules(), first, ask.sources.patient_key(str(own.cx)).hex()),
        own.is_parent,
    )
    return [line_of(seq, record, known) for seq, record in records]
