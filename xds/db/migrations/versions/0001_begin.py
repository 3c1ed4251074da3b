"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _index(name: str, table: str, *columns: str, where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, list(columns), sqlite_where=condition, postgresql_where=condition)


def _object_columns() -> list[sa.Column]:
    return [
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("uuid", sa.LargeBinary, nullable=False, unique=True),
    ]


def _patient() -> sa.Column:
    return sa.Column("patient", sa.Integer, sa.ForeignKey("patient.id"), nullable=False)


def _named() -> list[sa.Column]:
    return [
        sa.Column("unique_id", sa.Text, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
    ]


def upgrade() -> None:
    _patients_and_codes()
    _document_entry()
    op.create_table(
        "submission_set",
        *_object_columns(),
        _patient(),
        *_named(),
        sa.Column("source_id", sa.Text),
        sa.Column("submission_time", sa.BigInteger),
        sa.Column("content_type_code", sa.Integer),
        sa.Column("author_persons", sa.Text),
        sa.Column("fragment", sa.LargeBinary, nullable=False),
    )
    _index("submission_set_patient", "submission_set", "patient", "status", "submission_time")
    _index("submission_set_unique_id", "submission_set", "unique_id")
    op.create_table(
        "folder",
        *_object_columns(),
        sa.Column("logical_id", sa.LargeBinary),
        _patient(),
        *_named(),
        sa.Column("last_update_time", sa.BigInteger),
        sa.Column("codes", sa.Text),
        sa.Column("fragment", sa.LargeBinary, nullable=False),
    )
    _index("folder_patient", "folder", "patient", "status", "last_update_time")
    _index("folder_unique_id", "folder", "unique_id")
    _index("folder_logical_id", "folder", "logical_id", where="logical_id IS NOT NULL")
    op.create_table(
        "association",
        *_object_columns(),
        sa.Column("association_type", sa.SmallInteger, nullable=False),
        sa.Column("source_object", sa.LargeBinary, nullable=False),
        sa.Column("target_object", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("fragment", sa.LargeBinary, nullable=False),
    )
    _index("association_source_object", "association", "source_object")
    _index("association_target_object", "association", "target_object")
    op.create_table(
        "document",
        sa.Column("unique_id", sa.Text, primary_key=True),
        sa.Column("address", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("mime_type", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _document_entry() -> None:
    op.create_table(
        "document_entry",
        *_object_columns(),
        sa.Column("logical_id", sa.LargeBinary),
        _patient(),
        *_named(),
        sa.Column("object_type", sa.SmallInteger, nullable=False),
        sa.Column("class_code", sa.Integer),
        sa.Column("type_code", sa.Integer),
        sa.Column("practice_setting_code", sa.Integer),
        sa.Column("healthcare_facility_type_code", sa.Integer),
        sa.Column("format_code", sa.Integer),
        sa.Column("creation_time", sa.BigInteger),
        sa.Column("service_start_time", sa.BigInteger),
        sa.Column("service_stop_time", sa.BigInteger),
        sa.Column("event_codes", sa.Text),
        sa.Column("confidentiality_codes", sa.Text),
        sa.Column("reference_ids", sa.Text),
        sa.Column("author_persons", sa.Text),
        sa.Column("hash", sa.LargeBinary),
        sa.Column("size", sa.BigInteger),
        sa.Column("fragment", sa.LargeBinary, nullable=False),
    )
    _index("document_entry_patient", "document_entry", "patient", "status", "creation_time", "type_code", "class_code")
    _index("document_entry_unique_id", "document_entry", "unique_id")
    _index("document_entry_logical_id", "document_entry", "logical_id", where="logical_id IS NOT NULL")


def _patients_and_codes() -> None:
    op.create_table(
        "patient",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("cx", sa.Text, nullable=False, unique=True),
        sa.Column("merged_into", sa.Integer, sa.ForeignKey("patient.id")),
    )
    op.create_table(
        "code",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("scheme", sa.Text, nullable=False),
        sa.UniqueConstraint("code", "scheme"),
    )
