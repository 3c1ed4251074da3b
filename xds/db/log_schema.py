"""The tables of the log.

log_head        one row: the state after the last record
log_leaf        seq → what the tree and the chain commit to; rows are only ever added
log_record      seq → salt, payload, and what a record is found by; deleted after its term
log_term        (dimension, code) → what a record is found by, and how people call it; deleted with its last record
log_column      (dimension, first) → the codes of `size` records from seq `first` on, as an array of small numbers
log_subtree     number → the root over 1024 leaves, from seq 1024 × number on
log_checkpoint  size → signed note, and when it was anchored
log_feed        name of a feed → the seq that it will send next
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, SmallInteger, Table, Text, UniqueConstraint

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

log_term = Table(
    "log_term",
    metadata,
    Column("dimension", SmallInteger, primary_key=True, autoincrement=False),
    Column("code", Integer, primary_key=True, autoincrement=False),
    Column("value", Text, nullable=False),
    Column("label", Text, nullable=False),
    UniqueConstraint("dimension", "value"),
)

log_column = Table(
    "log_column",
    metadata,
    Column("dimension", SmallInteger, primary_key=True, autoincrement=False),
    Column("first", Key, primary_key=True, autoincrement=False),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

log_subtree = Table(
    "log_subtree",
    metadata,
    Column("number", Key, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
)

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
