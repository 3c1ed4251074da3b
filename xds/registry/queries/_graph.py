"""Steps that several queries take from object to object along associations.

Each reads at most `limit` objects, as many as make an answer too large, so that a folder or a set of any size costs no
more than an answer: a query that got so many need not go on.
"""

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


def given(values: dict[str, Any]) -> dict[str, Any]:
    """The one object that is asked about, by its entryUUID or uniqueId."""
    return {name: (values[name],) for name in ("uuids", "unique_ids") if name in values}


def entry_filters(values: dict[str, Any]) -> dict[str, Any]:
    """The filters on the document entries among other objects. Source: ITI TF-2: 3.18.4.1.2.3.7.4, 10 and 11."""
    names = ("types", "format_codes", "confidentiality_codes")
    return stable_unless_asked({name: values[name] for name in names if name in values})


def uuids_of(objects: Iterable[Any]) -> tuple[str, ...]:
    return tuple([each.entry_uuid for each in objects])


def members_of(reader: Reader, sources: Sequence[str], limit: int) -> list[StoredAssociation]:
    """The HasMember associations from these sets or folders."""
    if not sources:
        return []
    return reader.associations(AssociationSelection(sources=tuple(sources), types=(HAS_MEMBER,)), limit)


def holders_of(reader: Reader, targets: Sequence[str], limit: int) -> list[StoredAssociation]:
    """The HasMember associations to these objects."""
    if not targets:
        return []
    return reader.associations(AssociationSelection(targets=tuple(targets), types=(HAS_MEMBER,)), limit)


def links_of(reader: Reader, sources: Iterable[Any], targets: Iterable[Any], limit: int) -> list[StoredAssociation]:
    """The associations from one of these objects to one of those."""
    selection = AssociationSelection(sources=uuids_of(sources), targets=uuids_of(targets))
    return reader.associations(selection, limit) if selection.sources and selection.targets else []


def entries_by_uuid(reader: Reader, uuids: Sequence[str], filters: dict[str, Any], limit: int) -> list[StoredEntry]:
    if not uuids:
        return []
    return reader.entries(EntrySelection(uuids=tuple(dict.fromkeys(uuids)), **filters), limit)


def folders_by_uuid(reader: Reader, uuids: Sequence[str], limit: int) -> list[StoredFolder]:
    return reader.folders(FolderSelection(uuids=tuple(dict.fromkeys(uuids))), limit) if uuids else []


def between(associations: Iterable[StoredAssociation], visible: Iterable[Any]) -> list[StoredAssociation]:
    """The associations whose both ends are visible."""
    ids = {each.entry_uuid for each in visible}
    return [each for each in associations if each.source_object in ids and each.target_object in ids]


def distinct(associations: Iterable[StoredAssociation]) -> list[StoredAssociation]:
    """Each association once, in order."""
    return list({each.entry_uuid: each for each in associations}.values())
