"""What auditors keep: searches and exports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "saved_search",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
    )
    op.create_index("ix_saved_search_account", "saved_search", ["account"])
    op.create_table(
        "log_export",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("organisation", sa.Text),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("below", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sa.Column("approver", sa.Text),
    )
    op.create_index("ix_log_export_asked", "log_export", ["asked"])
