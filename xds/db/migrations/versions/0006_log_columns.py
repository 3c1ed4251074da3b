"""The log's index in columns, which the indexer makes of the records that are there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.drop_table("log_index")
    op.create_table(
        "log_term",
        sa.Column("dimension", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("code", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.UniqueConstraint("dimension", "value"),
    )
    op.create_table(
        "log_column",
        sa.Column("dimension", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("first", _KEY, primary_key=True, autoincrement=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
