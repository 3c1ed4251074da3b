"""The port `Trail`: what arrives before the next transaction begins is one change in it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

from xds.db.database import Database
from xds.db.writer import Writer
from xds.model.audit import Entry, Event

_PATIENCE = 0.001
"""Seconds for which a batch waits to be as large as the one before it."""


class _Batch:
    """Events that are recorded together, with those who wait for that. `refused` are those that can't be."""

    __slots__ = ("refused", "submitted", "waiting")

    def __init__(self, *waiting: tuple[Event, asyncio.Future[None]]):
        self.waiting = list(waiting)
        self.refused: dict[int, Exception] = {}
        self.submitted = False

    def settle(self, error: BaseException | None) -> None:
        for place, (_, future) in enumerate(self.waiting):
            failure = error or self.refused.get(place)
            if future.done():
                continue
            if failure is None:
                future.set_result(None)
            else:
                future.set_exception(failure)


class DatabaseTrail:
    """The log of a database, for the reads of one event loop; a change appends by `Writer.record` itself.

    A commit costs as much as many records, and callers who were answered together come back together: a batch is
    submitted when it is as large as the one before, or has waited for that. So a lone caller waits for nobody.

    `encode` makes the entries of an event. It is called for many events at once, which takes a third of the time.
    """

    def __init__(self, database: Database, encode: Callable[[Event], Sequence[Entry]]):
        self._database = database
        self._encode = encode
        self._gathering: _Batch | None = None
        self._expected = 1
        self._lock = threading.Lock()  # a transaction may begin in a thread

    async def append(self, event: Event) -> None:
        """Record an event; return when that is durable."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        with self._lock:
            batch = self._gathering
            if batch is None:
                batch = self._gathering = _Batch()
            batch.waiting.append((event, future))
            size = len(batch.waiting)
        if size >= self._expected:
            self._submit(batch)
        elif size == 1:
            loop.call_later(_PATIENCE, self._submit, batch)
        await future

    def _submit(self, batch: _Batch) -> None:
        if batch.submitted:
            return
        batch.submitted = True

        def record(writer: Writer) -> None:
            self._close(batch)
            self._expected = len(batch.waiting)
            writer.record(self._entries(batch))

        try:
            handed = self._database.submit(record)
        except Exception as error:
            self._close(batch)
            batch.settle(error)
        else:
            handed.add_done_callback(lambda done: self._settle(batch, done.exception()))

    def _entries(self, batch: _Batch) -> list[Entry]:
        entries: list[Entry] = []
        for place, (event, _) in enumerate(batch.waiting):
            try:
                entries += self._encode(event)
            except Exception as error:
                batch.refused[place] = error
        return entries

    def _close(self, batch: _Batch) -> None:
        """Let what comes from now on be another batch's."""
        with self._lock:
            if self._gathering is batch:
                self._gathering = None

    def _settle(self, batch: _Batch, error: BaseException | None) -> None:
        self._close(batch)
        if isinstance(error, ValueError) and len(batch.waiting) > 1:
            # One of them is wrong, and must not take the others with it.
            for each in batch.waiting:
                self._submit(_Batch(each))
        else:
            batch.settle(error)
