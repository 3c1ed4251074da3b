"""What a submission may refer to: for a known sender, only what it could have found.

Otherwise a submission could add to anybody's documents or replace them, and its errors would tell which there are. A
person refers to what they may see, a system to its own organisation's documents, and both to what the system submitted.
"""

from __future__ import annotations

from typing import NamedTuple

from xds.consent.sight import Evidence, gather, judge, record_emergencies
from xds.errors import Code, Issue
from xds.model.ids import is_uuid_urn
from xds.model.objects import Association, AssociationType, Submission
from xds.model.party import Participant
from xds.model.selection import (
    AssociationSelection,
    EntrySelection,
    FolderSelection,
    SetSelection,
)
from xds.model.stored import Found
from xds.ports import Index, Reader
from xds.transaction import Context, unrecorded


class _Referred(NamedTuple):
    """What decides about the objects that are referred to, and which of them the sender submitted itself."""

    evidence: Evidence
    own: frozenset[str]


def unresolved(association: Association, where: str) -> Issue:
    """An end of an association, "sourceObject" or "targetObject", is nothing that the sender can refer to."""
    context = f"Association.{where} is not in the registry"
    section = "ITI TF-3: Table 4.2.4.1-2"
    return Issue(Code.UnresolvedReferenceException, context, association.entry_uuid, section=section)


async def check_references(submission: Submission, index: Index, ctx: Context) -> list[Issue]:
    """What a known sender refers to without being able to see it: the same whether it is there or not.

    Nothing where nobody need be known. Unavailable when the index, which has the registry's objects, can't be read.
    """
    participant = ctx.participant
    given = (submission.submission_sets, submission.entries, submission.folders, submission.associations)
    sent = {each.entry_uuid for group in given for each in group}
    referring = [
        (each, where, end)
        for each in submission.associations
        for end, where in ((each.source_object, "sourceObject"), (each.target_object, "targetObject"))
        if end not in sent and is_uuid_urn(end)
    ]
    if participant is None or ctx.event is unrecorded or not referring:
        return []
    uuids = tuple(dict.fromkeys(end for _, _, end in referring))
    evidence, own = await index.read(lambda reader: _read(reader, uuids, participant))
    judged = await judge(evidence, ctx, own)
    await record_emergencies(judged.emergencies, index)
    return [unresolved(association, where) for association, where, end in referring if not judged.seen(end)]


def _read(reader: Reader, uuids: tuple[str, ...], participant: Participant) -> _Referred:
    found = Found(
        reader.entries(EntrySelection(uuids=uuids)),
        reader.submission_sets(SetSelection(uuids=uuids)),
        reader.folders(FolderSelection(uuids=uuids)),
        reader.associations(AssociationSelection(uuids=uuids)),
    )
    evidence = gather(reader, found)
    if not participant.source_ids:
        return _Referred(evidence, frozenset())
    members = reader.associations(AssociationSelection(targets=uuids, types=(AssociationType.HAS_MEMBER.value,)))
    uuids_of_sets = tuple({*uuids, *(each.source_object for each in members)})
    sets = {each.entry_uuid for each in reader.submission_sets(SetSelection(uuids=uuids_of_sets))}
    submitted = reader.submission_sets(SetSelection(uuids=uuids_of_sets, source_ids=participant.source_ids))
    own = {each.entry_uuid for each in submitted}
    # What a thing was submitted with came first; later sets have it by reference only.
    came_with: dict[str, str] = {}
    for each in members:
        if each.source_object in sets:
            came_with.setdefault(each.target_object, each.source_object)
    return _Referred(evidence, frozenset(own.union(thing for thing, its in came_with.items() if its in own)))
