"""Finishing what runs before a server ends."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler


class Drain:
    """Counts the requests that run; its `count` is a middleware that belongs on the application.

    aiohttp's own shutdown drops what still comes in of a request, so it must not begin before the last has ended.
    """

    def __init__(self) -> None:
        self._running = 0
        self._finished: asyncio.Event | None = None

    async def finish(self, seconds: float) -> bool:
        """Wait until no request runs, closing each connection after its next answer; whether that was in time."""
        self._finished = asyncio.Event()
        if self._running == 0:
            return True
        try:
            await asyncio.wait_for(self._finished.wait(), seconds)
        except TimeoutError:
            return False
        return True

    @web.middleware
    async def count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count a request while it runs."""
        self._running += 1
        try:
            response = await handler(request)
            if self._finished is not None:
                response.force_close()
            return response
        finally:
            self._running -= 1
            if self._running == 0 and self._finished is not None:
                self._finished.set()
