"""FindDocumentsByReferenceId: the entries of a patient that share a reference, such as an accession number.

Source: ITI TF-2: 3.18.4.1.2.3.7.14.
"""

from __future__ import annotations

from xds.registry.queries.find_documents import answer
from xds.registry.stored_query import ENTRY_FILTERS, ENTRY_STATUS, PATIENT_ENTRY, Parameter, StoredQuery

QUERY = StoredQuery(
    id="urn:uuid:12941a89-e02e-4be5-967c-ce4bfc8fe492",
    name="FindDocumentsByReferenceId",
    section="ITI TF-2: 3.18.4.1.2.3.7.14",
    parameters=(
        PATIENT_ENTRY,
        ENTRY_STATUS,
        Parameter("$XDSDocumentEntryReferenceIdList", "reference_ids", all_of=True, required=True),
        *ENTRY_FILTERS,
    ),
    answer=answer,
)
