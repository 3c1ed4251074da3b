"""Participants and the assertions that were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _participant() -> sa.Column:
    return sa.Column("participant", sa.Integer, sa.ForeignKey("participant.id"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "participant",
        sa.Column("id", sa.Integer, primary_key=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("ura", "name", "kind", "source_ids", "connected_since")
        ),
        *(sa.Column(name, sa.Text) for name in ("nen7510", "nen7512", "nen7513")),
        sa.Column("suspended", sa.SmallInteger, nullable=False),
    )
    op.create_table(
        "participant_certificate",
        sa.Column("fingerprint", sa.LargeBinary, primary_key=True),
        _participant(),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "used_assertion",
        sa.Column("assertion", sa.LargeBinary, primary_key=True),
        _participant(),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("used_assertion_expires", "used_assertion", ["expires"])
