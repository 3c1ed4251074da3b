"""Only one process at a time has the claim to seal and feed the log."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from xds.atna.keeper import keep
from xds.db import Database, open_database


def test_one_has_the_claim_until_it_gives_it_up(database: Database, url: str) -> None:
    other = open_database(url)
    ours = database.claim()
    assert ours is not None and ours.held()
    assert other.claim() is None
    assert database.claim() is None
    ours.release()
    theirs = other.claim()
    assert theirs is not None and theirs.held()
    assert database.claim() is None
    theirs.release()
    other.close()


def test_the_work_is_done_by_one_and_then_by_the_other(database: Database, url: str) -> None:
    working: list[str] = []

    async def work(name: str) -> None:
        working.append(name)
        try:
            await asyncio.sleep(60)
        finally:
            working.append(f"{name} ended")

    def keeper(index: Database, name: str) -> Coroutine[Any, Any, None]:
        return keep(index.claim, lambda: [work(name)])

    async def until(size: int) -> None:
        async with asyncio.timeout(20):
            while len(working) < size:
                await asyncio.sleep(0.01)

    async def run() -> None:
        first = asyncio.create_task(keeper(database, "first"))
        await until(1)
        second = asyncio.create_task(keeper(other, "second"))
        await asyncio.sleep(0.1)
        first.cancel()
        await asyncio.wait([first])
        await until(3)
        second.cancel()
        await asyncio.wait([second])

    other = open_database(url)
    asyncio.run(run())
    other.close()
    assert working == ["first", "first ended", "second", "second ended"]
