"""The tables of who looks at the pages, and the SQL on them."""

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
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.base import Executable

from xds.db.participant_sql import participant
from xds.db.schema import Key, metadata

auditor = Table(
    "auditor",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("organisation", Text),  # a URA; null: the whole exchange
    Column("certificate", LargeBinary, unique=True),
    Column("subject", Text, unique=True),
    Column("secret", LargeBinary),
    Column("suspended", SmallInteger, nullable=False),
    Column("step", BigInteger, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until", BigInteger, nullable=False, server_default="0"),
)

page_session = Table(
    "page_session",
    metadata,
    Column("id", Key, primary_key=True),
    Column("token", LargeBinary, nullable=False, unique=True),  # SHA-256 of what the browser keeps
    Column("auditor", Integer, ForeignKey("auditor.id")),
    Column("participant", Integer, ForeignKey("participant.id")),
    Column("patient", Text),
    Column("relation", Text),
    Column("actor", LargeBinary),
    Column("certificate", LargeBinary),
    Column("assurance", SmallInteger, nullable=False),
    Column("began", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
)
Index("page_session_ends", page_session.c.ends)

AUDITOR = ("id", "account", "name", "role", "organisation", "certificate", "subject", "secret", "suspended")
"""The columns of an auditor, as a row has them."""
SESSION = ("id", "certificate", "assurance", "began", "seen", "ends", "patient", "relation", "actor")
PORTAL = ("id", "ura", "name", "suspended")


class ViewerStatements:
    """The SQL of this module as text; `text` compiles it."""

    def __init__(self, text: Callable[[Executable], str]):
        of, session = auditor.c, page_session.c
        wanted = [of[name] for name in AUDITOR]
        self.auditors = text(select(*wanted).order_by(of.account))
        self.by_certificate = text(select(*wanted).where(of.certificate == _value(of.certificate)))
        self.by_subject = text(select(*wanted).where(of.subject == _value(of.subject)))
        self.add = text(insert(auditor).values({name: _value(of[name]) for name in AUDITOR[1:]}).returning(of.id))
        self.suspend = text(update(auditor).values(suspended=_value(of.suspended)).where(of.id == _value(of.id)))
        attempts = ("step", "failures", "locked_until")
        self.attempts = text(select(*(of[name] for name in attempts)).where(of.id == _value(of.id)))
        self.set_attempts = text(
            update(auditor).values({name: _value(of[name]) for name in attempts}).where(of.id == _value(of.id))
        )
        secret = {"secret": _value(of.secret)} | dict.fromkeys(attempts, literal_column("0"))
        certificate = {"certificate": _value(of.certificate)}
        self.set_certificate = text(update(auditor).values(certificate).where(of.id == _value(of.id)))
        self.set_secret = text(update(auditor).values(secret).where(of.id == _value(of.id)))
        self.sessions = text(self._sessions().where(session.ends > _value(session.ends)).order_by(session.id))
        self.session = text(self._sessions().where(session.token == _value(session.token)))
        begun = ("token", "auditor", "participant", "patient", "relation", "actor", "certificate", "assurance")
        self.begin = text(
            insert(page_session)
            .values({name: _value(session[name]) for name in (*begun, "began", "seen", "ends")})
            .returning(session.id)
        )
        self.touch = text(
            update(page_session).values(seen=_value(session.seen)).where(session.id == _value(session.id))
        )
        self.end = text(delete(page_session).where(session.id == _value(session.id)))
        self.forget = text(
            delete(page_session).where(or_(session.ends < _value(session.ends), session.seen < _value(session.seen)))
        )
        self.end_of_auditor = text(delete(page_session).where(session.auditor == _value(session.auditor)))

    def _sessions(self) -> Any:
        wanted = [page_session.c[name] for name in SESSION]
        wanted += [auditor.c[name] for name in AUDITOR] + [participant.c[name] for name in PORTAL]
        joined = page_session.outerjoin(auditor, auditor.c.id == page_session.c.auditor).outerjoin(
            participant, participant.c.id == page_session.c.participant
        )
        return select(*wanted).select_from(joined)


def _value(column: Column) -> Any:
    return bindparam(None, type_=column.type)
