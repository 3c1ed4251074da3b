"""GetFolders: folders by id. Source: ITI TF-2: 3.18.4.1.2.3.7.6."""

from __future__ import annotations

from typing import Any

from xds.model.selection import FolderSelection
from xds.model.stored import Found
from xds.ports import Reader
from xds.registry.stored_query import FOLDER_LOGICAL_ID, FOLDER_UNIQUE_ID, FOLDER_UUID, HOME, StoredQuery


def answer(values: dict[str, Any], reader: Reader, limit: int) -> Found:
    """One SELECT."""
    return Found(folders=reader.folders(FolderSelection(**values), limit))


QUERY = StoredQuery(
    id="urn:uuid:5737b14c-8a1a-4539-b659-e03a34a5e1e4",
    name="GetFolders",
    section="ITI TF-2: 3.18.4.1.2.3.7.6",
    parameters=(FOLDER_UUID, FOLDER_UNIQUE_ID, FOLDER_LOGICAL_ID, HOME),
    one_of=((FOLDER_UUID.name, FOLDER_UNIQUE_ID.name, FOLDER_LOGICAL_ID.name),),
    answer=answer,
)
