"""The auditors and the sessions of the pages: what is asked of them and what changes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from xds.db.session import Session as Connection
from xds.db.viewer_sql import AUDITOR, SESSION, ViewerStatements
from xds.model.viewer import Attempts, Auditor, Relation, Role, Session, Visit


class ReadViewers:
    """The port `ViewerReader`."""

    def __init__(self, connection: Connection, statements: ViewerStatements):
        self._connection = connection
        self._sql = statements

    def auditors(self) -> list[Auditor]:
        return [_auditor(row) for row in self._connection.rows(self._sql.auditors)]

    def auditor_with(self, certificate: str) -> Auditor | None:
        return self._one(self._sql.by_certificate, bytes.fromhex(certificate))

    def auditor_known_as(self, subject: str) -> Auditor | None:
        return self._one(self._sql.by_subject, subject)

    def attempts(self, auditor: int) -> Attempts:
        ((step, failures, locked_until),) = self._connection.rows(self._sql.attempts, (auditor,))
        return Attempts(step, failures, _moment(locked_until))

    def session(self, token: bytes) -> Session | None:
        return next((_session(row) for row in self._connection.rows(self._sql.session, (token,))), None)

    def sessions(self, now: datetime) -> list[Session]:
        return [_session(row) for row in self._connection.rows(self._sql.sessions, (_seconds(now),))]

    def _one(self, sql: str, value: Any) -> Auditor | None:
        return next((_auditor(row) for row in self._connection.rows(sql, (value,))), None)


class WriteViewers(ReadViewers):
    """The port `ViewerWriter`."""

    def add_auditor(self, new: Auditor) -> int:
        row = (
            new.account,
            new.name,
            new.role,
            new.organisation,
            _bytes(new.certificate),
            new.subject,
            new.secret,
            int(new.suspended),
        )
        ((number,),) = self._connection.rows(self._sql.add, row)
        return number

    def suspend_auditor(self, auditor: int, suspended: bool) -> bool:
        return bool(self._connection.run(self._sql.suspend, (int(suspended), auditor)))

    def set_secret(self, auditor: int, secret: bytes) -> bool:
        return bool(self._connection.run(self._sql.set_secret, (secret, auditor)))

    def set_certificate(self, auditor: int, certificate: str) -> bool:
        return bool(self._connection.run(self._sql.set_certificate, (bytes.fromhex(certificate), auditor)))

    def set_attempts(self, auditor: int, attempts: Attempts) -> None:
        row = (attempts.step, attempts.failures, _seconds(attempts.locked_until), auditor)
        self._connection.run(self._sql.set_attempts, row)

    def begin_session(self, token: bytes, new: Session) -> int:
        visit = new.visit
        row = (
            token,
            None if new.auditor is None else new.auditor.id,
            None if visit is None else visit.participant,
            None if visit is None else visit.patient,
            None if visit is None else visit.relation,
            None if visit is None else visit.actor,
            _bytes(new.certificate),
            new.assurance,
            *map(_seconds, (new.began, new.seen, new.ends)),
        )
        ((number,),) = self._connection.rows(self._sql.begin, row)
        return number

    def touch_session(self, number: int, now: datetime) -> None:
        self._connection.run(self._sql.touch, (_seconds(now), number))

    def end_session(self, number: int) -> bool:
        return bool(self._connection.run(self._sql.end, (number,)))

    def end_sessions_of(self, auditor: int) -> int:
        return self._connection.run(self._sql.end_of_auditor, (auditor,))

    def forget_sessions(self, now: datetime, seen_before: datetime) -> None:
        self._connection.run(self._sql.forget, (_seconds(now), _seconds(seen_before)))


def _auditor(row: Sequence[Any]) -> Auditor:
    number, account, name, role, organisation, certificate, subject, secret, suspended = row
    return Auditor(
        number, account, name, Role(role), organisation, _hex(certificate), subject,
        None if secret is None else bytes(secret), bool(suspended),
    )  # fmt: skip


def _session(row: Sequence[Any]) -> Session:
    """A row of a session, its auditor and its portal; of a portal that is suspended there is no visit."""
    number, certificate, assurance, began, seen, ends, patient, relation, actor = row[: len(SESSION)]
    of_auditor = row[len(SESSION) : len(SESSION) + len(AUDITOR)]
    portal, ura, name, suspended = row[len(SESSION) + len(AUDITOR) :]
    visit = None
    if portal is not None and not suspended:
        visit = Visit(patient, Relation(relation), bytes(actor), portal, ura, name)
    return Session(
        number,
        _hex(certificate),
        assurance,
        *map(_moment, (began, seen, ends)),
        auditor=None if of_auditor[0] is None else _auditor(of_auditor),
        visit=visit,
    )


def _hex(fingerprint: Any) -> str | None:
    return None if fingerprint is None else bytes(fingerprint).hex()


def _bytes(fingerprint: str | None) -> bytes | None:
    return None if fingerprint is None else bytes.fromhex(fingerprint)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
