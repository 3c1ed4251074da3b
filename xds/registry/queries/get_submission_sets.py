"""GetSubmissionSets: the submission sets that these entries and folders came with, and how they are members.

Source: ITI TF-2: 3.18.4.1.2.3.7.9.
"""

from __future__ import annotations

from typing import Any

from xds.model.selection import SetSelection
from xds.model.stored import Found
from xds.ports import Reader
from xds.registry.queries._graph import holders_of
from xds.registry.stored_query import HOME, Parameter, StoredQuery, reference


def answer(values: dict[str, Any], reader: Reader, limit: int) -> Found:
    """Two SELECTs."""
    holders = holders_of(reader, values["uuids"], limit)
    if len(holders) >= limit:
        return Found(associations=holders)
    sources = tuple({each.source_object for each in holders})
    sets = reader.submission_sets(SetSelection(uuids=sources), limit) if sources else []
    ids = {each.entry_uuid for each in sets}
    return Found(
        submission_sets=sets, associations=[each for each in holders if each.source_object in ids], paths=holders
    )


QUERY = StoredQuery(
    id="urn:uuid:51224314-5390-4169-9b91-b1980040715a",
    name="GetSubmissionSets",
    section="ITI TF-2: 3.18.4.1.2.3.7.9",
    parameters=(Parameter("$uuid", "uuids", reference, required=True), HOME),
    answer=answer,
)
