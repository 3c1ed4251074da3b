from __future__ import annotations

import asyncio

import pytest
from aiohttp import ClientSession, web

from xds.web.door import Door


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("ends", [True, False])
def test_finish_waits_for_what_runs_as_long_as_it_may(ends, method):
    async def work() -> tuple[bool, bool]:
        begun, ending = asyncio.Event(), asyncio.Event()

        async def handle(request: web.Request) -> web.Response:
            begun.set()
            await ending.wait()
            return web.Response(text="done")

        door = Door({"/": handle} if method == "POST" else {})
        app = web.Application()
        app.router.add_get("/", handle)
        runner = web.AppRunner(app, shutdown_timeout=0.01)
        await runner.setup()
        assert runner.server is not None
        door.open(runner.server)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with ClientSession() as session:
            port = runner.addresses[0][1]
            asking = asyncio.create_task(session.request(method, f"http://127.0.0.1:{port}/"))
            await begun.wait()
            finishing = asyncio.create_task(door.finish(10 if ends else 0.01))
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
    assert asyncio.run(Door({}).finish(0))
