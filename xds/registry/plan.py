"""What the registry assigns and what a submission changes. Pure.

Source: ITI TF-2: 3.42.4.1.3.4 and 3.42.4.1.3.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from xds.ebrim.fragment import unpack
from xds.ebrim.objects import decode_fragment
from xds.model.ids import is_symbolic, new_uuid
from xds.model.objects import AnyObject, Association, AssociationType, Folder, Status, Submission
from xds.model.stored import StoredEntry, StoredFolder
from xds.registry.known import REPLACING, Known
from xds.registry.structure import REFERENCE, objects

FIRST_VERSION = "1"
"""VersionInfo of what is registered for the first time. Source: ITI TF-3: Table 4.2.3.2-1 (version)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`new` objects beyond the submitted ones, and `changed` ones that exist."""

    new: tuple[AnyObject, ...]
    changed: tuple[AnyObject, ...]


def dtm(moment: datetime) -> str:
    """A UTC datetime as HL7 DTM, in seconds."""
    return moment.strftime("%Y%m%d%H%M%S")


def assign(submission: Submission, now: datetime, home: str | None) -> Submission:
    """Give every object its final id, lid, version, status and home; and each folder its lastUpdateTime.

    Source: ITI TF-2: 3.42.4.1.3.4.
    """
    ids = {item.entry_uuid: new_uuid() for item in objects(submission) if is_symbolic(item.entry_uuid)}

    def final(item: AnyObject) -> AnyObject:
        entry_uuid = ids.get(item.entry_uuid, item.entry_uuid)
        given = {"entry_uuid": entry_uuid, "logical_id": entry_uuid, "version": FIRST_VERSION,
                 "home_community_id": home, "availability_status": Status.APPROVED}  # fmt: skip
        if isinstance(item, Association):
            given["source_object"] = ids.get(item.source_object, item.source_object)
            given["target_object"] = ids.get(item.target_object, item.target_object)
        elif isinstance(item, Folder):
            given["last_update_time"] = dtm(now)
        return replace(item, **given)

    return Submission(
        tuple(map(final, submission.submission_sets)), tuple(map(final, submission.entries)),
        tuple(map(final, submission.folders)), tuple(map(final, submission.associations)),
    )  # fmt: skip


def plan(submission: Submission, known: Known, now: datetime, home: str | None) -> Plan:
    """The consequences of an accepted submission whose ids are final.

    A replaced entry and its addenda and transformations are deprecated; its successor takes its place in its
    folders; a folder that gets a member has a new lastUpdateTime.
    """
    successors = {
        association.target_object: association.source_object
        for association in submission.associations
        if association.association_type in REPLACING
    }
    if not successors and not known.folders:
        return Plan((), ())
    fallen = {entry.entry_uuid: entry for entry in known.dependents}
    fallen |= {uuid: known.entries[uuid] for uuid in successors if uuid in known.entries}
    additions: list[Association] = []
    the_set = submission.submission_sets[0].entry_uuid
    for membership in known.memberships:
        place = _member(membership.source_object, successors[membership.target_object], None, home)
        additions += [place, _member(the_set, place.entry_uuid, REFERENCE, home)]
    grown = {each.source_object for each in (*submission.associations, *additions)
             if each.association_type == AssociationType.HAS_MEMBER}  # fmt: skip
    folders = [folder for uuid, folder in known.folders.items() if uuid in grown]
    return Plan(tuple(additions), (*_deprecated(fallen.values()), *_touched(folders, now)))


def _member(source: str, target: str, status: str | None, home: str | None) -> Association:
    entry_uuid = new_uuid()
    return Association(
        entry_uuid=entry_uuid, logical_id=entry_uuid, version=FIRST_VERSION, availability_status=Status.APPROVED,
        home_community_id=home, association_type=AssociationType.HAS_MEMBER, source_object=source, target_object=target,
        submission_set_status=status,
    )  # fmt: skip


def _deprecated(entries: Iterable[StoredEntry]) -> list[AnyObject]:
    return [
        replace(decode_fragment(unpack(entry.fragment)), availability_status=Status.DEPRECATED)
        for entry in entries
        if entry.status is Status.APPROVED
    ]


def _touched(folders: Iterable[StoredFolder], now: datetime) -> list[AnyObject]:
    return [replace(decode_fragment(unpack(folder.fragment)), last_update_time=dtm(now)) for folder in folders]
