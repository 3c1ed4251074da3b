"""Whether the log is sealed and anchored, and is the one that was: for every worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from xds.atna.anchor import Anchor, unknown_to
from xds.atna.syslog import Feed
from xds.audit.alarm import may_give_data, unanchored_for
from xds.errors import reason_of
from xds.model.audit import Leaf
from xds.ports import Index, Reader

_WHILE_REFUSING = 1.0

_log = structlog.get_logger()


class LogWatch:
    """Looks now and then. `refusal` says why no data may be given, and is None when it may.

    `age` is how long a record is without an anchor, or without a checkpoint where there are no anchors; `unsent` how
    many records the audit repository has not got, of the `records` that there are. `origin` is the log's name.
    """

    def __init__(
        self,
        index: Index,
        anchors: Sequence[Anchor],
        origin: str,
        grace: timedelta,
        now: Callable[[], datetime],
        feed: Feed | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._index = index
        self._anchors = anchors
        self._origin = origin
        self._grace = grace
        self._now = now
        self._feed = feed
        self._clock = clock
        self._uncovered: tuple[int, float] | None = None
        self.age = timedelta(0)
        self.unsent = 0
        self.records = 0
        self.refusal: str | None = "the log has not been looked at yet"

    async def look(self) -> None:
        """Look now; Unavailable when the database can't be read."""
        self.records, oldest = await self._index.read(self._size_and_oldest_uncovered)
        self.age = self._age_of(oldest)
        if self._feed is not None:
            self.unsent = await self._feed.waiting()
        refusal = None
        if await unknown_to(self._index, self._anchors, self._origin):
            refusal = "the log is not the one that was anchored: an older copy was put back, or another one"
        elif not may_give_data(self.age, self._grace):
            refusal = f"the log has had no {'anchor' if self._anchors else 'checkpoint'} for too long"
        if refusal != self.refusal and refusal is not None:
            _log.error("no data is given", reason=refusal, seconds=self.age.total_seconds())
        self.refusal = refusal

    async def probe(self) -> str | None:
        """Why no data may be given, for /ready."""
        return self.refusal

    async def run(self, every: timedelta) -> None:
        """Look until cancelled. What can't be looked at for longer than the grace is as good as without an anchor."""
        seen = self._clock()
        while True:
            try:
                await self.look()
                seen = self._clock()
            except Exception as error:
                _log.error("the age of the last anchor can't be told", reason=reason_of(error))
                if not may_give_data(timedelta(seconds=self._clock() - seen), self._grace):
                    self.refusal = "the log could not be looked at for too long"
            await asyncio.sleep(_WHILE_REFUSING if self.refusal else every.total_seconds())

    def _age_of(self, oldest: Leaf | None) -> timedelta:
        """How long a record is uncovered, by the clock or as long as we have seen it so: the clock may be set back."""
        if oldest is None:
            self._uncovered = None
            return timedelta(0)
        if self._uncovered is None or self._uncovered[0] != oldest.seq:
            self._uncovered = oldest.seq, self._clock()
        seen = timedelta(seconds=self._clock() - self._uncovered[1])
        return max(seen, unanchored_for(oldest.time, int(self._now().timestamp() * 1_000_000)))

    def _size_and_oldest_uncovered(self, reader: Reader) -> tuple[int, Leaf | None]:
        """How many records there are, and the first that no anchored checkpoint covers.

        Without anchors it is the first that no checkpoint covers.
        """
        note = reader.log.newest_anchored() if self._anchors else reader.log.newest_note()
        oldest = next(iter(reader.log.leaves(note.size if note else 0, 1)), None)
        return reader.log.head().size, oldest
