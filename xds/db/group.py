"""Write transactions of many callers in few commits.

One thread runs what is queued, each change under its own savepoint, and commits when the queue is empty or enough
has gathered. So a lone caller waits for nobody, and under load the wait for the disk is shared.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any

from xds.db.codes import CommittedCodes
from xds.db.session import Backend, Session
from xds.db.writer import Writer
from xds.errors import Busy, Unavailable

_MOST_QUEUED = 2048
_MOST_SHARED = 64
"""Changes in one commit: more would make other processes and the first caller wait longer for little gain."""


class Change:
    """A queued change, and what became of it. `loop` is None when a thread waits for the future."""

    __slots__ = ("error", "future", "loop", "result", "run")

    def __init__(
        self,
        run: Callable[[Writer], Any],
        future: asyncio.Future[Any] | Future[Any],
        loop: asyncio.AbstractEventLoop | None,
    ):
        self.run = run
        self.future = future
        self.loop = loop
        self.result: Any = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Tell the caller; runs in its loop."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class _Broken(Exception):
    """The connection can't be trusted any more; `verdict` is what the callers are told."""

    def __init__(self, verdict: Unavailable):
        super().__init__()
        self.verdict = verdict


class GroupCommit:
    """The writing thread of a process; it starts at the first change."""

    def __init__(self, backend: Backend, committed: CommittedCodes):
        self._backend = backend
        self._committed = committed
        self._queue: SimpleQueue[Change | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False
        self._session: Session | None = None
        self._writer: Writer | None = None

    def submit(self, change: Callable[[Writer], Any]) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._put(Change(change, future, loop))
        return future

    def write_now(self, change: Callable[[Writer], Any]) -> Any:
        future: Future[Any] = Future()
        self._put(Change(change, future, None))
        return future.result()

    def close(self) -> None:
        """Finish what is queued, then end the thread."""
        with self._starting:
            self._closed = True
            thread = self._thread
            self._queue.put(None)
        if thread is not None:
            thread.join()

    def _put(self, change: Change) -> None:
        if self._queue.qsize() >= _MOST_QUEUED:
            raise Busy("the database is busy: too many changes wait for it")
        with self._starting:
            if self._closed:
                raise Unavailable("the database is closed")
            self._queue.put(change)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="xds-write", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (change := self._queue.get()) is not None:
            group = [change]
            try:
                self._commit(group)
            except BaseException as error:
                self._discard()
                verdict = self._verdict(error)
                for lost in group:
                    lost.error = lost.error or verdict
            _settle(group)
            if self._closed and self._queue.empty():
                break
        self._discard()

    def _commit(self, group: list[Change]) -> None:
        """Run the first change of the group and those that are queued behind it, then commit."""
        session, writer = self._begin()
        change: Change | None = group[0]
        while change is not None:
            self._apply(session, writer, change)
            if len(group) == _MOST_SHARED:
                break
            try:
                change = self._queue.get_nowait()
            except Empty:
                break
            if change is not None:
                group.append(change)
        writer.log.seal()
        session.commit()
        writer.committed()

    def _apply(self, session: Session, writer: Writer, change: Change) -> None:
        if change.future.cancelled():
            return
        mark = writer.mark()
        session.savepoint()
        try:
            change.result = change.run(writer)
        except BaseException as error:
            verdict = self._verdict(error)
            if verdict is not error and isinstance(verdict, Unavailable):
                raise _Broken(verdict) from None
            session.rollback_to()
            writer.undo(mark)
            change.error = verdict
        else:
            session.release()

    def _begin(self) -> tuple[Session, Writer]:
        """Begin a transaction; nothing was lost yet when the idle connection turns out to have been cut."""
        if self._session is not None and self._writer is not None:
            try:
                self._session.begin_write()
                return self._session, self._writer
            except self._backend.error:
                self._discard()
        self._session = self._backend.session()
        self._writer = Writer(self._session, self._backend.statements, self._committed)
        self._session.begin_write()
        return self._session, self._writer

    def _discard(self) -> None:
        """Close the connection, which undoes what it had not committed."""
        if self._session is not None:
            self._session.close()
        self._session = self._writer = None

    def _verdict(self, error: BaseException) -> BaseException:
        if isinstance(error, _Broken):
            return error.verdict
        return self._backend.verdict(error) if isinstance(error, self._backend.error) else error


def _settle(group: list[Change]) -> None:
    """Tell all callers, with one wake-up for each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Change]] = {}
    for change in group:
        if change.loop is None:
            change.settle()
        else:
            by_loop.setdefault(change.loop, []).append(change)
    for loop, changes in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle_here, changes)


def _settle_here(changes: list[Change]) -> None:
    for change in changes:
        change.settle()
