"""GetFolderAndContents: a folder with its entries. Source: ITI TF-2: 3.18.4.1.2.3.7.11."""

from __future__ import annotations

from typing import Any

from xds.model.selection import FolderSelection
from xds.ports import Reader
from xds.registry.queries._graph import between, entries_by_uuid, members_of, stable_unless_asked, uuids_of
from xds.registry.stored_query import (
    CONFIDENTIALITY_CODE,
    ENTRY_TYPE,
    FOLDER_UNIQUE_ID,
    FOLDER_UUID,
    FORMAT_CODE,
    HOME,
    Found,
    StoredQuery,
    one,
)

_FILTERS = ("types", "format_codes", "confidentiality_codes")


def answer(values: dict[str, Any], reader: Reader, limit: int) -> Found:
    """Three SELECTs."""
    wanted = {name: (values[name],) for name in ("uuids", "unique_ids") if name in values}
    folders = reader.folders(FolderSelection(**wanted), limit)
    members = members_of(reader, uuids_of(folders), limit)
    if len(members) >= limit:
        return Found(folders=folders, associations=members)
    filters = stable_unless_asked({name: values[name] for name in _FILTERS if name in values})
    entries = entries_by_uuid(reader, [each.target_object for each in members], filters, limit)
    return Found(entries, folders=folders, associations=between(members, (*folders, *entries)))


QUERY = StoredQuery(
    id="urn:uuid:b909a503-523d-4517-8acf-8e5834dfc4c7",
    name="GetFolderAndContents",
    section="ITI TF-2: 3.18.4.1.2.3.7.11",
    parameters=(one(FOLDER_UUID), one(FOLDER_UNIQUE_ID), FORMAT_CODE, CONFIDENTIALITY_CODE, ENTRY_TYPE, HOME),
    one_of=((FOLDER_UUID.name, FOLDER_UNIQUE_ID.name),),
    answer=answer,
)
