"""What a stored query asks of the index, as values.

Every field narrows the answer; an empty one does not. Codes are (code, scheme) pairs. A field typed `AllOf`
is a conjunction of disjunctions: ((a, b), (c,)) means (a or b) and c. Times are seconds since 1970, half-open:
`from` ≤ value < `to`. Author patterns use % and _ as in SQL LIKE, case-sensitive, with \\ to escape; they
match an authorPerson value as a whole. A selection without uuids, unique ids or a patient is a mistake of the
caller. Ids that no object can have (a symbolic id as uuid) select nothing.
Source: ITI TF-2: 3.18.4.1.2.3.
"""

from __future__ import annotations

from typing import NamedTuple

from xds.model.objects import EntryType, Status

Codes = tuple[tuple[str, str], ...]
AllOf = tuple[tuple[tuple[str, str], ...], ...]


class EntrySelection(NamedTuple):
    """Which document entries. `patient` is a CX as text; a merged or unknown one selects nothing."""

    patient: str | None = None
    uuids: tuple[str, ...] = ()
    unique_ids: tuple[str, ...] = ()
    logical_ids: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    types: tuple[EntryType, ...] = ()
    class_codes: Codes = ()
    type_codes: Codes = ()
    practice_setting_codes: Codes = ()
    healthcare_facility_type_codes: Codes = ()
    format_codes: Codes = ()
    event_codes: AllOf = ()
    confidentiality_codes: AllOf = ()
    reference_ids: tuple[tuple[str, ...], ...] = ()
    creation_time_from: int | None = None
    creation_time_to: int | None = None
    service_start_time_from: int | None = None
    service_start_time_to: int | None = None
    service_stop_time_from: int | None = None
    service_stop_time_to: int | None = None
    author_persons: tuple[str, ...] = ()


class SetSelection(NamedTuple):
    """Which submission sets."""

    patient: str | None = None
    uuids: tuple[str, ...] = ()
    unique_ids: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    source_ids: tuple[str, ...] = ()
    submission_time_from: int | None = None
    submission_time_to: int | None = None
    author_persons: tuple[str, ...] = ()
    content_type_codes: Codes = ()


class FolderSelection(NamedTuple):
    """Which folders."""

    patient: str | None = None
    uuids: tuple[str, ...] = ()
    unique_ids: tuple[str, ...] = ()
    logical_ids: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    last_update_time_from: int | None = None
    last_update_time_to: int | None = None
    codes: AllOf = ()


class AssociationSelection(NamedTuple):
    """Which associations: those with one of these uuids, or one of these ends. `ends` matches either end."""

    uuids: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
