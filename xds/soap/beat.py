"""When an answer leaves that lacks something: its time must not tell whether there was something to hide."""

from __future__ import annotations

import asyncio
import math
import time

BEAT = 0.025
"""Seconds: more than a request takes by itself, and less than anybody notices."""
_TIMER = 0.001
"""What a timer of the event loop may be late, by the fraction of a millisecond that it began at."""


async def next_beat(started: float) -> None:
    """Wait until a whole number of beats has passed since a request began, by the clock of `time.perf_counter`."""
    moment = started + math.ceil((time.perf_counter() - started) / BEAT) * BEAT
    await asyncio.sleep(max(moment - time.perf_counter() - _TIMER, 0))
    while time.perf_counter() < moment:
        await asyncio.sleep(0)
