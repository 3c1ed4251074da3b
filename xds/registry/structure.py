"""How the objects of one submission must hang together. Source: ITI TF-3: 4.2.1, 4.2.2."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from xds.ebrim.objects import metadata_error
from xds.errors import Code, Issue
from xds.model.ids import is_symbolic, is_uuid_urn
from xds.model.objects import Association, AssociationType, Submission

ORIGINAL, REFERENCE = "Original", "Reference"


def check_structure(submission: Submission) -> Iterator[Issue]:
    """Every mistake in ids, membership and associations that the message shows by itself."""
    if len(submission.submission_sets) != 1:
        found = "none" if not submission.submission_sets else str(len(submission.submission_sets))
        yield metadata_error(
            f"a submission has exactly one SubmissionSet, this one has {found}", "", "ITI TF-3: 4.2.1.4"
        )
    yield from _check_ids(submission)
    yield from _check_unique_ids(submission)
    yield from _check_patients(submission)
    yield from _check_membership(submission)
    sent = _Sent(
        frozenset(each.entry_uuid for each in submission.submission_sets),
        frozenset(each.entry_uuid for each in submission.entries),
        frozenset(each.entry_uuid for each in objects(submission)),
    )
    for association in submission.associations:
        yield from _check_association(association, sent)


class _Sent(NamedTuple):
    """The ids of a submission's sets, of its entries, and of all its objects."""

    sets: frozenset[str]
    entries: frozenset[str]
    objects: frozenset[str]


def objects(submission: Submission) -> tuple:
    """All objects of a submission, in one order."""
    return (*submission.submission_sets, *submission.entries, *submission.folders, *submission.associations)


def _check_ids(submission: Submission) -> Iterator[Issue]:
    ids = [item.entry_uuid for item in objects(submission)]
    for entry_uuid, count in _repeated(ids):
        yield metadata_error(f"{count} objects have the same id", entry_uuid, "ITI TF-3: 4.2.3.1.3")
    for entry_uuid in dict.fromkeys(ids):
        if not is_symbolic(entry_uuid) and not is_uuid_urn(entry_uuid):
            yield metadata_error("the id begins with urn:uuid: but no UUID follows", entry_uuid, "ITI TF-3: 4.2.3.1.3")


def _check_unique_ids(submission: Submission) -> Iterator[Issue]:
    identified = (*submission.submission_sets, *submission.entries, *submission.folders)
    for unique_id, count in _repeated([item.unique_id for item in identified if item.unique_id]):
        yield Issue(
            Code.XDSRegistryDuplicateUniqueIdInMessage,
            f"{count} objects have the uniqueId {unique_id}", unique_id, section="ITI TF-3: Table 4.2.4.1-2",
        )  # fmt: skip


def _repeated(values: Sequence[str]) -> list[tuple[str, int]]:
    """Those that are there more than once, and how often."""
    if len(set(values)) == len(values):
        return []
    return [(value, count) for value, count in Counter(values).items() if count > 1]


def _check_patients(submission: Submission) -> Iterator[Issue]:
    """Source: ITI TF-3: 4.2.3.3.8."""
    if len(submission.submission_sets) != 1:
        return
    patient = submission.submission_sets[0].patient_id
    for item in (*submission.entries, *submission.folders):
        if item.patient_id and patient and item.patient_id != patient:
            yield Issue(
                Code.XDSPatientIdDoesNotMatch,
                f"{type(item).__name__}.patientId is not the patientId of the SubmissionSet",
                item.entry_uuid, section="ITI TF-3: 4.2.3.3.8",
            )  # fmt: skip


def _check_membership(submission: Submission) -> Iterator[Issue]:
    """Source: ITI TF-3: 4.2.1.4."""
    if len(submission.submission_sets) != 1:
        return
    the_set = submission.submission_sets[0].entry_uuid
    members = {
        association.target_object
        for association in submission.associations
        if association.association_type == AssociationType.HAS_MEMBER and association.source_object == the_set
    }
    for item in (*submission.entries, *submission.folders):
        if item.entry_uuid not in members:
            name = type(item).__name__
            yield metadata_error(f"the SubmissionSet has no HasMember association to this {name}", item.entry_uuid,
                                 "ITI TF-3: 4.2.1.4")  # fmt: skip


def _check_association(association: Association, sent: _Sent) -> Iterator[Issue]:
    def wrong(context: str, section: str = "ITI TF-3: 4.2.2") -> Issue:
        return metadata_error(f"Association {context}", association.entry_uuid, section)

    sets, entries, submitted = sent
    kind, source, target = association.association_type, association.source_object, association.target_object
    if kind not in frozenset(AssociationType):
        yield wrong(f"has the unknown type {kind[:128] or '(none)'}")
        return
    for end, where in ((source, "sourceObject"), (target, "targetObject")):
        if not end:
            yield wrong(f"has no {where}")
        elif end not in submitted and not is_uuid_urn(end):
            yield Issue(Code.UnresolvedReferenceException,
                        f"Association.{where} is neither in the submission nor an entryUUID",
                        association.entry_uuid, section="ITI TF-3: 4.2.2")  # fmt: skip
    if target in sets or source == target:
        yield wrong("has a SubmissionSet, or its own source, as target")
    if kind == AssociationType.HAS_MEMBER and source in sets:
        yield from _check_set_member(association, target in submitted, target in entries)
        return
    name = kind.rpartition(":")[2]
    if target in submitted - entries - sets:
        yield wrong(f"{name} has a target that is no DocumentEntry")
    if kind == AssociationType.HAS_MEMBER:
        if source in entries:
            yield wrong("HasMember has a DocumentEntry as source")
        return
    if source not in entries:
        yield wrong(f"{name} has a source that is no DocumentEntry of this submission")
    if target in submitted and kind not in (AssociationType.SIGNS, AssociationType.APND, AssociationType.XFRM):
        yield wrong(f"{name} has a target that is itself in the submission")


def _check_set_member(association: Association, submitted: bool, is_entry: bool) -> Iterator[Issue]:
    """SubmissionSetStatus tells a new document from an old one; to anything else it may be left out.

    Source: ITI TF-3: 4.2.2.1.1.
    """
    status = association.submission_set_status
    expected = ORIGINAL if submitted else REFERENCE
    if status is None and not is_entry:
        return
    if status not in (ORIGINAL, REFERENCE):
        context = f"SubmissionSetStatus is missing or unknown; it must be {expected}"
    elif status != expected:
        context = f"SubmissionSetStatus is {status}, but its target is {'' if submitted else 'not '}in the submission"
    else:
        return
    yield metadata_error(context, association.entry_uuid, "ITI TF-3: 4.2.2.1.1")
