"""Whether the anchors keep up, for every worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from xds.audit.alarm import may_give_data, unanchored_for
from xds.errors import XdsError
from xds.ports import Index, Reader

_log = structlog.get_logger()


class AnchorWatch:
    """Looks now and then. `overdue` says that data may not be given; `age` is for the metric and the alarm."""

    def __init__(self, index: Index, grace: timedelta, now: Callable[[], datetime]):
        self._index = index
        self._grace = grace
        self._now = now
        self.age = timedelta(0)
        self.overdue = False

    async def look(self) -> None:
        """Look once; Unavailable when the log can't be read."""
        oldest = await self._index.read(_oldest_unanchored)
        self.age = unanchored_for(oldest, int(self._now().timestamp() * 1_000_000))
        overdue = not may_give_data(self.age, self._grace)
        if overdue and not self.overdue:
            _log.error("no data is given: the log has had no anchor for too long", seconds=self.age.total_seconds())
        self.overdue = overdue

    async def run(self, every: timedelta) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except XdsError as error:
                _log.error("the age of the last anchor can't be told", reason=str(error))
            await asyncio.sleep(every.total_seconds())


def _oldest_unanchored(reader: Reader) -> int | None:
    """When the first record that no anchored checkpoint covers was written."""
    anchored = reader.log.newest_anchored()
    return next((leaf.time for leaf in reader.log.leaves(anchored.size if anchored else 0, 1)), None)
