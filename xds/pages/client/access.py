"""Who looked in the client's dossier. Source: NEN 7513: 9 (overview for the client); Wabvpz 15e."""

from __future__ import annotations

from xds.audit.record import decode
from xds.model.audit import Kept, LogSelection
from xds.pages.ask import Ask, Format, Seen, View
from xds.pages.client.own import Own, own_of
from xds.pages.client.words import Line, folded, line_of
from xds.pages.documents import titles_of
from xds.pages.listing import Column, Listing
from xds.pages.period import period_of, shortcuts
from xds.ports import Reader

_AT_ONCE = 200
_PAGE = "Wie heeft mijn dossier ingezien"
_EMPTY = "In deze periode is er niets vastgelegd."
_COLUMNS = (
    Column("moment", "Wanneer", lambda line: line.moment),
    Column("organisation", "Organisatie", lambda line: line.organisation),
    Column("role", "Functie", lambda line: line.role),
    Column("person", "Naam", lambda line: line.person or None),
    Column("deed", "Wat", lambda line: line.deed),
    Column("documents", "Documenten", lambda line: line.documents),
    Column("outcome", "Uitkomst", lambda line: line.outcome),
    Column("why", "Waarom", lambda line: line.why),
    Column("reason", "Zoals het is vastgelegd", lambda line: line.reason or None),
    Column("emergency", "Noodknop, met reden", lambda line: line.emergency),
    Column("automatic", "Vanzelf", lambda line: bool(line.automatic)),
)


async def accesses(ask: Ask) -> View:
    """Everything that is on record about the client in a period, newest first."""
    period, before = period_of(ask), ask.query.get("voor", "")
    below = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    limit = max(ask.limit, _AT_ONCE) if ask.format is Format.HTML else ask.limit

    def look(reader: Reader) -> tuple[Own, list[Kept], list[Line]]:
        own = own_of(ask, reader)
        asked = LogSelection(
            period.started_from,
            period.started_below,
            ask.sources.patient_key(str(own.cx)),
        )
        kept = reader.log.newest(asked, below, limit + 1)
        records = [decode(each.payload) for each in kept[:limit] if each.payload is not None]
        named = titles_of(
            reader,
            own.number,
            (each.unique_id for record in records for each in record.documents),
        )
        return own, kept, [line_of(record, named, own.is_parent) for record in records]

    own, kept, lines = await ask.read(look)
    more = {"voor": str(kept[limit - 1].leaf.seq)} if len(kept) > limit else None
    listing = Listing("wie-heeft-mijn-dossier-ingezien", _PAGE, _COLUMNS, lines, more, empty=_EMPTY)
    context = {
        "own": own,
        "period": period,
        "periods": shortcuts(ask),
        "days": folded(lines),
    }
    return View("client/access.html", Seen(_PAGE, period.words, (own.cx,)), context, listing)
