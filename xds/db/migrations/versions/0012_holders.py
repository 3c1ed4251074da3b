"""Whose documents a record of the log is about, and how much of an export was sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_HOLDERS = 11


def upgrade() -> None:
    op.add_column("log_export", sa.Column("sent", sa.BigInteger))
    op.add_column("log_export", sa.Column("sent_at", sa.BigInteger))
    # The records that are there don't say whose documents they are about: that is a column of zeros.
    bind = op.get_bind()
    term = sa.table("log_term", *map(sa.column, ("dimension", "code", "value", "label")))
    column = sa.table("log_column", *map(sa.column, ("dimension", "first", "size", "content")))
    segments = bind.execute(sa.select(column.c.first, column.c.size).where(column.c.dimension == 0)).all()
    if segments:
        bind.execute(sa.insert(term).values(dimension=_HOLDERS, code=0, value="", label=""))
    for first, size in segments:
        bind.execute(sa.insert(column).values(dimension=_HOLDERS, first=first, size=size, content=bytes(size)))
