"""Selections as SQL: a statement is built once for each shape of selection, and only filled in afterwards.

A shape says which fields of a selection are set and how long their lists are, not what they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    insert,
    literal_column,
    null,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.base import Executable

from xds.db import schema
from xds.db.consent_tables import ConsentStatements
from xds.db.desk_sql import DeskStatements
from xds.db.hint_sql import HintStatements
from xds.db.kinds import KINDS, Criterion, Kind, Test
from xds.db.lists import Lists
from xds.db.log_sql import LogStatements
from xds.db.participant_sql import ParticipantStatements
from xds.db.viewer_sql import ViewerStatements

Shape = tuple[tuple[str, int], ...]
"""The set fields of a selection, by name, each with the length class of its list (1 for a single value)."""


class Insertion(NamedTuple):
    """The statements that add rows of a table and that rewrite them by uuid.

    `update` takes the values of the row from `fixed` on, then its uuid.
    """

    insert: str
    update: str
    fixed: int


class Statements:
    """The SQL of one database, as text with positional parameters."""

    def __init__(self, dialect: Dialect, lists: Lists):
        self._dialect = dialect
        self.lists = lists
        self.selecting = lru_cache(maxsize=512)(self._selecting)
        self.taken = lru_cache(maxsize=128)(self._taken)
        self.holdings = lru_cache(maxsize=32)(self._holdings)
        self.release = lru_cache(maxsize=32)(self._release)
        self.insertions = {kind.table: self._insertion(kind) for kind in KINDS}
        self._prepare_patients()
        self._prepare_codes()
        self.log = LogStatements(self.text, lists)
        self.viewers = ViewerStatements(self.text)
        self.desk = DeskStatements(self.text)
        self.hints = HintStatements(self.text, lists, lambda table: _upsert(table, dialect.name))
        self.participants = ParticipantStatements(self.text, lambda table: _upsert(table, dialect.name))
        self.consents = ConsentStatements(self.text, lambda table: _upsert(table, dialect.name), lists.among)
        held = schema.document
        self.hold = self.text(_upsert(held, dialect.name).on_conflict_do_nothing(index_elements=["unique_id"]))
        after = select(held).where(held.c.unique_id > bindparam(None, type_=Text)).order_by(held.c.unique_id)
        self.holdings_after = self.text(_limited(after))

    def _prepare_patients(self) -> None:
        patient = schema.patient
        by_cx = patient.c.cx == bindparam(None, type_=Text)
        self.patient = self.text(select(patient.c.id).where(by_cx, patient.c.merged_into.is_(None)))
        after = select(patient.c.cx).where(patient.c.merged_into.is_(None), patient.c.cx > bindparam(None, type_=Text))
        self.patients_after = self.text(_limited(after.order_by(patient.c.cx)))
        self.patient_row = self.text(select(patient.c.id, patient.c.merged_into).where(by_cx))
        self.add_patient = self.text(insert(patient).values(cx=bindparam(None, type_=Text)).returning(patient.c.id))
        self.merge_patient = self.text(
            update(patient).values(merged_into=_one("to")).where(patient.c.id == _one("from"))
        )
        self.moves = {
            kind.name: (
                self.text(select(*kind.columns).where(kind.table.c.patient == _one()).order_by(kind.table.c.id)),
                self.text(update(kind.table).values(patient=_one("to")).where(kind.table.c.patient == _one("from"))),
            )
            for kind in KINDS
            if "patient" in kind.table.c
        }

    def _prepare_codes(self) -> None:
        code = schema.code
        self.codes_after = self.text(select(code).where(code.c.id > _one()).order_by(code.c.id))
        self.add_code = self.text(
            insert(code)
            .values(code=bindparam(None, type_=Text), scheme=bindparam(None, type_=Text))
            .returning(code.c.id)
        )

    def text(self, statement: Executable) -> str:
        return str(statement.compile(dialect=self._dialect))

    def _selecting(self, kind: Kind, shape: Shape, extra: tuple[str, ...], limited: bool) -> str:
        """Select a kind's columns, the `extra` ones and the id; its parameters are those of the shape, in order.

        Rows come in any order: a database would copy their fragments to sort them, and its caller only moves them.
        """
        criteria = {criterion.field: criterion for criterion in kind.criteria}
        statement = select(*kind.columns, *(kind.table.c[name] for name in extra), kind.table.c.id)
        for field, length_class in shape:
            statement = statement.where(self._clause(criteria[field], length_class))
        return self.text(_limited(statement) if limited else statement)

    def _clause(self, criterion: Criterion, length_class: int) -> ColumnElement[bool]:
        test, columns = criterion.test, criterion.columns
        match test:
            case Test.PATIENT:
                patient = schema.patient
                known = patient.c.cx == bindparam(None, type_=Text)
                key = select(patient.c.id).where(known, patient.c.merged_into.is_(None)).scalar_subquery()
                return columns[0] == key
            case Test.FROM:
                return columns[0] >= bindparam(None, type_=columns[0].type)
            case Test.BELOW:
                return columns[0] < bindparam(None, type_=columns[0].type)
            case Test.LOGICAL_IDS:
                logical_id, uuid = columns
                same = and_(logical_id.is_(None), self.lists.among(uuid, length_class))
                return or_(self.lists.among(logical_id, length_class), same)
            case _:
                return or_(*(self.lists.among(column, length_class) for column in columns))

    def _taken(self, uuids: int | None, unique_ids: int | None) -> str:
        """Select (uuid, unique_id) of the objects with these; each argument is a length class, None for no list."""
        found: list[Select] = []
        for kind in KINDS:
            columns = kind.table.c
            if uuids is not None:
                nothing = null().cast(Text).label("unique_id")
                found.append(select(columns.uuid, nothing).where(self.lists.among(columns.uuid, uuids)))
            if unique_ids is not None and kind.table in (schema.submission_set, schema.folder):
                nothing = null().cast(columns.uuid.type).label("uuid")
                by_unique_id = self.lists.among(columns.unique_id, unique_ids)
                found.append(select(nothing, columns.unique_id).where(by_unique_id))
        return self.text(union_all(*found))

    def _holdings(self, length_class: int) -> str:
        unique_id = schema.document.c.unique_id
        return self.text(select(schema.document).where(self.lists.among(unique_id, length_class)).order_by(unique_id))

    def _release(self, length_class: int) -> str:
        return self.text(delete(schema.document).where(self.lists.among(schema.document.c.unique_id, length_class)))

    def _insertion(self, kind: Kind) -> Insertion:
        columns: Sequence[Column] = [column for column in kind.table.c if column.name != "id"]
        fixed = next(place for place, column in enumerate(columns) if column.name == kind.first_mutable)
        adding = insert(kind.table).values({column.name: bindparam(None, type_=column.type) for column in columns})
        values = {column.name: bindparam(None, type_=column.type) for column in columns[fixed:]}
        uuid = kind.table.c.uuid
        rewriting = update(kind.table).values(values).where(uuid == bindparam(None, type_=uuid.type))
        return Insertion(self.text(adding), self.text(rewriting), fixed)


def _one(name: str | None = None) -> ColumnElement[int]:
    return bindparam(name, type_=Integer)


def _limited(statement: Select) -> Select:
    """SQLAlchemy would give SQLite a parameter for the offset as well, were it not spelled out."""
    return statement.limit(_one()).offset(literal_column("0"))


def _upsert(table: Any, dialect_name: str) -> Any:
    if dialect_name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as upsert
    else:
        from sqlalchemy.dialects.postgresql import insert as upsert
    return upsert(table).values({column.name: bindparam(None, type_=column.type) for column in table.c})
