"""The tables of the reviews of hints and of clients' surnames, and the SQL on them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text, bindparam, func, insert, select
from sqlalchemy.sql.base import Executable

from xds.db.schema import Key, metadata

if TYPE_CHECKING:
    from xds.db.compile import Lists

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


client_surname = Table(
    "client_surname",
    metadata,
    Column("surname", LargeBinary, primary_key=True),  # both are keyed hashes
    Column("patient", LargeBinary, primary_key=True),
    sqlite_with_rowid=False,
)


class HintStatements:
    """The SQL of this module as text; `text` compiles it, `upsert` makes an INSERT that can skip a conflict."""

    def __init__(self, text: Callable[[Executable], str], lists: Lists, upsert: Callable[[Table], Any]):
        self.lists = lists
        self._text = text
        self.bearers = lru_cache(32)(self._bearers)
        self.counts = lru_cache(32)(self._counts)
        self.add_surname = text(upsert(client_surname).on_conflict_do_nothing())
        columns = [column for column in hint_review.c if column.name != "id"]
        day = hint_review.c.day
        self.since = text(select(*columns).where(day >= bindparam(None, type_=day.type)).order_by(hint_review.c.id))
        self.add = text(
            insert(hint_review).values({column.name: bindparam(None, type_=column.type) for column in columns})
        )

    def _counts(self, length_class: int) -> str:
        """Select how many clients have each of some surnames."""
        surname = client_surname.c.surname
        counts = select(surname, func.count()).where(self.lists.among(surname, length_class))
        return self._text(counts.group_by(surname))

    def _bearers(self, length_class: int) -> str:
        surname = client_surname.c.surname
        return self._text(select(client_surname).where(self.lists.among(surname, length_class)))
