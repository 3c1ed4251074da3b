"""The auditors and the sessions of the pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "auditor",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("organisation", sa.Text),
        sa.Column("certificate", sa.LargeBinary, unique=True),
        sa.Column("subject", sa.Text, unique=True),
        sa.Column("secret", sa.LargeBinary),
        sa.Column("suspended", sa.SmallInteger, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("locked_until", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.create_table(
        "page_session",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("token", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("auditor", sa.Integer, sa.ForeignKey("auditor.id")),
        sa.Column("participant", sa.Integer, sa.ForeignKey("participant.id")),
        sa.Column("patient", sa.Text),
        sa.Column("relation", sa.Text),
        sa.Column("actor", sa.LargeBinary),
        sa.Column("certificate", sa.LargeBinary),
        sa.Column("assurance", sa.SmallInteger, nullable=False),
        sa.Column("began", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
    )
    op.create_index("page_session_ends", "page_session", ["ends"])
