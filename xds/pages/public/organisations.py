"""Which organisations are connected, since when, and which norms they meet."""

from __future__ import annotations

from xds.model.party import Participant
from xds.pages.ask import PublicAsk, PublicView
from xds.pages.listing import Column, Listing

_COLUMNS = (
    Column("name", "Organisatie", lambda row: row.organisation.name),
    Column("kind", "Soort", lambda row: row.organisation.kind),
    Column("connected_since", "Aangesloten sinds", lambda row: row.connected_since),
    Column("nen7510", "Voldoet aan NEN 7510 sinds", lambda row: row.norms.nen7510),
    Column("nen7512", "NEN 7512 sinds", lambda row: row.norms.nen7512),
    Column("nen7513", "NEN 7513 sinds", lambda row: row.norms.nen7513),
)


async def organisations(ask: PublicAsk) -> PublicView:
    """One row for each connected organisation, by name."""
    rows: dict[str, Participant] = {}
    for each in await ask.participants():
        known = rows.get(each.organisation.ura)
        if not each.suspended and (known is None or each.connected_since < known.connected_since):
            rows[each.organisation.ura] = each
    ordered = sorted(rows.values(), key=lambda row: row.organisation.name.casefold())
    listing = Listing("organisaties", "Aangesloten organisaties", _COLUMNS, ordered, total=len(ordered))
    return PublicView("public/organisations.html", listing=listing)
