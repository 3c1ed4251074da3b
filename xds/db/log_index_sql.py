"""The statements of the log's index, as text."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, literal_column, select
from sqlalchemy.sql.base import Executable

from xds.db.lists import Lists
from xds.db.log_schema import log_column, log_leaf, log_record, log_term

_column, _term, _record, _leaf = log_column.c, log_term.c, log_record.c, log_leaf.c
KEPT = (
    _leaf.seq, _leaf.time, _leaf.request_id, _leaf.number, _leaf.commitment, _leaf.chain, _record.salt, _record.payload,
)  # fmt: skip
_FACTS = ("seq", "started", "patient", "employee", "organisation", "action", "outcome", "emergency", "transaction",
          "payload")  # fmt: skip


class LogIndexStatements:
    """`text` compiles for the database; parameters are positional."""

    def __init__(self, text: Callable[[Executable], str], lists: Lists):
        self._text = text
        self.lists = lists
        self.codes = lru_cache(32)(self._codes)
        self.terms = lru_cache(32)(self._terms)
        self.kept = lru_cache(32)(self._kept)
        of = _column.dimension == given(_column.dimension)
        within = _column.first >= given(_column.first), _column.first <= given(_column.first)
        self.columns = text(select(_column.content).where(of, *within).order_by(_column.first))
        segments = select(_column.first, _column.size).where(_column.dimension == literal_column("0"))
        self.segments = text(segments.order_by(_column.first))
        self.last_segment = text(limited(segments.order_by(_column.first.desc())))
        self.add_column = text(insert(log_column).values({each.name: given(each) for each in _column}))
        self.delete_segment = text(delete(log_column).where(_column.first == given(_column.first)))
        facts = select(*(_record[name] for name in _FACTS))
        from_seq = facts.where(_record.seq >= given(_record.seq)).order_by(_record.seq)
        below = facts.where(_record.seq >= given(_record.seq), _record.seq < given(_record.seq))
        self.facts = text(limited(from_seq))
        self.facts_below = text(limited(below.order_by(_record.seq.desc())))
        of = _term.dimension == given(_term.dimension)
        free = func.coalesce(func.max(_term.code) + literal_column("1"), literal_column("0"))
        self.number = text(select(_leaf.number).where(_leaf.seq == given(_leaf.seq)))
        self.free_code = text(select(free).where(of))
        self.add_term = text(insert(log_term).values({each.name: given(each) for each in _term}))
        self.values = text(select(_term.value, _term.code).where(of))
        self.labels = text(select(_term.value, _term.label).where(of))
        self.all_codes = text(select(_term.code).where(of))
        self.delete_term = text(delete(log_term).where(of, _term.code == given(_term.code)))

    def _codes(self, length_class: int) -> str:
        """Select the codes of values of a dimension."""
        among = self.lists.among(_term.value, length_class)
        return self._text(select(_term.value, _term.code).where(_term.dimension == given(_term.dimension), among))

    def _terms(self, length_class: int) -> str:
        """Select what codes of a dimension mean."""
        among = self.lists.among(_term.code, length_class)
        columns = select(_term.code, _term.value, _term.label)
        return self._text(columns.where(_term.dimension == given(_term.dimension), among))

    def _kept(self, length_class: int) -> str:
        """Select the lines of these seqs that have a payload."""
        joined = log_record.join(log_leaf, _leaf.seq == _record.seq)
        among = self.lists.among(_record.seq, length_class)
        return self._text(select(*KEPT).select_from(joined).where(among).order_by(_record.seq))


def given(column: ColumnElement) -> ColumnElement:
    return bindparam(None, type_=column.type)


def limited(statement: Select) -> Select:
    """SQLAlchemy would give SQLite a parameter for the offset as well, were it not spelled out."""
    return statement.limit(bindparam(None, type_=_leaf.number.type)).offset(literal_column("0"))
