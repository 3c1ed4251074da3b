"""Append to the log from a process of its own: `appending_process.py URL NAME COUNT`.

Prints the request id of each record as soon as it was acknowledged. COUNT 0 goes on until it is killed.
"""

from __future__ import annotations

import asyncio
import itertools
import sys

from trail_entries import RECORDER, an_event

from xds.db import DatabaseTrail, open_database

CALLERS = 8


async def append_all(trail: DatabaseTrail, name: str, count: int) -> None:
    numbers = iter(range(count) if count else itertools.count())

    async def caller() -> None:
        for number in numbers:
            await trail.append(an_event(f"{name}.{number}"))
            print(f"{name}.{number}", flush=True)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


if __name__ == "__main__":
    url, name, count = sys.argv[1:]
    database = open_database(url)
    asyncio.run(append_all(DatabaseTrail(database, RECORDER.entries), name, int(count)))
    database.close()
