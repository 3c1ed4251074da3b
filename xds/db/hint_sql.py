"""The table of the reviews of hints, and the SQL on it."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text, bindparam, insert, select
from sqlalchemy.sql.base import Executable

from xds.db.schema import Key, metadata

hint_review = Table(
    "hint_review",
    metadata,
    Column("id", Key, primary_key=True),
    Column("hint", LargeBinary, nullable=False),
    Column("rule", Text, nullable=False),
    Column("day", Text, nullable=False, index=True),  # as ISO 8601 writes it
    Column("employee", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("finding", Text, nullable=False),
    Column("remark", Text, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("reviewer_name", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)


class HintStatements:
    """The SQL of this module as text; `text` compiles it."""

    def __init__(self, text: Callable[[Executable], str]):
        columns = [column for column in hint_review.c if column.name != "id"]
        day = hint_review.c.day
        self.since = text(select(*columns).where(day >= bindparam(None, type_=day.type)).order_by(hint_review.c.id))
        self.add = text(
            insert(hint_review).values({column.name: bindparam(None, type_=column.type) for column in columns})
        )
