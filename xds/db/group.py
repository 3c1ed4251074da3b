"""Write transactions of many callers in few commits.

Changes gather while the event loop goes through what is ready, and while the commit before them waits for the disk.
Then all of them run in one transaction. Callers who were answered together come back together: a round waits a moment
to be as large as the one before. So a lone caller waits for nobody, and under load the wait is shared.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from xds.db.codes import CommittedCodes
from xds.db.session import Backend
from xds.db.writing import Change, WritingConnection
from xds.errors import Busy, Unavailable

_MOST_QUEUED = 2048
_MOST_SHARED = 64
"""Changes in one commit: more would make other processes and the first caller wait longer for little gain."""
_PATIENCE = 0.001
"""Seconds for which a round waits to be as large as the one before it."""
_PAUSE = 0.001
"""Seconds between two attempts to begin while another process writes."""


class GroupCommit:
    """Writes the changes of one event loop in groups, and those of threads one by one."""

    def __init__(self, backend: Backend, committed: CommittedCodes):
        self._backend = backend
        self._committed = committed
        self._rounds: Rounds | None = None
        self._direct = WritingConnection(backend, committed)
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, change: Callable[[Any], Any]) -> asyncio.Future[Any]:
        """Queue a change of the running event loop, which is the only one until it ends."""
        if self._closed:
            raise Unavailable("the database is closed")
        loop = asyncio.get_running_loop()
        if self._rounds is None or self._rounds.loop is not loop:
            if self._rounds is not None:
                self._rounds.close()
            connection = WritingConnection(self._backend, self._committed)
            self._rounds = Rounds(connection, loop, in_thread=not self._backend.inline)
        return self._rounds.add(change)

    def write_now(self, change: Callable[[Any], Any]) -> Any:
        """Run a change in this thread."""
        alone = Change(change, Future())
        with self._lock:
            if self._closed:
                raise Unavailable("the database is closed")
            while not self._direct.begin():
                time.sleep(_PAUSE)
            self._direct.run([alone])
            self._direct.commit([alone])
        alone.settle()
        return alone.future.result()

    def close(self) -> None:
        """Let the commit under way end; the callers of what is still queued are told."""
        with self._lock:
            self._closed = True
            self._direct.discard()
        if self._rounds is not None:
            self._rounds.close()


class Rounds:
    """The changes of an event loop, round by round: gathered, run together, committed together.

    They run in the loop itself, because a thread would wait for the interpreter's lock at every statement, with the
    database locked; only the commit, which waits for the disk, is done in a thread. A database on a network is
    left to the thread altogether.
    """

    def __init__(self, connection: WritingConnection, loop: asyncio.AbstractEventLoop, *, in_thread: bool):
        self.loop = loop
        self._connection = connection
        self._in_thread = in_thread
        self._thread = ThreadPoolExecutor(1, "xds-write")
        self._queue: deque[Change] = deque()
        self._expected = 1
        self._waiting: asyncio.TimerHandle | None = None
        self._busy = False
        self._closed = False
        self._closing = threading.Lock()

    def add(self, change: Callable[[Any], Any]) -> asyncio.Future[Any]:
        """Queue a change; Busy when too many wait."""
        if len(self._queue) >= _MOST_QUEUED:
            raise Busy("the database is busy: too many changes wait for it")
        future = self.loop.create_future()
        self._queue.append(Change(change, future))
        self._consider()
        return future

    def close(self) -> None:
        """Wait for the commit under way, in any thread."""
        with self._closing:
            self._closed = True
        self._thread.shutdown()
        self._connection.discard()

    def _consider(self) -> None:
        """Begin a round when enough changes wait, or later."""
        if self._busy or not self._queue:
            return
        if len(self._queue) >= self._expected:
            self._start()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(_PATIENCE, self._start)

    def _start(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        self._busy = True
        self.loop.call_soon(self._begin)

    def _begin(self) -> None:
        with self._closing:
            if self._closed:
                self._settle(self._taken(Unavailable("the database is closed")))
            elif self._in_thread:
                self._thread.submit(lambda: self._end(self._run() or []))
            elif (group := self._run()) is None:
                self.loop.call_later(_PAUSE, self._begin)
            else:
                self._thread.submit(self._end, group)

    def _run(self) -> list[Change] | None:
        """Run what is queued in a transaction; None when another process writes."""
        try:
            begun = self._connection.begin()
        except Exception as error:
            return self._taken(error)
        if not begun:
            return None
        group = self._taken()
        self._expected = len(group)
        self._connection.run(group)
        return group

    def _taken(self, error: Exception | None = None) -> list[Change]:
        """Take a group from the queue, for a round or because of an error."""
        group = [self._queue.popleft() for _ in range(min(len(self._queue), _MOST_SHARED))]
        for change in group:
            change.error = error
        return group

    def _end(self, group: list[Change]) -> None:
        """Commit and have the callers told; runs in the thread."""
        self._connection.commit(group)
        with contextlib.suppress(RuntimeError):  # of a loop that was closed meanwhile, with all its callers
            self.loop.call_soon_threadsafe(self._settle, group)

    def _settle(self, group: list[Change]) -> None:
        for change in group:
            change.settle()
        self._busy = False
        self._consider()
