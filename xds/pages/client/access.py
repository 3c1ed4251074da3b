"""Who looked in the client's dossier. Source: NEN 7513: 9 (overview for the client); Wabvpz 15e."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from xds.model.audit import LogSelection
from xds.pages.ask import Ask, File, Format, Seen, View
from xds.pages.client.folding import folded
from xds.pages.client.lines import lines_of
from xds.pages.client.own import Own, own_of
from xds.pages.client.words import Line
from xds.pages.listing import Column, Listing, grouped
from xds.pages.pdf import to_pdf
from xds.pages.period import Period, period_of, shortcuts
from xds.ports import Reader

_ON_A_PAGE = 25
_IN_A_FILE = 1000
_NAME = "wie-heeft-mijn-dossier-ingezien"
_PAGE = "Wie heeft mijn dossier ingezien"
_EMPTY = "In deze periode is er niets vastgelegd."
_KEPT = (
    Column("moment", "Wanneer", lambda line: line.moment),
    Column("organisation", "Organisatie", lambda line: line.organisation),
    Column("role", "Functie", lambda line: line.role),
    Column("person", "Naam", lambda line: line.person or None),
    Column("deed", "Wat", lambda line: line.deed),
    Column("documents", "Documenten", lambda line: line.documents),
    Column("outcome", "Uitkomst", lambda line: line.outcome),
    Column("why", "Waarom", lambda line: line.why),
    Column("emergency", "Noodknop, met reden", lambda line: line.emergency),
)
_COLUMNS = (
    *_KEPT,
    Column("review", "Nagekeken", lambda line: line.review or None),
    Column("reference", "Kenmerk", lambda line: line.seq, number=True),
    Column("reason", "Zoals het is vastgelegd", lambda line: line.reason or None),
    Column("automatic", "Vanzelf", lambda line: bool(line.automatic)),
)


class _Looks(NamedTuple):
    """What is on record about the client in a period, newest first; `before` leads on to what is older, if any is."""

    own: Own
    lines: list[Line]
    before: str | None


async def accesses(ask: Ask) -> View:
    """Everything that is on record about the client in a period."""
    period = period_of(ask)
    limit = _ON_A_PAGE if ask.format is Format.HTML else ask.limit
    own, lines, before = await _looks(ask, period, limit)
    more = None if before is None else {"voor": before}
    listing = Listing(_NAME, _PAGE, _COLUMNS, lines, more, empty=_EMPTY)
    context = {"own": own, "period": period, "periods": shortcuts(ask), "days": folded(lines), "in_a_file": _IN_A_FILE}
    context |= {"older": "voor" in ask.query, "newest": ask.url(voor=None)}
    return View("client/access.html", Seen(_PAGE, period.words, (own.cx,)), context, listing)


async def accesses_to_keep(ask: Ask) -> File:
    """The newest of a period as a document to keep."""
    period = period_of(ask)
    own, lines, before = await _looks(ask, period, _IN_A_FILE)
    title = f"Wie heeft {own.dossier} ingezien?"
    told = [own.told_whose(ask), period.sentence, f"Aantal regels: {grouped(len(lines))}."]
    if before is not None:
        told.append(f"Alleen de nieuwste {_IN_A_FILE} regels. Kies een kortere periode voor de oudere.")
    listing = Listing(_NAME, title, _KEPT, lines, empty=_EMPTY)

    async def pieces() -> AsyncIterator[bytes]:
        yield await asyncio.to_thread(to_pdf, title, told, listing, ask.now)

    return File(Seen(_PAGE, period.words, (own.cx,)), f"{_NAME}.pdf", "application/pdf", pieces())


async def _looks(ask: Ask, period: Period, limit: int) -> _Looks:
    before = ask.query.get("voor", "")
    below = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None

    def look(reader: Reader) -> _Looks:
        own = own_of(ask, reader)
        asked = LogSelection(period.started_from, period.started_below, ask.sources.patient_key(str(own.cx)))
        kept = reader.log.newest(asked, below, limit + 1)
        older = str(kept[limit - 1].leaf.seq) if len(kept) > limit else None
        return _Looks(own, lines_of(ask, reader, own, kept[:limit]), older)

    return await ask.read(look)
