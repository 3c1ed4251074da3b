"""The connection on which a process writes, and the changes that it runs in its transactions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from xds.db.codes import CommittedCodes
from xds.db.session import Backend, Session
from xds.db.writer import Writer
from xds.errors import Unavailable

_PATIENCE = 10.0
"""Seconds for which another process may write before our callers are told."""


class Change:
    """What a caller wants done, and what became of it."""

    __slots__ = ("error", "future", "result", "run")

    def __init__(self, run: Callable[[Writer], Any], future: asyncio.Future[Any] | Future[Any]):
        self.run = run
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Tell the caller."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class WritingConnection:
    """Runs groups of changes, each group in one transaction, and is opened anew when it is broken.

    What becomes of a change is put into it: the error when it failed or when its transaction was lost.
    """

    def __init__(self, backend: Backend, committed: CommittedCodes):
        self._backend = backend
        self._committed = committed
        self._opened: tuple[Session, Writer] | None = None
        self._refused_since: float | None = None

    def begin(self) -> bool:
        """Begin a transaction; False when another process writes, and the backend does not wait for it.

        Unavailable when the database can't be reached, or another process has been writing for too long.
        """
        try:
            if self._opened is not None:
                try:
                    return self._begun(self._opened[0])
                except self._backend.error:
                    # Nothing was lost yet: the idle connection was cut.
                    self.discard()
            session = self._backend.session()
            self._opened = session, Writer(session, self._backend.statements, self._committed)
            return self._begun(session)
        except Exception as error:
            self.discard()
            raise self._verdict(error) from None

    def run(self, group: Sequence[Change]) -> None:
        """Run changes; when one fails, what it did is undone, and nothing else."""
        assert self._opened is not None
        session, writer = self._opened
        try:
            if len(group) == 1 or not self._run_together(session, writer, group):
                for change in group:
                    self._run_alone(session, writer, change)
            writer.log.seal()
        except Exception as error:
            self._lose(group, error)

    def commit(self, group: Sequence[Change]) -> None:
        """Make durable what was run; harmless after the transaction was lost."""
        if self._opened is None:
            return
        session, writer = self._opened
        try:
            session.commit()
            writer.committed()
        except Exception as error:
            self._lose(group, error)

    def discard(self) -> None:
        """Close the connection, which undoes what was not committed."""
        if self._opened is not None:
            self._opened[0].close()
            self._committed.forget()
        self._opened = None

    def _begun(self, session: Session) -> bool:
        if session.begin_write():
            self._refused_since = None
            return True
        now = time.monotonic()
        self._refused_since = self._refused_since or now
        if now - self._refused_since > _PATIENCE:
            self._refused_since = None
            raise Unavailable("the database is not available: another process does not end its transaction")
        return False

    def _run_together(self, session: Session, writer: Writer, group: Sequence[Change]) -> bool:
        """Run changes under one savepoint, which costs least; False when one failed, and all were undone."""
        mark = writer.mark()
        session.savepoint()
        try:
            for change in group:
                if not change.future.cancelled():
                    change.result = change.run(writer)
        except Exception as error:
            self._undo(session, writer, mark, error)
            return False
        session.release()
        return True

    def _run_alone(self, session: Session, writer: Writer, change: Change) -> None:
        if change.future.cancelled():
            return
        mark = writer.mark()
        session.savepoint()
        try:
            change.result = change.run(writer)
        except Exception as error:
            change.error = self._undo(session, writer, mark, error)
        else:
            session.release()

    def _undo(self, session: Session, writer: Writer, mark: Any, error: Exception) -> Exception:
        """Go back to the savepoint; what the error means, raised when it leaves no connection to go on with."""
        verdict = self._verdict(error)
        if verdict is not error and isinstance(verdict, Unavailable):
            raise verdict from None
        session.rollback_to()
        writer.undo(mark)
        return verdict

    def _lose(self, group: Sequence[Change], error: Exception) -> None:
        """Throw the connection away, and with it the transaction."""
        self.discard()
        verdict = self._verdict(error)
        for change in group:
            change.error = change.error or verdict

    def _verdict(self, error: Exception) -> Exception:
        return self._backend.verdict(error) if isinstance(error, self._backend.error) else error
