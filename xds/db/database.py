"""The port `Index`, and the way to open one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from xds.db.codes import CommittedCodes, ReadCodes
from xds.db.group import GroupCommit
from xds.db.reader import Reader
from xds.db.revision import check_revision, upgrade
from xds.db.session import Backend, Session
from xds.db.writer import Writer
from xds.errors import Misconfigured, Unavailable
from xds.model.stored import Holding
from xds.ports import Claim

T = TypeVar("T")

_READING_THREADS = 4


def open_database(url: str, *, create: bool = False, rarely_written: bool = False) -> Database:
    """Open the database at `sqlite:///path` or `postgresql://user@host/name`.

    `create` makes it where there is none (on PostgreSQL the tables only) and brings it to this version's
    schema. `rarely_written` makes reads of an SQLite file quicker that is not written between them, and the first read
    after a write slower. Misconfigured when there is none, or when its schema is of another version. Open it after
    a fork.
    """
    backend = _backend(url, rarely_written)
    if create:
        backend.create()
        upgrade(backend)
    database = Database(backend)
    try:
        database.check_revision()
    except BaseException:
        database.close()
        raise
    return database


def _backend(url: str, rarely_written: bool) -> Backend:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Misconfigured("database: expected sqlite:///path or postgresql://user@host/name") from None
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        from xds.db.sqlite import Sqlite

        return Sqlite(parsed, mapped=rarely_written)
    if kind in ("postgresql", "postgres"):
        from xds.db.postgres import Postgres

        return Postgres(parsed)
    raise Misconfigured("database: expected sqlite:///path or postgresql://user@host/name")


class Database:
    """The index of the registry and the list of holdings of the repository."""

    def __init__(self, backend: Backend):
        self._backend = backend
        self._codes = CommittedCodes()
        self._group = GroupCommit(backend, self._codes)
        self._kept = threading.local()
        self._sessions: list[Session] = []
        self._threads = None if backend.inline else ThreadPoolExecutor(_READING_THREADS, "xds-read")

    async def read(self, question: Callable[[Reader], T]) -> T:
        """Run `question` against one snapshot; it may be run twice when the connection was lost meanwhile."""
        if self._threads is None:
            return self.read_now(question)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.read_now, question)

    async def write(self, change: Callable[[Writer], T]) -> T:
        """Run `change` in a write transaction; what it raises undoes it, and it alone."""
        return await self._group.submit(change)

    def submit(self, change: Callable[[Writer], T]) -> asyncio.Future[T]:
        """Like `write`, for a caller on an event loop who does something else meanwhile."""
        return self._group.submit(change)

    def read_now(self, question: Callable[[Reader], T]) -> T:
        """Like `read`, in this thread."""
        return self._ask(lambda session, reader: question(reader))

    def write_now(self, change: Callable[[Writer], T]) -> T:
        """Like `write`, for a thread without an event loop."""
        return self._group.write_now(change)

    def claim(self) -> Claim | None:
        """The claim to seal and feed the log and to sweep the documents; None while another process has it.

        Unavailable when the database can't be reached.
        """
        return self._backend.claim()

    async def check(self) -> None:
        """Raise Misconfigured when the schema is of another version, Unavailable when it can't be written."""
        if self._threads is None:
            self.check_revision()
        else:
            await asyncio.get_running_loop().run_in_executor(self._threads, self.check_revision)
        await self.write(lambda writer: None)

    def check_now(self) -> None:
        """Like `check`, for a thread without an event loop."""
        self.check_revision()
        self.write_now(lambda writer: None)

    async def holdings_after(self, unique_id: str, limit: int) -> list[Holding]:
        """At most `limit` holdings in order of uniqueId, after `unique_id` ("" for the first), asked in a thread."""
        return await asyncio.to_thread(self.read_now, lambda reader: reader.holdings_after(unique_id, limit))

    def size(self) -> int:
        """What the database takes, in bytes, indexes included."""
        ((size,),) = self._ask(lambda session, reader: list(session.rows(self._backend.size_query)))
        return size

    def not_durable(self) -> list[str]:
        """The database's settings by which it could lose an acknowledged commit; none when all is well."""
        backend = self._backend
        found = []
        for name, wanted in backend.durable.items():
            sql = backend.setting_query.format(name)
            ((value,),) = self._ask(lambda session, reader, sql=sql: list(session.rows(sql)))
            if value not in wanted:
                found.append(f"{name} is {value}")
        return found

    def check_revision(self) -> None:
        """Raise Misconfigured when the schema is of another version."""
        self._ask(lambda session, reader: check_revision(self._backend, session))

    def close(self) -> None:
        """Finish the queued changes and close all connections."""
        self._group.close()
        if self._threads is not None:
            self._threads.shutdown()
        for session in self._sessions:
            session.close()
        self._sessions.clear()
        self._kept = threading.local()

    def _ask(self, question: Callable[[Session, Reader], T]) -> T:
        """Ask within a snapshot on this thread's connection."""
        pair = getattr(self._kept, "pair", None)
        if pair is not None:
            try:
                return self._snapshot(*pair, question)
            except Unavailable:
                # A connection that was idle may have been cut: a new one tells whether the database is gone.
                pass
        session = self._backend.session()
        self._sessions.append(session)
        reader = Reader(session, self._backend.statements, ReadCodes(session, self._backend.statements, self._codes))
        self._kept.pair = session, reader
        return self._snapshot(session, reader, question)

    def _snapshot(self, session: Session, reader: Reader, question: Callable[[Session, Reader], T]) -> T:
        try:
            session.begin()
            try:
                answer = question(session, reader)
            except BaseException:
                session.rollback()
                raise
            session.commit()
            return answer
        except self._backend.error as error:
            verdict = self._backend.verdict(error)
            if isinstance(verdict, Unavailable):
                self._drop(session)
            raise verdict from None

    def _drop(self, session: Session) -> None:
        session.close()
        self._codes.forget()
        self._sessions.remove(session)
        self._kept.pair = None
