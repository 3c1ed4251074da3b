"""The port `Trail`: what arrives in one pass of the event loop is handed to the writing thread together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from xds.db.database import Database
from xds.model.audit import Entry

Waiting = tuple[Sequence[Entry], asyncio.Future[None]]


class DatabaseTrail:
    """The log of a database, for the reads of one event loop; a change appends by `Writer.record` itself."""

    def __init__(self, database: Database):
        self._database = database
        self._waiting: list[Waiting] = []

    async def append(self, entries: Sequence[Entry]) -> None:
        """Add records; return when they are durable."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._hand_over)
        self._waiting.append((entries, future))
        await future

    def _hand_over(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._submit(waiting)

    def _submit(self, waiting: list[Waiting]) -> None:
        entries = [entry for each, _ in waiting for entry in each]
        try:
            handed = self._database.submit(lambda writer: writer.record(entries))
        except Exception as error:
            _fail(waiting, error)
            return

        def settle(done: asyncio.Future[None]) -> None:
            error = done.exception()
            if error is None:
                for _, future in waiting:
                    if not future.done():
                        future.set_result(None)
            elif isinstance(error, ValueError) and len(waiting) > 1:
                # One of them is wrong, and must not take the others with it.
                for each in waiting:
                    self._submit([each])
            else:
                _fail(waiting, error)

        handed.add_done_callback(settle)


def _fail(waiting: list[Waiting], error: BaseException) -> None:
    for _, future in waiting:
        if not future.done():
            future.set_exception(error)
