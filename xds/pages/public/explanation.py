"""How the exchange works, and what a client's rights are."""

from __future__ import annotations

from xds.pages.ask import PublicAsk, PublicView


async def how_it_works(ask: PublicAsk) -> PublicView:
    return PublicView("public/how_it_works.html")


async def your_rights(ask: PublicAsk) -> PublicView:
    return PublicView("public/your_rights.html")
