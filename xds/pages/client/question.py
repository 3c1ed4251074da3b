"""Where a client goes with a question about what she read."""

from __future__ import annotations

from xds.pages.ask import Ask, Seen, View
from xds.pages.client.own import own_of


async def question(ask: Ask) -> View:
    """Who answers, and what to have at hand."""
    own = await ask.read(lambda reader: own_of(ask, reader))
    visit = ask.session.visit
    portal = "" if visit is None else visit.organisation_name
    return View("client/question.html", Seen("Een vraag stellen", (), (own.cx,)), {"own": own, "portal": portal})
