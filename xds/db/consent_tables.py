"""The consent register's tables, and its SQL.

Rows are only ever added: a word of a client, a relation or a notice is followed by a newer one, never changed. What
moves them is the merge of two patients, as it moves everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.sql.base import Executable

from xds.db.schema import Key, metadata, patient


def _patient() -> Column:
    return Column("patient", Integer, ForeignKey("patient.id"), nullable=False)


consent = Table(
    "consent",
    metadata,
    Column("id", Key, primary_key=True),
    _patient(),
    Column("holder", Text, nullable=False),  # a scope, as kind:code
    Column("category", Text, nullable=False),  # "": every category of data
    Column("consumer", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger),
    Column("given_by", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("in_emergency", SmallInteger, nullable=False),
)
Index("consent_subject", *(consent.c[name] for name in ("patient", "holder", "category", "consumer", "id")))

treatment_relation = Table(
    "treatment_relation",
    metadata,
    Column("id", Key, primary_key=True),
    _patient(),
    Column("ura", Text, nullable=False),
    Column("ground", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
)
Index("treatment_relation_ura", *(treatment_relation.c[name] for name in ("patient", "ura", "id")))

emergency = Table(
    "emergency",
    metadata,
    Column("id", Key, primary_key=True),
    _patient(),
    Column("person", Text, nullable=False),
    Column("ura", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("assertion_id", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
)
Index("emergency_patient", emergency.c.patient)
Index("emergency_opened_at", emergency.c.opened_at)

notice = Table(
    "notice",
    metadata,
    Column("id", Key, primary_key=True),
    _patient(),
    Column("category", Text, nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    Column("recorded_by", Text, nullable=False),
)
Index("notice_patient", notice.c.patient)

joined_kind = Table(
    "joined_kind",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("joined_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

policy_in_force = Table(
    "policy_in_force",
    metadata,
    Column("id", Key, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),  # of the policy's file; empty: there was none
)

OWNED = (consent, treatment_relation, emergency, notice)
"""The tables with rows of a patient."""

_WORD = (
    "id", "holder", "category", "consumer", "decision", "since", "until", "given_by", "channel", "recorded_by",
    "recorded_at", "in_emergency",
)  # fmt: skip
_RELATION = ("id", "ura", "ground", "since", "until")
_EMERGENCY = ("person", "ura", "reason", "assertion_id", "opened_at")
# The columns of each table that are read, in order.

Among = Callable[[ColumnElement, int], ColumnElement[bool]]


class ConsentStatements:
    """The SQL of the consent register as text.

    `text` compiles it, `upsert` makes an INSERT that can skip a conflict, `among` says that a column is one of a list.
    """

    def __init__(self, text: Callable[[Executable], str], upsert: Callable[[Table], Any], among: Among):
        self._text = text
        self._among = among
        self.clients = lru_cache(maxsize=32)(self._clients)
        words = select(*_named(consent, _WORD)).where(_is(consent.c.patient))
        self.versions = text(words.order_by(consent.c.id))
        self.newest = text(words.where(_is_newest(consent, "holder", "category", "consumer")))
        of = consent.c.patient
        clients = select(of).where(of > _value(of)).distinct().order_by(of).limit(_value(of))
        self.clients_after = text(clients.offset(literal_column("0")))
        relation = select(*_named(treatment_relation, _RELATION))
        is_newest_relation = _is_newest(treatment_relation, "ura")
        self.relations = text(relation.where(_is(treatment_relation.c.patient), is_newest_relation))
        of_client = _is(treatment_relation.c.patient)
        recorded = relation.add_columns(treatment_relation.c.recorded_at).where(of_client)
        self.relation_versions = text(recorded.order_by(treatment_relation.c.id))
        opened = emergency.c.opened_at
        of_client = select(*_named(emergency, _EMERGENCY)).where(_is(emergency.c.patient))
        self.emergencies_of = text(of_client.order_by(emergency.c.id))
        emergencies = select(patient.c.cx, *_named(emergency, _EMERGENCY))
        between = opened >= _value(opened), opened < _value(opened)
        self.emergencies = text(emergencies.join_from(emergency, patient).where(*between).order_by(emergency.c.id))
        told = select(notice.c.category, func.max(notice.c.sent_at)).where(_is(notice.c.patient))
        self.informed = text(told.group_by(notice.c.category))
        self.joined = text(select(joined_kind.c.kind, joined_kind.c.joined_at))
        self.add = {table: text(_insertion(table)) for table in OWNED}
        self.move = [text(update(table).values(patient=_value(of)).where(_is(table.c.patient))) for table in OWNED]
        self.join = text(upsert(joined_kind).on_conflict_do_nothing(index_elements=["kind"]))
        rules = policy_in_force.c
        self.policies = text(select(rules.since, rules.content).order_by(rules.id))
        self.newest_policy = text(select(rules.content).where(rules.id == select(func.max(rules.id)).scalar_subquery()))
        self.add_policy = text(_insertion(policy_in_force))
        self.birth_date = text(select(patient.c.birth_date).where(_is(patient.c.id)))
        born = {"birth_date": _value(patient.c.birth_date)}
        kept = {"consent_facts": _value(patient.c.consent_facts)}
        self.keep = text(update(patient).values(kept).where(_is(patient.c.id)))
        self.set_birth_date = text(update(patient).values(born).where(_is(patient.c.id)))

    def _clients(self, length_class: int) -> str:
        """Select for each of some patients what is known of them, and how many kinds of organisations have joined."""
        kinds = select(func.count()).select_from(joined_kind).scalar_subquery()
        clients = select(patient.c.id, patient.c.cx, patient.c.birth_date, patient.c.consent_facts, kinds)
        return self._text(clients.where(self._among(patient.c.id, length_class)))


def _named(table: Table, names: Iterable[str]) -> list[ColumnElement]:
    return [table.c[name] for name in names]


def _is_newest(table: Table, *subject: str) -> ColumnElement[bool]:
    """That no later row of the same patient is on the same subject."""
    later = table.alias("later")
    same = [later.c[name] == table.c[name] for name in ("patient", *subject)]
    return ~exists().where(*same, later.c.id > table.c.id)


def _value(column: ColumnElement) -> ColumnElement:
    return bindparam(None, type_=column.type)


def _is(column: ColumnElement) -> ColumnElement[bool]:
    return column == _value(column)


def _insertion(table: Table) -> Any:
    """Add a row and answer its number; its columns in the table's order, without the number."""
    values = {column.name: _value(column) for column in table.c if column.name != "id"}
    return insert(table).values(values).returning(table.c.id)
