"""What the client allows, in words, and how that changed."""

from __future__ import annotations

from xds.consent.notices import notices_due
from xds.model.consent import Consent
from xds.model.party import Participant
from xds.pages.ask import Ask, Format, Seen, View
from xds.pages.choices import ALL_COLUMNS, COLUMNS, choices
from xds.pages.client.own import Own, own_of
from xds.pages.listing import Listing
from xds.ports import Reader

_PAGE = "Toestemming"
_EMPTY = "Er is nog geen toestemming gegeven en geen bezwaar gemaakt. Andere organisaties zien dan niets."


async def consents(ask: Ask) -> View:
    """Every choice that is on record, newest first; those that count now apart."""

    def look(reader: Reader) -> tuple[Own, list[Consent], list[Participant]]:
        own = own_of(ask, reader)
        return own, [] if own.number is None else reader.consents.versions(own.number), reader.participants()

    own, versions, participants = await ask.read(look)
    policy = ask.sources.policy()
    found = [] if policy is None or own.facts is None else choices(policy, versions, own.facts, participants, ask.now)
    due = [] if policy is None or own.facts is None else notices_due(policy, own.facts, ask.now)
    columns = COLUMNS if ask.format is Format.HTML else ALL_COLUMNS
    listing = Listing("toestemming", "Alle keuzes door de tijd", columns, found, empty=_EMPTY)
    context = {"own": own, "counting": [each for each in found if each.counts], "with_policy": policy is not None}
    context["joined"] = [] if policy is None else [policy.organisation_categories[each].display for each in due]
    return View("client/consents.html", Seen(_PAGE, (), (own.cx,), "consent-read"), context, listing)
