"""The statements of the log, as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, literal_column, select, update
from sqlalchemy.sql.base import Executable

from xds.db.log_schema import log_checkpoint, log_feed, log_head, log_index, log_leaf, log_record

_leaf, _record = log_leaf.c, log_record.c
_ZERO = literal_column("0")
_KEPT = (
    _leaf.seq, _leaf.time, _leaf.request_id, _leaf.number, _leaf.commitment, _leaf.chain, _record.salt, _record.payload,
)  # fmt: skip


class LogStatements:
    """`text` compiles for the database; parameters are positional."""

    def __init__(self, text: Callable[[Executable], str]):
        self._text = text
        self.find = lru_cache(maxsize=128)(self._find)
        self.head = text(select(log_head.c.size, log_head.c.time, log_head.c.chain, log_head.c.edge))
        self.set_head = text(
            update(log_head).values({name: _given(log_head.c[name]) for name in ("size", "time", "chain", "edge")})
        )
        self.add_leaf = text(insert(log_leaf).values({column.name: _given(column) for column in log_leaf.c}))
        self.add_record = text(insert(log_record).values({column.name: _given(column) for column in log_record.c}))
        joined = log_leaf.outerjoin(log_record, _leaf.seq == _record.seq)
        lines = select(*_KEPT).select_from(joined).where(_leaf.seq >= _given(_leaf.seq)).order_by(_leaf.seq)
        self.lines = text(_limited(lines))
        leaves = select(_leaf.seq, _leaf.time, _leaf.request_id, _leaf.number, _leaf.commitment)
        self.leaves = text(_limited(leaves.where(_leaf.seq >= _given(_leaf.seq)).order_by(_leaf.seq)))
        newer = select(_leaf.seq).where(_leaf.time >= _given(_leaf.time)).order_by(_leaf.seq)
        self.written_from = text(_limited(newer))
        self.oldest_record = text(_limited(select(_record.seq).order_by(_record.seq)))
        self.delete_records = text(delete(log_record).where(_record.seq < _given(_record.seq)))
        self.delete_index = text(delete(log_index).where(log_index.c.seq < _given(_record.seq)))
        self.indexed_below = text(select(func.coalesce(func.max(log_index.c.seq) + literal_column("1"), _ZERO)))
        names = [column.name for column in log_index.c]
        fresh = select(*(_record[name] for name in names)).where(_record.seq >= _given(_record.seq))
        self.index = text(insert(log_index).from_select(names, _limited(fresh.order_by(_record.seq))))
        self._prepare_notes()
        self.feed = text(select(log_feed.c.next).where(log_feed.c.name == _given(log_feed.c.name)))
        self.add_feed = text(insert(log_feed).values(name=_given(log_feed.c.name), next=_given(log_feed.c.next)))
        self.set_feed = text(
            update(log_feed).values(next=_given(log_feed.c.next)).where(log_feed.c.name == _given(log_feed.c.name))
        )

    def _prepare_notes(self) -> None:
        note = log_checkpoint.c
        self.notes = self._text(select(log_checkpoint).where(note.size >= _given(note.size)).order_by(note.size))
        self.newest_note = self._text(_limited(select(log_checkpoint).order_by(note.size.desc())))
        anchored = select(log_checkpoint).where(note.anchored.is_not(None)).order_by(note.size.desc())
        self.newest_anchored = self._text(_limited(anchored))
        self.add_note = self._text(
            insert(log_checkpoint).values({name: _given(note[name]) for name in ("size", "time", "note")})
        )
        self.set_anchored = self._text(
            update(log_checkpoint).values(anchored=_given(note.anchored)).where(note.size == _given(note.size))
        )

    def _find(self, fields: tuple[str, ...], indexed: bool) -> str:
        """Select the records from a seq on and below another that these fields of a selection ask for, in order."""
        joined = log_record.join(log_leaf, _leaf.seq == _record.seq)
        columns, seq = {column.name: column for column in _record}, _record.seq
        if indexed:
            joined = joined.join(log_index, log_index.c.seq == _record.seq)
            seq = log_index.c.seq
            columns |= {column.name: column for column in log_index.c}
        statement = select(*_KEPT).select_from(joined).where(*(_asks(columns, field) for field in fields))
        return self._text(_limited(statement.where(seq >= _given(seq), seq < _given(seq)).order_by(seq)))


def _asks(columns: Mapping[str, ColumnElement], field: str) -> ColumnElement[bool]:
    started = columns["started"]
    if field == "started_from":
        return started >= _given(started)
    if field == "started_below":
        return started < _given(started)
    return columns[field] == _given(columns[field])


def _given(column: ColumnElement) -> ColumnElement:
    return bindparam(None, type_=column.type)


def _limited(statement: Select) -> Select:
    """SQLAlchemy would give SQLite a parameter for the offset as well, were it not spelled out."""
    return statement.limit(bindparam(None, type_=_leaf.number.type)).offset(_ZERO)
