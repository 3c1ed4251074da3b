"""Steps that several queries take from object to object along associations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from xds.model.objects import AssociationType, EntryType
from xds.model.selection import AssociationSelection, EntrySelection, FolderSelection
from xds.model.stored import StoredAssociation, StoredEntry, StoredFolder
from xds.ports import Reader

HAS_MEMBER = AssociationType.HAS_MEMBER.value


def stable_unless_asked(values: dict[str, Any]) -> dict[str, Any]:
    """Without $XDSDocumentEntryType only stable entries answer. Source: ITI TF-2: 3.18.4.1.2.3.6.2."""
    return values if "types" in values else {**values, "types": (EntryType.STABLE,)}


def uuids_of(objects: Iterable[Any]) -> tuple[str, ...]:
    return tuple([each.entry_uuid for each in objects])


def members_of(reader: Reader, sources: Sequence[str]) -> list[StoredAssociation]:
    """The HasMember associations from these sets or folders."""
    if not sources:
        return []
    return reader.associations(AssociationSelection(sources=tuple(sources), types=(HAS_MEMBER,)))


def holders_of(reader: Reader, targets: Sequence[str]) -> list[StoredAssociation]:
    """The HasMember associations to these objects."""
    if not targets:
        return []
    return reader.associations(AssociationSelection(targets=tuple(targets), types=(HAS_MEMBER,)))


def entries_by_uuid(reader: Reader, uuids: Sequence[str], filters: dict[str, Any] | None = None) -> list[StoredEntry]:
    if not uuids:
        return []
    return reader.entries(EntrySelection(uuids=tuple(dict.fromkeys(uuids)), **(filters or {})))


def folders_by_uuid(reader: Reader, uuids: Sequence[str]) -> list[StoredFolder]:
    return reader.folders(FolderSelection(uuids=tuple(dict.fromkeys(uuids)))) if uuids else []


def between(associations: Iterable[StoredAssociation], visible: Iterable[Any]) -> list[StoredAssociation]:
    """The associations whose both ends are visible."""
    ids = {each.entry_uuid for each in visible}
    return [each for each in associations if each.source_object in ids and each.target_object in ids]


def distinct(associations: Iterable[StoredAssociation]) -> list[StoredAssociation]:
    """Each association once, in order."""
    return list({each.entry_uuid: each for each in associations}.values())
