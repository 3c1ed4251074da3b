"""FindDocuments: the document entries of a patient. Source: ITI TF-2: 3.18.4.1.2.3.7.1."""

from __future__ import annotations

from typing import Any

from xds.model.selection import EntrySelection
from xds.model.stored import Found
from xds.ports import Reader
from xds.registry.queries._graph import stable_unless_asked
from xds.registry.stored_query import ENTRY_FILTERS, ENTRY_STATUS, PATIENT_ENTRY, StoredQuery


def answer(values: dict[str, Any], reader: Reader, limit: int) -> Found:
    """One SELECT."""
    return Found(entries=reader.entries(EntrySelection(**stable_unless_asked(values)), limit))


QUERY = StoredQuery(
    id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
    name="FindDocuments",
    section="ITI TF-2: 3.18.4.1.2.3.7.1",
    parameters=(PATIENT_ENTRY, ENTRY_STATUS, *ENTRY_FILTERS),
    answer=answer,
)
