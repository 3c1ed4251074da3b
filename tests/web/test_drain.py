from __future__ import annotations

import asyncio

import pytest
from aiohttp import ClientSession, web

from xds.web.drain import Drain


@pytest.mark.parametrize("ends", [True, False])
def test_finish_waits_for_what_runs_as_long_as_it_may(ends):
    async def work() -> tuple[bool, bool]:
        drain, begun, ending = Drain(), asyncio.Event(), asyncio.Event()

        async def handle(request: web.Request) -> web.Response:
            begun.set()
            await ending.wait()
            return web.Response(text="done")

        app = web.Application(middlewares=[drain.count])
        app.router.add_get("/", handle)
        runner = web.AppRunner(app, shutdown_timeout=0.01)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with ClientSession() as session:
            port = runner.addresses[0][1]
            asking = asyncio.create_task(session.get(f"http://127.0.0.1:{port}/"))
            await begun.wait()
            finishing = asyncio.create_task(drain.finish(10 if ends else 0.01))
            await asyncio.sleep(0)
            if ends:
                ending.set()
            in_time = await finishing
            closed = ends and (await asking).headers.get("Connection") == "close"
            asking.cancel()
            await runner.cleanup()
        return in_time, closed

    assert asyncio.run(work()) == (ends, ends)


def test_finish_returns_at_once_when_nothing_runs():
    assert asyncio.run(Drain().finish(0))
