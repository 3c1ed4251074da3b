"""Work that only one process may do at a time, of all servers on one database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from xds.errors import reason_of
from xds.ports import Claim

_LOOK_SECONDS = 1.0

_log = structlog.get_logger()


async def keep(claim: Callable[[], Claim | None], work: Callable[[], Sequence[Coroutine[Any, Any, None]]]) -> None:
    """Do the work while this process has the claim to it; wait for the claim while another one has it.

    A claim that is lost, with the connection that it was on, stops the work until there is a new one.
    """
    waiting = False
    while True:
        held = None
        try:
            held = await asyncio.to_thread(claim)
        except Exception as error:
            _log.error("the log is not sealed and fed from here", reason=reason_of(error))
        if held is None:
            if not waiting:
                _log.info("another server on this database seals and feeds the log")
            waiting = True
        else:
            waiting = False
            await _work(held, work())
        await asyncio.sleep(_LOOK_SECONDS)


async def _work(claim: Claim, work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Do it until the claim is lost, or this is cancelled; the claim is free when all of it has ended."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        while await asyncio.to_thread(claim.held):
            await asyncio.sleep(_LOOK_SECONDS)
        _log.error("the claim to seal and feed the log was lost")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        claim.release()
