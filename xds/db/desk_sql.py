"""The tables of what auditors keep, and the SQL on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text, bindparam, delete, insert, or_, select, update
from sqlalchemy.sql.base import Executable

from xds.db.schema import Key, metadata

saved_search = Table(
    "saved_search",
    metadata,
    Column("id", Key, primary_key=True),
    Column("account", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("shared", Boolean, nullable=False),
)
Index("ix_saved_search_account", saved_search.c.account)

log_export = Table(
    "log_export",
    metadata,
    Column("id", Key, primary_key=True),
    Column("account", Text, nullable=False),
    Column("organisation", Text),  # a URA; null: the whole exchange
    Column("words", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("below", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Column("approver", Text),
    Column("sent", BigInteger),
    Column("sent_at", BigInteger),
)
Index("ix_log_export_asked", log_export.c.asked)


class DeskStatements:
    """The SQL of this module as text; `text` compiles it."""

    def __init__(self, text: Callable[[Executable], str]):
        search, export = saved_search.c, log_export.c
        mine = or_(search.account == _value(search.account), search.shared.is_(True))
        self.searches = text(select(saved_search).where(mine).order_by(search.name, search.id))
        self.save_search = text(insert(saved_search).values(_values(saved_search)).returning(search.id))
        self.delete_search = text(
            delete(saved_search).where(search.id == _value(search.id), search.account == _value(search.account))
        )
        self.exports = text(
            select(log_export)
            .where(export.asked >= _value(export.asked))
            .order_by(export.asked.desc(), export.id.desc())
        )
        self.export = text(select(log_export).where(export.id == _value(export.id)))
        self.ask_export = text(insert(log_export).values(_values(log_export)).returning(export.id))
        self.approve_export = text(
            update(log_export)
            .values(approver=_value(export.approver))
            .where(export.id == _value(export.id), export.approver.is_(None))
        )
        self.set_sent = text(
            update(log_export)
            .values(sent=_value(export.sent), sent_at=_value(export.sent_at))
            .where(export.id == _value(export.id))
        )


def _values(table: Table) -> dict[str, Any]:
    return {column.name: _value(column) for column in table.c if column.name != "id"}


def _value(column: Column) -> Any:
    return bindparam(None, type_=column.type)
