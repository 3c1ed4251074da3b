"""What a client allowed, through time."""

from __future__ import annotations

from xds.model.consent import Consent
from xds.model.party import Participant
from xds.pages.ask import Ask, Format, Seen, View
from xds.pages.auditor.client import Client, client_of
from xds.pages.choices import ALL_COLUMNS, COLUMNS, choices
from xds.pages.listing import Column, Listing
from xds.ports import Reader

_PAGE = "Toestemming van een cliënt"
_RECORDER = Column("recorded_by", "Vastgelegd door", lambda row: row.recorded_by)
_EMPTY = "Er is nooit een toestemming of bezwaar vastgelegd."


async def consents(ask: Ask) -> View:
    """Every word of a client, newest first, with what is left of it now."""

    def look(reader: Reader) -> tuple[Client, list[Consent], list[Participant]]:
        client = client_of(ask, reader)
        return client, reader.consents.versions(client.number), reader.participants()

    client, versions, participants = await ask.read(look)
    policy = ask.sources.policy()
    found = [] if policy is None else choices(policy, versions, client.facts, participants, ask.now)
    columns = (*(COLUMNS if ask.format is Format.HTML else ALL_COLUMNS), _RECORDER)
    listing = Listing("toestemming", _PAGE, columns, found, total=len(found), empty=_EMPTY)
    return View("auditor/consents.html", Seen(_PAGE, (), (client.cx,), "consent-read"), {"client": client}, listing)
