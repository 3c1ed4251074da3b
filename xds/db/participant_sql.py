"""The tables of the participant register and of the assertions that were used, and the SQL on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.sql.base import Executable

from xds.db.schema import metadata

participant = Table(
    "participant",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ura", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source_ids", Text, nullable=False),  # separated by blanks
    Column("connected_since", Text, nullable=False),  # dates as ISO 8601 writes them
    Column("nen7510", Text),
    Column("nen7512", Text),
    Column("nen7513", Text),
    Column("suspended", SmallInteger, nullable=False),
    Column("repository", Text),  # of a repository that passes requests on: its repositoryUniqueId
)
participant_certificate = Table(
    "participant_certificate",
    metadata,
    Column("fingerprint", LargeBinary, primary_key=True),
    Column("participant", Integer, ForeignKey("participant.id"), nullable=False),
    Column("expires", BigInteger),  # null where it was added before this was kept
    sqlite_with_rowid=False,
)
used_assertion = Table(
    "used_assertion",
    metadata,
    Column("assertion", LargeBinary, primary_key=True),
    Column("participant", Integer, ForeignKey("participant.id"), nullable=False),
    Column("expires", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index("used_assertion_expires", used_assertion.c.expires)

_NORMS = ("nen7510", "nen7512", "nen7513")


class ParticipantStatements:
    """The SQL of this module as text; `text` compiles it, `upsert` makes an INSERT that can skip a conflict."""

    def __init__(self, text: Callable[[Executable], str], upsert: Callable[[Table], Any]):
        of, certificate, used = participant.c, participant_certificate.c, used_assertion.c
        known = (certificate.fingerprint, certificate.expires)
        listed = select(participant, *known).join_from(participant, participant_certificate)
        self.find = text(listed.where(certificate.fingerprint == _value(certificate.fingerprint)))
        self.all = text(listed.order_by(of.id, certificate.fingerprint))
        added = {column.name: _value(column) for column in participant.c if column.name != "id"}
        self.add = text(insert(participant).values(added).returning(of.id))
        self.suspend = text(update(participant).values(suspended=_value(of.suspended)).where(of.id == _value(of.id)))
        sources = {"source_ids": _value(of.source_ids)}
        self.set_source_ids = text(update(participant).values(sources).where(of.id == _value(of.id)))
        forwards = {"repository": _value(of.repository)}
        self.set_repository = text(update(participant).values(forwards).where(of.id == _value(of.id)))
        norms = {name: _value(of[name]) for name in _NORMS}
        self.set_norms = text(update(participant).values(norms).where(of.id == _value(of.id)))
        self.add_certificate = text(insert(participant_certificate).values(_values(participant_certificate)))
        self.remove_certificate = text(
            delete(participant_certificate).where(
                certificate.participant == _value(certificate.participant),
                certificate.fingerprint == _value(certificate.fingerprint),
            )
        )
        self.claim = text(upsert(used_assertion).on_conflict_do_nothing(index_elements=["assertion"]))
        self.owner = text(select(used.participant).where(used.assertion == _value(used.assertion)))
        self.forget = text(delete(used_assertion).where(used.expires < _value(used.expires)))


def _value(column: Column) -> Any:
    return bindparam(None, type_=column.type)


def _values(table: Table) -> dict[str, Any]:
    return {column.name: _value(column) for column in table.c}
