"""GetRelatedDocuments: the entries that are related to an entry by associations of the given types.

Source: ITI TF-2: 3.18.4.1.2.3.7.13.
"""

from __future__ import annotations

from typing import Any

from xds.model.objects import RELATIONSHIPS
from xds.model.selection import AssociationSelection, EntrySelection
from xds.model.stored import Found
from xds.ports import Reader
from xds.registry.queries._graph import between, entries_by_uuid, entry_filters, given, uuids_of
from xds.registry.stored_query import ENTRY_TYPE, ENTRY_UNIQUE_ID, ENTRY_UUID, HOME, Parameter, StoredQuery, one


def answer(values: dict[str, Any], reader: Reader, limit: int) -> Found:
    """The associations, and the entries at both of their ends, the given one included."""
    types = tuple([kind for kind in values["association_types"] if kind in RELATIONSHIPS])
    ends = uuids_of(reader.entries(EntrySelection(**given(values)), limit))
    if not ends or not types:
        return Found()
    associations = reader.associations(AssociationSelection(ends=ends, types=types), limit)
    if len(associations) >= limit:
        return Found(associations=associations)
    related = [end for each in associations for end in (each.source_object, each.target_object)]
    entries = entries_by_uuid(reader, related, entry_filters(values), limit)
    return Found(entries, associations=between(associations, entries), paths=associations)


QUERY = StoredQuery(
    id="urn:uuid:d90e5407-b356-4d91-a89f-873917b4b0e6",
    name="GetRelatedDocuments",
    section="ITI TF-2: 3.18.4.1.2.3.7.13",
    parameters=(
        one(ENTRY_UUID),
        one(ENTRY_UNIQUE_ID),
        Parameter("$AssociationTypes", "association_types", required=True),
        ENTRY_TYPE,
        HOME,
    ),
    one_of=((ENTRY_UUID.name, ENTRY_UNIQUE_ID.name),),
    answer=answer,
)
