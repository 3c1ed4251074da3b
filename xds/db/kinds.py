"""For each kind of object: its table, what a selection of it can ask, and what it answers with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from operator import attrgetter
from typing import Any

from sqlalchemy import Column, Table

from xds.db import schema
from xds.db.values import Row, stored_association, stored_entry, stored_folder, stored_set


class Test(IntEnum):
    """How a field of a selection narrows the answer, in SQL. Numbers are looked up faster than an Enum's names."""

    PATIENT = auto()
    UUIDS = auto()
    LOGICAL_IDS = auto()
    TEXTS = auto()
    STATUSES = auto()
    ENTRY_TYPES = auto()
    ASSOCIATION_TYPES = auto()
    CODES = auto()
    FROM = auto()
    BELOW = auto()


class Residual(Enum):
    """How a field of a selection narrows the answer, judged in Python on a column that holds many values."""

    CODES = auto()
    TEXTS = auto()
    PATTERNS = auto()


@dataclass(frozen=True, slots=True)
class Criterion:
    """A field of a selection; one of `columns` must pass the test."""

    field: str
    test: Test
    columns: tuple[Column, ...]


@dataclass(frozen=True, eq=False)
class Kind:
    """`columns` are what `stored` reads; `residuals` are (field, how, column); from `first_mutable` on,
    the columns of a row may be rewritten."""

    name: str
    table: Table
    columns: tuple[Column, ...]
    criteria: tuple[Criterion, ...]
    residuals: tuple[tuple[str, Residual, str], ...]
    first_mutable: str
    stored: Callable[[Row], Any]
    asked: Callable[[Any], tuple[Any, ...]]
    """What a selection asks, in the order of the criteria."""


def _kind(
    table: Table,
    columns: str,
    criteria: dict[str, tuple[Test, str]],
    residuals: tuple[tuple[str, Residual, str], ...],
    first_mutable: str,
    stored: Callable[[Row], Any],
) -> Kind:
    tests = tuple(
        Criterion(field, test, tuple(table.c[name] for name in names.split()))
        for field, (test, names) in criteria.items()
    )
    return Kind(
        table.name,
        table,
        tuple(table.c[name] for name in columns.split()),
        tests,
        residuals,
        first_mutable,
        stored,
        attrgetter(*criteria),
    )


def _between(field: str) -> dict[str, tuple[Test, str]]:
    return {f"{field}_from": (Test.FROM, field), f"{field}_to": (Test.BELOW, field)}


ENTRY = _kind(
    schema.document_entry,
    "uuid logical_id patient unique_id status object_type hash size fragment "
    "class_code type_code healthcare_facility_type_code event_codes confidentiality_codes holders",
    {
        "patient": (Test.PATIENT, "patient"),
        "uuids": (Test.UUIDS, "uuid"),
        "unique_ids": (Test.TEXTS, "unique_id"),
        "logical_ids": (Test.LOGICAL_IDS, "logical_id uuid"),
        "statuses": (Test.STATUSES, "status"),
        "types": (Test.ENTRY_TYPES, "object_type"),
        "class_codes": (Test.CODES, "class_code"),
        "type_codes": (Test.CODES, "type_code"),
        "practice_setting_codes": (Test.CODES, "practice_setting_code"),
        "healthcare_facility_type_codes": (Test.CODES, "healthcare_facility_type_code"),
        "format_codes": (Test.CODES, "format_code"),
        **_between("creation_time"),
        **_between("service_start_time"),
        **_between("service_stop_time"),
    },
    (
        ("event_codes", Residual.CODES, "event_codes"),
        ("confidentiality_codes", Residual.CODES, "confidentiality_codes"),
        ("reference_ids", Residual.TEXTS, "reference_ids"),
        ("author_persons", Residual.PATTERNS, "author_persons"),
    ),
    "unique_id",
    stored_entry,
)

SUBMISSION_SET = _kind(
    schema.submission_set,
    "uuid patient unique_id status fragment",
    {
        "patient": (Test.PATIENT, "patient"),
        "uuids": (Test.UUIDS, "uuid"),
        "unique_ids": (Test.TEXTS, "unique_id"),
        "statuses": (Test.STATUSES, "status"),
        "source_ids": (Test.TEXTS, "source_id"),
        "content_type_codes": (Test.CODES, "content_type_code"),
        **_between("submission_time"),
    },
    (("author_persons", Residual.PATTERNS, "author_persons"),),
    "unique_id",
    stored_set,
)

FOLDER = _kind(
    schema.folder,
    "uuid logical_id patient unique_id status fragment",
    {
        "patient": (Test.PATIENT, "patient"),
        "uuids": (Test.UUIDS, "uuid"),
        "unique_ids": (Test.TEXTS, "unique_id"),
        "logical_ids": (Test.LOGICAL_IDS, "logical_id uuid"),
        "statuses": (Test.STATUSES, "status"),
        **_between("last_update_time"),
    },
    (("codes", Residual.CODES, "codes"),),
    "unique_id",
    stored_folder,
)

ASSOCIATION = _kind(
    schema.association,
    "uuid association_type source_object target_object status fragment",
    {
        "uuids": (Test.UUIDS, "uuid"),
        "sources": (Test.UUIDS, "source_object"),
        "targets": (Test.UUIDS, "target_object"),
        "ends": (Test.UUIDS, "source_object target_object"),
        "types": (Test.ASSOCIATION_TYPES, "association_type"),
    },
    (),
    "status",
    stored_association,
)

KINDS = (ENTRY, SUBMISSION_SET, FOLDER, ASSOCIATION)
