"""What a submission must satisfy beside what the registry holds.

Source: ITI TF-2: 3.42.4.1.3.3; ITI TF-3: 4.2.2 and Table 4.2.4.1-2.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from xds.consent.referring import unresolved
from xds.ebrim.response import FAILURE, status_of
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


def check_context(submission: Submission, known: Known, already: Sequence[Issue] = ()) -> list[Issue]:
    """All that is wrong with a submission in this registry at this moment, besides what is wrong `already`.

    Which ids are taken is told only of a submission that nothing else is wrong with: who asks by what is refused
    anyhow which documents there are would learn of those that they may not see, and leave no trace. For the same reason
    an association that is known to lead nowhere is not judged further.
    """
    broken = [*_check_patient(submission, known), *_check_associations(submission, known, already)]
    if status_of([*already, *broken]) == FAILURE:
        return broken
    return [*broken, *_check_taken(submission, known), *_check_content(submission, known)]


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
    of_documents = {stored.unique_id for stored in known.same_unique_id}
    for item in (*submission.submission_sets, *submission.folders):
        if item.unique_id in known.taken or item.unique_id in of_documents:
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


def _check_associations(submission: Submission, known: Known, already: Sequence[Issue]) -> Iterator[Issue]:
    nowhere = {issue.location for issue in already if issue.code == Code.UnresolvedReferenceException}
    sent = {item.entry_uuid for item in objects(submission)}
    folders = {folder.entry_uuid for folder in submission.folders}
    existing = known.entries.keys() | known.folders.keys() | known.associations.keys() | known.others
    for each in submission.associations:
        if each.entry_uuid in nowhere:
            continue
        for end, where in ((each.source_object, "sourceObject"), (each.target_object, "targetObject")):
            if end not in sent and is_uuid_urn(end) and end not in existing:
                yield unresolved(each, where)
        if each.association_type in RELATIONSHIPS:
            yield from _check_relationship(each, known)
        elif each.association_type == AssociationType.HAS_MEMBER:
            yield from _check_member(each, known, sent, folders)


def _check_relationship(association: Association, known: Known) -> Iterator[Issue]:
    """Source: ITI TF-3: 4.2.2.2."""
    name = association.association_type.rpartition(":")[2]
    target = known.entries.get(association.target_object)
    if target is None:
        yield from _check_target(association, known, known.others | known.folders.keys() | known.associations.keys())
        return
    if target.patient != known.patient and known.patient is not None:
        yield Issue(Code.XDSPatientIdDoesNotMatch, f"Association {name} joins documents of different patients",
                    association.entry_uuid, section="ITI TF-3: 4.2.2.2")  # fmt: skip
    if target.status is not Status.APPROVED and association.association_type != AssociationType.SIGNS:
        yield Issue(Code.XDSRegistryDeprecatedDocumentError, f"Association {name} has a target that is deprecated",
                    association.entry_uuid, section="ITI TF-3: Table 4.2.4.1-2")  # fmt: skip


def _check_member(association: Association, known: Known, sent: set[str], folders: set[str]) -> Iterator[Issue]:
    """A set may have anything but a set as member, by reference of any patient; a folder documents of its patient.

    Source: ITI TF-3: 4.2.2.1.
    """
    source, target = association.source_object, association.target_object
    if source in sent - folders:
        yield from _check_target(association, known, known.others)
        return
    if source in known.entries or source in known.others or source in known.associations:
        yield Issue(Code.XDSRegistryMetadataError, "Association HasMember has a source that is no Folder",
                    association.entry_uuid, section="ITI TF-3: 4.2.2.1")  # fmt: skip
        return
    yield from _check_target(association, known, known.others | known.folders.keys() | known.associations.keys())
    of_folder = known.folders[source].patient if source in known.folders else known.patient
    of_target = known.entries[target].patient if target in known.entries else known.patient
    if None not in (of_folder, of_target) and of_folder != of_target:
        yield Issue(Code.XDSPatientIdDoesNotMatch, "Association HasMember joins a folder and a document of different "
                    "patients", association.entry_uuid, section="ITI TF-3: 4.2.2.1.2")  # fmt: skip


def _check_target(association: Association, known: Known, wrong: Collection[str]) -> Iterator[Issue]:
    if association.target_object in wrong:
        name = association.association_type.rpartition(":")[2]
        is_set = association.target_object in known.others
        context = f"Association {name} has a target that is {'a SubmissionSet' if is_set else 'no DocumentEntry'}"
        yield Issue(Code.XDSRegistryMetadataError, context, association.entry_uuid, section="ITI TF-3: 4.2.2")
