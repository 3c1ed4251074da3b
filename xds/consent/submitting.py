"""Who submits: whether they may, and what the log records of it. The same for ITI-41 and ITI-42."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xds.errors import Code, Issue
from xds.model.audit import MINOR, SUCCESS, Document, Entry, Event
from xds.model.audit import Access as Accessed
from xds.model.consent import holders_of
from xds.model.hl7 import cx_or_none
from xds.model.objects import DocumentEntry, Submission
from xds.model.surname import surnames_of_xpn
from xds.transaction import Context, unrecorded


def check_submitter(submission: Submission, ctx: Context, code: Code) -> list[Issue]:
    """What a known participant may not submit: as another source, or for another patient than the assertion's.

    `code` is the actor's own code for it.
    """
    requester, participant = ctx.requester, ctx.participant
    issues = []
    for submission_set in submission.submission_sets:
        where = submission_set.entry_uuid
        if participant is not None and submission_set.source_id not in participant.source_ids:
            issues.append(Issue(code, "sourceId is not one of the participant that sends", where))
        patient = None if requester is None else requester.patient
        if patient is not None and submission_set.patient_id != str(patient):
            issues.append(Issue(code, "patientId is another patient than the assertion's resource-id", where))
    return issues


def check_forwarder(submission: Submission, ctx: Context) -> list[Issue]:
    """What a repository may not pass on: documents that are not its own."""
    forwarder = None if ctx.requester is None else ctx.requester.forwarder
    if forwarder is None:
        return []
    context = "repositoryUniqueId is not that of the repository that passes the submission on"
    return [
        Issue(Code.XDSRegistryMetadataError, context, each.entry_uuid)
        for each in submission.entries
        if each.repository_unique_id != forwarder.repository
    ]


def submitted(submission: Submission, ctx: Context, codes: Sequence[str] = ()) -> Event | None:
    """What the log is told of a submission: accepted, or refused with `codes`."""
    if ctx.event is unrecorded:
        return None
    patients = dict.fromkeys(each.patient_id for each in (*submission.submission_sets, *submission.entries))
    accesses = []
    for patient in patients:
        entries = [each for each in submission.entries if each.patient_id == patient]
        documents = [
            Document(each.unique_id or "", each.entry_uuid, each.repository_unique_id or "") for each in entries
        ]
        holders = holders_of(author for each in entries for author in each.authors)
        surnames = frozenset[str]() if codes else _surnames(entries)
        accesses.append(Accessed(cx_or_none(patient), None, documents, tuple(sorted(holders)), surnames))
    unique_id = next((each.unique_id for each in submission.submission_sets if each.unique_id), "")
    return ctx.event(MINOR if codes else SUCCESS, accesses, outcome_text=" ".join(codes), submission_set=unique_id)


def submitted_entries(submission: Submission, ctx: Context) -> Sequence[Entry]:
    """The log's records of a submission that is accepted, to be written with it."""
    event = submitted(submission, ctx)
    return () if event is None else ctx.entries(event)


def _surnames(entries: Iterable[DocumentEntry]) -> frozenset[str]:
    """What the patient is called in sourcePatientInfo. Source: ITI TF-3: 4.2.3.2.23."""
    fields = (field.partition("|") for each in entries for field in each.source_patient_info)
    return frozenset().union(*(surnames_of_xpn(value) for name, _, value in fields if name == "PID-5"))
