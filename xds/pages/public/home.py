"""The front page."""

from __future__ import annotations

from xds.pages.ask import PublicAsk, PublicView


async def home(ask: PublicAsk) -> PublicView:
    return PublicView("public/home.html")
