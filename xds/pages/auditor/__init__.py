"""The pages for auditors, privacy officers and administrators, under /toezicht. `add_pages` is the way in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from xds.model.viewer import Role
from xds.pages.auditor import operation
from xds.pages.auditor.hints import PATH, REVIEWERS, HintPages
from xds.pages.auditor.log_pages import add_log_pages
from xds.pages.auditor.lookout import Lookout
from xds.pages.auditor.start import StartPage
from xds.pages.site import AUDITORS, Site

__all__ = ["add_pages"]


def add_pages(site: Site, export_alone: int) -> None:
    """An export of more records than `export_alone` takes a second person."""
    lookout = Lookout(site.sources.rules, site.sources.surname_key)
    hints = HintPages(lookout)

    async def look_ahead(app: web.Application) -> AsyncIterator[None]:
        looking = asyncio.create_task(lookout.keep_settled(site.sources.index, site.sources.clock))
        yield
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)

    site.app.cleanup_ctx.append(look_ahead)
    site.page("/toezicht", StartPage(hints), AUDITORS, label="Start")
    site.page(PATH, hints.hints, AUDITORS, label="Signalen", listed=True)
    site.page(f"{PATH}/{{id:[0-9a-f]{{32}}}}", hints.hint, AUDITORS, listed=True)
    site.action(f"{PATH}/{{id:[0-9a-f]{{32}}}}", hints.review, REVIEWERS)
    add_log_pages(site, export_alone)
    _add_operation(site)


def _add_operation(site: Site) -> None:
    at, administrators = operation.PATH, frozenset({Role.ADMINISTRATOR})
    site.page(at, operation.overview, AUDITORS, label="Beheer")
    site.page(f"{at}/deelnemers", operation.participants, AUDITORS, listed=True)
    site.page(f"{at}/certificaten", operation.certificates, AUDITORS, listed=True)
    site.page(f"{at}/fouten", operation.errors, AUDITORS, listed=True)
    site.page(f"{at}/sessies", operation.sessions, administrators, listed=True)
    site.page(f"{at}/sessies/{{number:[0-9]{{1,15}}}}", operation.session, administrators)
    site.action(f"{at}/sessies/{{number:[0-9]{{1,15}}}}/einde", operation.end_session, administrators)
