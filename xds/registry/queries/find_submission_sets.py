"""FindSubmissionSets: the submission sets of a patient. Source: ITI TF-2: 3.18.4.1.2.3.7.2."""

from __future__ import annotations

from typing import Any

from xds.model.selection import SetSelection
from xds.model.stored import Found
from xds.ports import Reader
from xds.registry.stored_query import Parameter, StoredQuery, code, status, times


def answer(values: dict[str, Any], reader: Reader, limit: int) -> Found:
    """One SELECT. The author, unlike that of a document, is a single pattern."""
    author = {"author_persons": (values["author_persons"],)} if "author_persons" in values else {}
    return Found(submission_sets=reader.submission_sets(SetSelection(**{**values, **author}), limit))


QUERY = StoredQuery(
    id="urn:uuid:f26abbcb-ac74-4422-8a30-edb644bbc1a9",
    name="FindSubmissionSets",
    section="ITI TF-2: 3.18.4.1.2.3.7.2",
    parameters=(
        Parameter("$XDSSubmissionSetPatientId", "patient", several=False, required=True),
        Parameter("$XDSSubmissionSetStatus", "statuses", status, required=True),
        Parameter("$XDSSubmissionSetSourceId", "source_ids"),
        *times("$XDSSubmissionSetSubmissionTime", "submission_time"),
        Parameter("$XDSSubmissionSetAuthorPerson", "author_persons", several=False),
        Parameter("$XDSSubmissionSetContentType", "content_type_codes", code),
    ),
    answer=answer,
)
