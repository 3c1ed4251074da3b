"""The tables of the log.

log_head        one row: the state after the last record
log_leaf        seq → what the tree and the chain commit to; rows are only ever added
log_record      seq → salt, payload, and what a record is found by; deleted after its term
log_checkpoint  size → signed note, and when it was anchored
log_feed        name of a feed → the seq that it will send next
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from xds.db.schema import Key, metadata

log_head = Table(
    "log_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Column("edge", LargeBinary, nullable=False),
)

log_leaf = Table(
    "log_leaf",
    metadata,
    Column("seq", Key, primary_key=True, autoincrement=False),
    Column("time", BigInteger, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    UniqueConstraint("request_id", "number"),
)

log_record = Table(
    "log_record",
    metadata,
    Column("seq", Key, primary_key=True, autoincrement=False),
    Column("salt", LargeBinary, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("patient", LargeBinary),
    Column("employee", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("outcome", SmallInteger, nullable=False),
    Column("transaction", Text, nullable=False),
    Column("emergency", Boolean, nullable=False),
)

log_index = Table(
    "log_index",
    metadata,
    Column("seq", Key, primary_key=True, autoincrement=False),
    Column("started", BigInteger, nullable=False),
    Column("patient", LargeBinary),
    Column("employee", Text, nullable=False),
    Column("organisation", Text, nullable=False),
)
_has_patient = log_index.c.patient.is_not(None)
Index("log_index_started", log_index.c.started)
Index(
    "log_index_patient",
    log_index.c.patient,
    log_index.c.seq,
    sqlite_where=_has_patient,
    postgresql_where=_has_patient,
)
Index("log_index_employee", log_index.c.employee, log_index.c.seq)
Index("log_index_organisation", log_index.c.organisation, log_index.c.seq)

log_checkpoint = Table(
    "log_checkpoint",
    metadata,
    Column("size", Key, primary_key=True, autoincrement=False),
    Column("time", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("anchored", BigInteger),
)

log_feed = Table(
    "log_feed",
    metadata,
    Column("name", Text, primary_key=True),
    Column("next", BigInteger, nullable=False),
)
