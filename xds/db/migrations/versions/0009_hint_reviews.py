"""What became of the hints on the auditors' start page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "hint_review",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("hint", sa.LargeBinary, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("employee", sa.Text, nullable=False),
        sa.Column("organisation", sa.Text, nullable=False),
        sa.Column("finding", sa.Text, nullable=False),
        sa.Column("remark", sa.Text, nullable=False),
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.Column("reviewer_name", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_hint_review_day", "hint_review", ["day"])
