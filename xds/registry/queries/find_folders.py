"""FindFolders: the folders of a patient. Source: ITI TF-2: 3.18.4.1.2.3.7.3."""

from __future__ import annotations

from typing import Any

from xds.model.selection import FolderSelection
from xds.model.stored import Found
from xds.ports import Reader
from xds.registry.stored_query import Parameter, StoredQuery, code, status, times


def answer(values: dict[str, Any], reader: Reader, limit: int) -> Found:
    """One SELECT."""
    return Found(folders=reader.folders(FolderSelection(**values), limit))


QUERY = StoredQuery(
    id="urn:uuid:958f3006-baad-4929-a4de-ff1114824431",
    name="FindFolders",
    section="ITI TF-2: 3.18.4.1.2.3.7.3",
    parameters=(
        Parameter("$XDSFolderPatientId", "patient", several=False, required=True),
        Parameter("$XDSFolderStatus", "statuses", status, required=True),
        *times("$XDSFolderLastUpdateTime", "last_update_time"),
        Parameter("$XDSFolderCodeList", "codes", code, all_of=True),
    ),
    answer=answer,
)
