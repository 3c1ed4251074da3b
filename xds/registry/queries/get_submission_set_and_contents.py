"""GetSubmissionSetAndContents: a submission set with its entries, folders and associations.

Source: ITI TF-2: 3.18.4.1.2.3.7.10.
"""

from __future__ import annotations

from typing import Any

from xds.model.selection import AssociationSelection, SetSelection
from xds.model.stored import Found
from xds.ports import Reader
from xds.registry.queries._graph import (
    between,
    distinct,
    entries_by_uuid,
    entry_filters,
    folders_by_uuid,
    given,
    links_of,
    members_of,
    uuids_of,
)
from xds.registry.stored_query import (
    CONFIDENTIALITY_CODE,
    ENTRY_TYPE,
    FORMAT_CODE,
    HOME,
    Parameter,
    StoredQuery,
    reference,
)

_UUID = Parameter("$XDSSubmissionSetEntryUUID", "uuids", reference, several=False)
_UNIQUE_ID = Parameter("$XDSSubmissionSetUniqueId", "unique_ids", several=False)


def answer(values: dict[str, Any], reader: Reader, limit: int) -> Found:
    """The set; what it has as members; and the associations among these, its members of that kind included.

    An association that is a member goes where an end of it is a member that the filters hide.
    """
    sets = reader.submission_sets(SetSelection(**given(values)), limit)
    members = members_of(reader, uuids_of(sets), limit)
    if len(members) >= limit:
        return Found(submission_sets=sets, associations=members)
    targets = tuple([each.target_object for each in members])
    if not targets:
        return Found(submission_sets=sets)
    entries = entries_by_uuid(reader, targets, entry_filters(values), limit)
    folders = folders_by_uuid(reader, targets, limit)
    hidden = set(targets).difference(uuids_of((*entries, *folders)))
    linked = [
        each
        for each in reader.associations(AssociationSelection(uuids=targets), limit)
        if each.source_object not in hidden and each.target_object not in hidden
    ]
    inside = links_of(reader, folders, entries, limit)
    contents = (*sets, *entries, *folders, *linked)
    return Found(entries, sets, folders, distinct((*between(members, contents), *inside, *linked)))


QUERY = StoredQuery(
    id="urn:uuid:e8e3cb2c-e39c-46b9-99e4-c12f57260b83",
    name="GetSubmissionSetAndContents",
    section="ITI TF-2: 3.18.4.1.2.3.7.10",
    parameters=(_UUID, _UNIQUE_ID, FORMAT_CODE, CONFIDENTIALITY_CODE, ENTRY_TYPE, HOME),
    one_of=((_UUID.name, _UNIQUE_ID.name),),
    answer=answer,
)
