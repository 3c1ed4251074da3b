"""GetDocuments: document entries by id. Source: ITI TF-2: 3.18.4.1.2.3.7.5."""

from __future__ import annotations

from typing import Any

from xds.model.selection import EntrySelection
from xds.model.stored import Found
from xds.ports import Reader
from xds.registry.stored_query import ENTRY_LOGICAL_ID, ENTRY_UNIQUE_ID, ENTRY_UUID, HOME, StoredQuery


def answer(values: dict[str, Any], reader: Reader, limit: int) -> Found:
    """One SELECT; of every type and status."""
    return Found(entries=reader.entries(EntrySelection(**values), limit))


QUERY = StoredQuery(
    id="urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4",
    name="GetDocuments",
    section="ITI TF-2: 3.18.4.1.2.3.7.5",
    parameters=(ENTRY_UUID, ENTRY_UNIQUE_ID, ENTRY_LOGICAL_ID, HOME),
    one_of=((ENTRY_UUID.name, ENTRY_UNIQUE_ID.name, ENTRY_LOGICAL_ID.name),),
    answer=answer,
)
