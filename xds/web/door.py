"""Where requests come in: each is led to its handler, and counted while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler


class Door:
    """Leads a POST at one of `posts` straight to its handler, and everything else to the application's router.

    What the router does for each request costs more than reading a small query. `open` puts the door before a server.

    aiohttp's own shutdown drops what still comes in of a request, so it must not begin before `finish` has ended.
    """

    def __init__(self, posts: Mapping[str, Handler]):
        self._posts = posts
        self._running = 0
        self._finished: asyncio.Event | None = None

    def open(self, server: web.Server) -> None:
        """Lead the requests of a server that has no connection yet."""
        self._otherwise = server.request_handler
        server.request_handler = self._lead

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

    async def _lead(self, request: web.Request) -> web.StreamResponse:
        self._running += 1
        try:
            post = self._posts.get(request.path) if request.method == hdrs.METH_POST else None
            # The router also sees to Expect: 100-continue.
            if post is None or hdrs.EXPECT in request.headers:
                post = self._otherwise
            response = await post(request)
            if self._finished is not None:
                response.force_close()
            return response
        finally:
            self._running -= 1
            if self._running == 0 and self._finished is not None:
                self._finished.set()
