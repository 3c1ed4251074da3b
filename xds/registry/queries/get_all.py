"""GetAll: everything of a patient, and the associations between what is returned.

Source: ITI TF-2: 3.18.4.1.2.3.7.4.
"""

from __future__ import annotations

from typing import Any

from xds.model.selection import EntrySelection, FolderSelection, SetSelection
from xds.model.stored import Found
from xds.ports import Reader
from xds.registry.queries._graph import entry_filters, links_of
from xds.registry.stored_query import CONFIDENTIALITY_CODE, ENTRY_TYPE, FORMAT_CODE, Parameter, StoredQuery, status


def answer(values: dict[str, Any], reader: Reader, limit: int) -> Found:
    """Five SELECTs. The HasMember associations to other associations are kept when both are returned."""
    patient = values["patient"]
    selection = EntrySelection(patient=patient, statuses=values["entry_statuses"], **entry_filters(values))
    entries = reader.entries(selection, limit)
    sets = reader.submission_sets(SetSelection(patient=patient, statuses=values["set_statuses"]), limit)
    folders = reader.folders(FolderSelection(patient=patient, statuses=values["folder_statuses"]), limit)
    objects = (*entries, *sets, *folders)
    if not objects or len(objects) >= limit:
        return Found(entries, sets, folders)
    direct = links_of(reader, objects, objects, limit)
    return Found(entries, sets, folders, [*direct, *links_of(reader, sets, direct, limit)])


QUERY = StoredQuery(
    id="urn:uuid:10b545ea-725c-446d-9b95-8aeb444eddf3",
    name="GetAll",
    section="ITI TF-2: 3.18.4.1.2.3.7.4",
    parameters=(
        Parameter("$patientId", "patient", several=False, required=True),
        Parameter("$XDSDocumentEntryStatus", "entry_statuses", status, required=True),
        Parameter("$XDSSubmissionSetStatus", "set_statuses", status, required=True),
        Parameter("$XDSFolderStatus", "folder_statuses", status, required=True),
        FORMAT_CODE,
        CONFIDENTIALITY_CODE,
        ENTRY_TYPE,
    ),
    answer=answer,
)
