"""The consent register, and what of a document it must know."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from xds.db.values import joined
from xds.ebrim.fragment import unpack
from xds.ebrim.objects import decode_fragment
from xds.model.consent import holders_of

revision = "0003"
down_revision = "0002"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_AT_ONCE = 1000


def _owned(name: str, *columns: sa.Column) -> None:
    op.create_table(
        name,
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("patient", sa.Integer, sa.ForeignKey("patient.id"), nullable=False),
        *columns,
    )


def _texts(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _time(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def upgrade() -> None:
    op.add_column("patient", _time("birth_date", nullable=True))
    op.add_column("patient", sa.Column("consent_version", sa.Integer, nullable=False, server_default="0"))
    op.add_column("document_entry", sa.Column("holders", sa.Text))
    _fill_holders()
    _owned(
        "consent",
        *_texts("holder", "category", "consumer", "decision"),
        _time("since"),
        _time("until", nullable=True),
        *_texts("given_by", "channel", "recorded_by"),
        _time("recorded_at"),
        sa.Column("in_emergency", sa.SmallInteger, nullable=False),
    )
    op.create_index("consent_subject", "consent", ["patient", "holder", "category", "consumer", "id"])
    _owned(
        "treatment_relation",
        *_texts("ura", "ground"),
        _time("since"),
        _time("until", nullable=True),
        *_texts("recorded_by"),
        _time("recorded_at"),
    )
    op.create_index("treatment_relation_ura", "treatment_relation", ["patient", "ura", "id"])
    _owned("emergency", *_texts("person", "ura", "reason", "assertion_id"), _time("opened_at"))
    op.create_index("emergency_patient", "emergency", ["patient"])
    op.create_index("emergency_opened_at", "emergency", ["opened_at"])
    _owned("notice", *_texts("category"), _time("sent_at"), *_texts("recorded_by"))
    op.create_index("notice_patient", "notice", ["patient"])
    op.create_table(
        "joined_kind",
        sa.Column("kind", sa.Text, primary_key=True),
        _time("joined_at"),
        sqlite_with_rowid=False,
    )


def _fill_holders() -> None:
    """Read from the fragments whose the documents are that were registered before this was a column."""
    entry = sa.table("document_entry", sa.column("id"), sa.column("fragment"), sa.column("holders"))
    database = op.get_bind()
    wanted = sa.select(entry.c.id, entry.c.fragment).order_by(entry.c.id).limit(_AT_ONCE)
    last = 0
    while rows := database.execute(wanted.where(entry.c.id > last)).all():
        last = rows[-1].id
        for key, fragment in rows:
            holders = joined(holders_of(decode_fragment(unpack(fragment)).authors))
            database.execute(sa.update(entry).values(holders=holders).where(entry.c.id == key))
