"""Rows of the index, as queries and rules see them.

`entry_uuid` is lower-case "urn:uuid:…"; `patient` is the index's own key of the patient, equal for equal
patients; `fragment` is the object's canonical ebRIM, packed (see ebrim.fragment).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from xds.model.objects import EntryType, Status


class StoredEntry(NamedTuple):
    """A document entry: what rules and consent must know, beside its fragment.

    `traits` are the index's own; entries that have the same are alike to consent (see ports.ConsentReader).
    """

    entry_uuid: str
    logical_id: str
    patient: int
    unique_id: str
    status: Status
    object_type: EntryType
    hash: str | None
    size: int | None
    fragment: bytes
    traits: tuple[Any, ...] = ()


class StoredSet(NamedTuple):
    """A submission set."""

    entry_uuid: str
    patient: int
    unique_id: str
    status: Status
    fragment: bytes


class StoredFolder(NamedTuple):
    """A folder."""

    entry_uuid: str
    logical_id: str
    patient: int
    unique_id: str
    status: Status
    fragment: bytes


class StoredAssociation(NamedTuple):
    """An association; `association_type` is the full URN."""

    entry_uuid: str
    association_type: str
    source_object: str
    target_object: str
    status: Status
    fragment: bytes


class Found(NamedTuple):
    """What a query found.

    `paths` are the associations that led to it from what was asked for, where that itself need not be in the answer:
    who may see none of those that lead to an object must not learn by it of what was asked for.
    """

    entries: Sequence[StoredEntry] = ()
    submission_sets: Sequence[StoredSet] = ()
    folders: Sequence[StoredFolder] = ()
    associations: Sequence[StoredAssociation] = ()
    paths: Sequence[StoredAssociation] = ()

    @property
    def objects(self) -> list[Stored]:
        """All that the answer has."""
        return [*self.entries, *self.submission_sets, *self.folders, *self.associations]


Stored = StoredEntry | StoredSet | StoredFolder | StoredAssociation


class Holding(NamedTuple):
    """A document that the repository holds. `hash` is SHA-1 and `address` SHA-256, both lower-case hex."""

    unique_id: str
    address: str
    hash: str
    size: int
    mime_type: str
