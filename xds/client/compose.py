"""From documents with a few attributes to a complete submission.

Source: ITI TF-3: 4.2.1 and 4.2.3; ITI TF-2: 3.41.4.1.2.
"""

from __future__ import annotations

import mimetypes
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from xds.model.objects import Association, AssociationType, DocumentEntry, Submission, SubmissionSet

_SET_ID = "SubmissionSet"
# The system's own table of types is left out, so that the same file has the same type everywhere.
_TYPES = mimetypes.MimeTypes()
_TYPES.add_type("application/dicom", ".dcm")


@dataclass(frozen=True, slots=True)
class DocumentToSubmit:
    """A document and what is known of it.

    `source` is a file, or the bytes. What `entry` leaves None is derived: entry_uuid (when it is ""), unique_id,
    mime_type, creation_time, patient_id, source_patient_id. `target` is the entryUUID of an earlier document to which
    this one has the `relationship`: by default it replaces it.
    """

    source: Path | bytes
    entry: DocumentEntry
    target: str | None = None
    relationship: AssociationType = AssociationType.RPLC


def compose(
    documents: Sequence[DocumentToSubmit], submission_set: SubmissionSet, now: datetime | None = None
) -> tuple[Submission, Mapping[str, Path | bytes]]:
    """Make a submission of documents: entries, submission set and associations, with the contents by entry id.

    `submission_set` has the patient_id of all, content_type_code, source_id and what else is to be said; unique_id
    and submission_time are made when they are None. OSError when a file can't be read.
    """
    now = now or datetime.now(UTC)
    submission_set = replace(
        submission_set,
        entry_uuid=submission_set.entry_uuid or _SET_ID,
        unique_id=submission_set.unique_id or new_oid(),
        submission_time=submission_set.submission_time or _dtm(now),
    )
    entries: list[DocumentEntry] = []
    associations: list[Association] = []
    contents: dict[str, Path | bytes] = {}
    for number, document in enumerate(documents, 1):
        entry = _completed(document, submission_set, f"Document{number:02}", now)
        entries.append(entry)
        contents[entry.entry_uuid] = document.source
        associations.append(
            Association(
                entry_uuid=f"HasMember{number:02}",
                association_type=AssociationType.HAS_MEMBER,
                source_object=submission_set.entry_uuid,
                target_object=entry.entry_uuid,
                submission_set_status="Original",
            )
        )
        if document.target is not None:
            associations.append(
                Association(
                    entry_uuid=f"Relationship{number:02}",
                    association_type=document.relationship,
                    source_object=entry.entry_uuid,
                    target_object=document.target,
                )
            )
    return Submission((submission_set,), tuple(entries), (), tuple(associations)), contents


def new_oid() -> str:
    """A fresh uniqueId that needs no root of one's own. Source: ITU-T X.667: 7."""
    return f"2.25.{uuid.uuid4().int}"


def extension(mime_type: str) -> str:
    """The extension of a file of this type, with its dot; "" when there is none."""
    return _TYPES.guess_extension(mime_type) or ""


def _completed(
    document: DocumentToSubmit, submission_set: SubmissionSet, entry_uuid: str, now: datetime
) -> DocumentEntry:
    entry, source = document.entry, document.source
    modified = now
    if isinstance(source, Path):
        modified = datetime.fromtimestamp(source.stat().st_mtime, UTC)
    return replace(
        entry,
        entry_uuid=entry.entry_uuid or entry_uuid,
        unique_id=entry.unique_id or new_oid(),
        mime_type=entry.mime_type or _mime_type(source),
        creation_time=entry.creation_time or _dtm(modified),
        patient_id=entry.patient_id or submission_set.patient_id,
        source_patient_id=entry.source_patient_id or entry.patient_id or submission_set.patient_id,
    )


def _mime_type(source: Path | bytes) -> str:
    guessed = _TYPES.guess_type(source.name)[0] if isinstance(source, Path) else None
    return guessed or "application/octet-stream"


def _dtm(moment: datetime) -> str:
    return moment.strftime("%Y%m%d%H%M%S")
