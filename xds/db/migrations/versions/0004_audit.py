"""The log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    head = op.create_table(
        "log_head",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("chain", sa.LargeBinary, nullable=False),
        sa.Column("edge", sa.LargeBinary, nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "size": 0, "time": 0, "chain": bytes(32), "edge": b""}])
    op.create_table(
        "log_leaf",
        sa.Column("seq", _KEY, primary_key=True, autoincrement=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("commitment", sa.LargeBinary, nullable=False),
        sa.Column("chain", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("request_id", "number"),
    )
    _records()
    op.create_table(
        "log_checkpoint",
        sa.Column("size", _KEY, primary_key=True, autoincrement=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("anchored", sa.BigInteger),
    )
    op.create_table(
        "log_feed",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("next", sa.BigInteger, nullable=False),
    )


def _records() -> None:
    op.create_table(
        "log_record",
        sa.Column("seq", _KEY, primary_key=True, autoincrement=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("patient", sa.LargeBinary),
        sa.Column("employee", sa.Text, nullable=False),
        sa.Column("organisation", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("outcome", sa.SmallInteger, nullable=False),
        sa.Column("transaction", sa.Text, nullable=False),
        sa.Column("emergency", sa.Boolean, nullable=False),
    )
    op.create_table(
        "log_index",
        sa.Column("seq", _KEY, primary_key=True, autoincrement=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("patient", sa.LargeBinary),
        sa.Column("employee", sa.Text, nullable=False),
        sa.Column("organisation", sa.Text, nullable=False),
    )
    has_patient = sa.text("patient IS NOT NULL")
    op.create_index("log_index_started", "log_index", ["started"])
    op.create_index(
        "log_index_patient", "log_index", ["patient", "seq"], sqlite_where=has_patient, postgresql_where=has_patient
    )
    op.create_index("log_index_employee", "log_index", ["employee", "seq"])
    op.create_index("log_index_organisation", "log_index", ["organisation", "seq"])
