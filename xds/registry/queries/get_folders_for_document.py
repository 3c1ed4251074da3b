"""GetFoldersForDocument: the folders that an entry is in. Source: ITI TF-2: 3.18.4.1.2.3.7.12."""

from __future__ import annotations

from typing import Any

from xds.model.selection import EntrySelection
from xds.model.stored import Found
from xds.ports import Reader
from xds.registry.queries._graph import folders_by_uuid, given, holders_of, uuids_of
from xds.registry.stored_query import ENTRY_UNIQUE_ID, ENTRY_UUID, HOME, StoredQuery, one


def answer(values: dict[str, Any], reader: Reader, limit: int) -> Found:
    """Three SELECTs."""
    entries = reader.entries(EntrySelection(**given(values)), limit)
    holders = holders_of(reader, uuids_of(entries), limit)
    if len(holders) >= limit:
        return Found(associations=holders)
    return Found(folders=folders_by_uuid(reader, [each.source_object for each in holders], limit), paths=holders)


QUERY = StoredQuery(
    id="urn:uuid:10cae35a-c7f9-4cf5-b61e-fc3278ffb578",
    name="GetFoldersForDocument",
    section="ITI TF-2: 3.18.4.1.2.3.7.12",
    parameters=(one(ENTRY_UUID), one(ENTRY_UNIQUE_ID), HOME),
    one_of=((ENTRY_UUID.name, ENTRY_UNIQUE_ID.name),),
    answer=answer,
)
