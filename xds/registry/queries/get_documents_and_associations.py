"""GetDocumentsAndAssociations: document entries by id, with every association that touches them.

Source: ITI TF-2: 3.18.4.1.2.3.7.8.
"""

from __future__ import annotations

from typing import Any

from xds.model.selection import AssociationSelection, EntrySelection
from xds.model.stored import Found
from xds.ports import Reader
from xds.registry.queries._graph import uuids_of
from xds.registry.stored_query import ENTRY_UNIQUE_ID, ENTRY_UUID, HOME, StoredQuery


def answer(values: dict[str, Any], reader: Reader, limit: int) -> Found:
    """Two SELECTs."""
    entries = reader.entries(EntrySelection(**values), limit)
    if not entries:
        return Found()
    return Found(entries, associations=reader.associations(AssociationSelection(ends=uuids_of(entries)), limit))


QUERY = StoredQuery(
    id="urn:uuid:bab9529a-4a10-40b3-a01f-f68a615d247a",
    name="GetDocumentsAndAssociations",
    section="ITI TF-2: 3.18.4.1.2.3.7.8",
    parameters=(ENTRY_UUID, ENTRY_UNIQUE_ID, HOME),
    one_of=((ENTRY_UUID.name, ENTRY_UNIQUE_ID.name),),
    answer=answer,
)
