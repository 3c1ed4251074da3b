"""What a submission must satisfy beside what the registry holds.

Source: ITI TF-2: 3.42.4.1.3.3; ITI TF-3: 4.2.2 and Table 4.2.4.1-2.
"""

from __future__ import annotations

from collections.abc import Iterator

from xds.errors import Code, Issue
from xds.model.ids import is_uuid_urn
from xds.model.objects import (
    RELATIONSHIPS,
    Association,
    AssociationType,
    DocumentEntry,
    Status,
    Submission,
)
from xds.model.stored import StoredEntry
from xds.registry.known import Known
from xds.registry.structure import objects


def check_context(submission: Submission, known: Known) -> list[Issue]:
    """All that is wrong with a submission in this registry at this moment."""
    return [
        *_check_patient(submission, known),
        *_check_taken(submission, known),
        *_check_content(submission, known),
        *(issue for each in submission.associations for issue in _check_ends(submission, each, known)),
    ]


def _check_patient(submission: Submission, known: Known) -> Iterator[Issue]:
    if known.patient is None and submission.submission_sets and submission.submission_sets[0].patient_id:
        yield Issue(
            Code.XDSUnknownPatientId, "SubmissionSet.patientId is not known to this registry",
            submission.submission_sets[0].entry_uuid, section="ITI TF-2: 3.42.4.1.3.3.1",
        )  # fmt: skip


def _check_taken(submission: Submission, known: Known) -> Iterator[Issue]:
    for item in objects(submission):
        if item.entry_uuid in known.taken:
            yield Issue(
                Code.XDSRegistryMetadataError, f"the entryUUID of this {type(item).__name__} is registered already",
                item.entry_uuid, section="ITI TF-2: 3.42.4.1.3.3.1",
            )  # fmt: skip
    for item in (*submission.submission_sets, *submission.folders):
        if item.unique_id in known.taken:
            yield Issue(
                Code.XDSDuplicateUniqueIdInRegistry, f"{type(item).__name__}.uniqueId is registered already",
                item.entry_uuid, section="ITI TF-3: Table 4.2.4.1-2",
            )  # fmt: skip


def _check_content(submission: Submission, known: Known) -> Iterator[Issue]:
    """A uniqueId names one content for ever. Source: ITI TF-2: 3.42.4.1.3.3.3."""
    for entry in submission.entries:
        same = next((stored for stored in known.same_unique_id if stored.unique_id == entry.unique_id), None)
        if same is not None:
            yield from _check_identical(entry, same)


def _check_identical(entry: DocumentEntry, stored: StoredEntry) -> Iterator[Issue]:
    section = "ITI TF-2: 3.42.4.1.3.3.3"
    if entry.hash and stored.hash is not None and entry.hash.lower() != stored.hash:
        context = "DocumentEntry.uniqueId is registered already with another hash"
        yield Issue(Code.XDSNonIdenticalHash, context, entry.entry_uuid, section=section)
    if entry.size and stored.size is not None and entry.size.isdecimal() and int(entry.size) != stored.size:
        context = "DocumentEntry.uniqueId is registered already with another size"
        yield Issue(Code.XDSNonIdenticalSize, context, entry.entry_uuid, section=section)


def _check_ends(submission: Submission, association: Association, known: Known) -> Iterator[Issue]:
    submitted = {item.entry_uuid for item in objects(submission)}
    existing = known.entries.keys() | known.folders.keys() | known.associations.keys() | known.others
    for end, where in ((association.source_object, "sourceObject"), (association.target_object, "targetObject")):
        if end not in submitted and is_uuid_urn(end) and end not in existing:
            yield Issue(
                Code.UnresolvedReferenceException, f"Association.{where} is not in the registry",
                association.entry_uuid, section="ITI TF-3: Table 4.2.4.1-2",
            )  # fmt: skip
    if association.association_type in RELATIONSHIPS:
        yield from _check_relationship(association, known)
    elif association.association_type == AssociationType.HAS_MEMBER:
        yield from _check_member(association, known, submitted)


def _check_relationship(association: Association, known: Known) -> Iterator[Issue]:
    """Source: ITI TF-3: 4.2.2.2."""
    name = association.association_type.rpartition(":")[2]
    target = known.entries.get(association.target_object)
    if target is None:
        if association.target_object in known.folders or association.target_object in known.others:
            yield Issue(Code.XDSRegistryMetadataError, f"Association {name} has a target that is no DocumentEntry",
                        association.entry_uuid, section="ITI TF-3: 4.2.2.2")  # fmt: skip
        return
    if target.patient != known.patient and known.patient is not None:
        yield Issue(Code.XDSPatientIdDoesNotMatch, f"Association {name} joins documents of different patients",
                    association.entry_uuid, section="ITI TF-3: 4.2.2.2")  # fmt: skip
    if target.status is not Status.APPROVED and association.association_type != AssociationType.SIGNS:
        yield Issue(Code.XDSRegistryDeprecatedDocumentError, f"Association {name} has a target that is deprecated",
                    association.entry_uuid, section="ITI TF-3: Table 4.2.4.1-2")  # fmt: skip


def _check_member(association: Association, known: Known, submitted: set[str]) -> Iterator[Issue]:
    """Membership of a folder that exists. Source: ITI TF-3: 4.2.2.1.2."""
    source, target = association.source_object, association.target_object
    if source in submitted:
        return
    if source in known.entries or source in known.others or source in known.associations:
        yield Issue(Code.XDSRegistryMetadataError, "Association HasMember has a source that is no Folder",
                    association.entry_uuid, section="ITI TF-3: 4.2.2.1")  # fmt: skip
    folder = known.folders.get(source)
    if folder is None:
        return
    entry = known.entries.get(target)
    patient = known.patient if target in submitted else entry.patient if entry is not None else None
    if patient is not None and patient != folder.patient:
        yield Issue(Code.XDSPatientIdDoesNotMatch, "Association HasMember joins a folder and a document of different "
                    "patients", association.entry_uuid, section="ITI TF-3: 4.2.2.1.2")  # fmt: skip
