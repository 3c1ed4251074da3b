"""The log's subtrees, from which proofs are made soon."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "log_subtree",
        sa.Column("number", _KEY, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Unpacking costs more than reading what is not packed.
        op.execute("ALTER TABLE log_column ALTER COLUMN content SET STORAGE EXTERNAL")
