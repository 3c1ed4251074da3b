"""What the registry holds that a submission touches, looked up once. Source: ITI TF-2: 3.42.4.1.3."""

from __future__ import annotations

from dataclasses import dataclass

from xds.model.objects import AssociationType, Status, Submission
from xds.model.selection import AssociationSelection, EntrySelection, FolderSelection, SetSelection
from xds.model.stored import StoredAssociation, StoredEntry, StoredFolder
from xds.ports import Reader
from xds.registry.structure import objects

REPLACING = (AssociationType.RPLC, AssociationType.XFRM_RPLC)
"""The associations that deprecate their target. Source: ITI TF-3: 4.2.2.2.1 and 4.2.2.2.4."""
_DEPENDENT = (AssociationType.APND.value, AssociationType.XFRM.value)


@dataclass(frozen=True, slots=True)
class Known:
    """`entries`, `folders` and `associations` are those that the submission refers to, by entryUUID; `others` are
    submission sets that it refers to. `same_unique_id` are the entries registered under a uniqueId of any object in it.
    `dependents` are the entries that fall with a replaced one; `memberships` the HasMember associations from folders
    to replaced entries. `patient` is None for an unknown patient."""

    patient: int | None
    taken: frozenset[str]
    same_unique_id: tuple[StoredEntry, ...]
    entries: dict[str, StoredEntry]
    folders: dict[str, StoredFolder]
    associations: dict[str, StoredAssociation]
    others: frozenset[str]
    dependents: tuple[StoredEntry, ...] = ()
    memberships: tuple[StoredAssociation, ...] = ()


def look_up(reader: Reader, submission: Submission) -> Known:
    """Ask the index all that `context` and `plan` need; a plain submission costs three SELECTs."""
    patient_id = submission.submission_sets[0].patient_id if submission.submission_sets else None
    submitted = {item.entry_uuid for item in objects(submission)}
    identified = (*submission.submission_sets, *submission.folders)
    unique_ids = [item.unique_id for item in identified if item.unique_id]
    entry_ids = tuple({item.unique_id for item in (*submission.entries, *identified) if item.unique_id})
    refs = {
        end
        for association in submission.associations
        for end in (association.source_object, association.target_object)
        if end not in submitted
    }
    entries, folders, associations, others = _referred(reader, tuple(sorted(refs)))
    replaced = tuple(
        association.target_object
        for association in submission.associations
        if association.association_type in REPLACING and association.target_object in entries
    )
    dependents, memberships = _consequences(reader, replaced)
    folder_ids = tuple({membership.source_object for membership in memberships} - folders.keys())
    if folder_ids:
        found = reader.folders(FolderSelection(uuids=folder_ids))
        folders |= {folder.entry_uuid: folder for folder in found}
    return Known(
        patient=reader.patient(patient_id) if patient_id else None,
        taken=frozenset(reader.taken(sorted(submitted), unique_ids)),
        same_unique_id=tuple(reader.entries(EntrySelection(unique_ids=entry_ids))) if entry_ids else (),
        entries=entries,
        folders=folders,
        associations=associations,
        others=others,
        dependents=dependents,
        memberships=tuple(each for each in memberships if each.source_object in folders),
    )


def _referred(reader: Reader, refs: tuple[str, ...]) -> tuple[dict, dict, dict, frozenset[str]]:
    """The existing objects with these ids: entries, folders, associations, and the ids of the rest."""
    if not refs:
        return {}, {}, {}, frozenset()
    entries = {entry.entry_uuid: entry for entry in reader.entries(EntrySelection(uuids=refs))}
    folders, associations, others = {}, {}, frozenset()
    if rest := tuple(ref for ref in refs if ref not in entries):
        folders = {folder.entry_uuid: folder for folder in reader.folders(FolderSelection(uuids=rest))}
        associations = {each.entry_uuid: each for each in reader.associations(AssociationSelection(uuids=rest))}
        others = frozenset(each.entry_uuid for each in reader.submission_sets(SetSelection(uuids=rest)))
    return entries, folders, associations, others


def _consequences(
    reader: Reader, replaced: tuple[str, ...]
) -> tuple[tuple[StoredEntry, ...], tuple[StoredAssociation, ...]]:
    """What falls with replaced entries: addenda and transformations, transitively; and the folders they are in.

    Source: ITI TF-2: 3.42.4.1.3.5; ITI TF-3: 4.2.2.2.
    """
    if not replaced:
        return (), ()
    fallen: dict[str, StoredEntry] = {}
    seen, frontier = set(replaced), replaced
    while frontier:
        children = reader.associations(AssociationSelection(targets=frontier, types=_DEPENDENT))
        frontier = tuple({child.source_object for child in children} - seen)
        seen.update(frontier)
        if frontier:
            found = reader.entries(EntrySelection(uuids=frontier, statuses=(Status.APPROVED,)))
            fallen |= {entry.entry_uuid: entry for entry in found}
    members = reader.associations(AssociationSelection(targets=replaced, types=(AssociationType.HAS_MEMBER.value,)))
    return tuple(fallen.values()), tuple(members)
