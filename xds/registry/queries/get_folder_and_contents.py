"""GetFolderAndContents: a folder with its entries. Source: ITI TF-2: 3.18.4.1.2.3.7.11."""

from __future__ import annotations

from typing import Any

from xds.model.selection import FolderSelection
from xds.model.stored import Found
from xds.ports import Reader
from xds.registry.queries._graph import between, entries_by_uuid, entry_filters, given, members_of, uuids_of
from xds.registry.stored_query import (
    CONFIDENTIALITY_CODE,
    ENTRY_TYPE,
    FOLDER_UNIQUE_ID,
    FOLDER_UUID,
    FORMAT_CODE,
    HOME,
    StoredQuery,
    one,
)


def answer(values: dict[str, Any], reader: Reader, limit: int) -> Found:
    """Three SELECTs."""
    folders = reader.folders(FolderSelection(**given(values)), limit)
    members = members_of(reader, uuids_of(folders), limit)
    if len(members) >= limit:
        return Found(folders=folders, associations=members)
    entries = entries_by_uuid(reader, [each.target_object for each in members], entry_filters(values), limit)
    return Found(entries, folders=folders, associations=between(members, (*folders, *entries)))


QUERY = StoredQuery(
    id="urn:uuid:b909a503-523d-4517-8acf-8e5834dfc4c7",
    name="GetFolderAndContents",
    section="ITI TF-2: 3.18.4.1.2.3.7.11",
    parameters=(one(FOLDER_UUID), one(FOLDER_UNIQUE_ID), FORMAT_CODE, CONFIDENTIALITY_CODE, ENTRY_TYPE, HOME),
    one_of=((FOLDER_UUID.name, FOLDER_UNIQUE_ID.name),),
    answer=answer,
)
