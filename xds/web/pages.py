"""The pages for operators: /health, /ready and /metrics."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import web

from xds.errors import XdsError
from xds.web.metrics import CONTENT_TYPE

Probe = Callable[[], Awaitable[str | None]]
"""Looks at one thing that requests need; None when it is well, else what is wrong with it."""

_PROBE_SECONDS = 5


def add_pages(app: web.Application, probes: Mapping[str, Probe], render_metrics: Callable[[], bytes]) -> None:
    """Serve the pages; `probes` by the name that /ready shows."""

    async def health(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(request: web.Request) -> web.Response:
        found = dict(zip(probes, await asyncio.gather(*map(_verdict, probes.values())), strict=True))
        well = not any(found.values())
        checks = {name: wrong or "ok" for name, wrong in found.items()}
        return web.json_response(
            {"status": "ok" if well else "unavailable", "checks": checks}, status=200 if well else 503
        )

    async def counted(request: web.Request) -> web.Response:
        return web.Response(body=render_metrics(), headers={"Content-Type": CONTENT_TYPE})

    app.router.add_get("/health", health)
    app.router.add_get("/ready", ready)
    app.router.add_get("/metrics", counted)


def disk_probe(folder: Path, least: int) -> Probe:
    """Look whether a folder's disk has `least` bytes free."""

    async def probe() -> str | None:
        try:
            free = shutil.disk_usage(folder).free
        except OSError as error:
            return f"the documents folder can't be reached: {error.strerror}"
        return None if free >= least else f"{free} bytes are free; at least {least} are needed"

    return probe


async def _verdict(probe: Probe) -> str | None:
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            return await probe()
    except TimeoutError:
        return f"no answer within {_PROBE_SECONDS} seconds"
    except XdsError as error:
        return str(error)
