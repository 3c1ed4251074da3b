"""What the client allows, in words, and how that changed."""

from __future__ import annotations

from xds.consent.notices import notices_due
from xds.model.consent import Consent
from xds.model.party import Participant
from xds.pages.ask import Ask, Format, Seen, View
from xds.pages.choices import DETAILS, Choice, choices
from xds.pages.client.own import Own, own_of
from xds.pages.listing import Column, Listing
from xds.ports import Reader

_PAGE = "Toestemming"
_EMPTY = "Er is nog geen toestemming gegeven en geen bezwaar gemaakt. Andere organisaties zien dan niets."
_COLUMNS = (
    Column("recorded_at", "Wanneer", lambda row: row.recorded_at),
    Column("decision", "Keuze", lambda row: row.decision, mark=lambda row: row.mark),
    Column("consumer", "Wie", lambda row: row.consumer),
    Column("what", "Welke gegevens", lambda row: row.what),
    Column("holder", "Van wie", lambda row: row.holder),
    Column("state", "Nu", lambda row: row.state),
    Column("recorded_by", "Ingevoerd door", lambda row: row.recorded_by),
)
_ALL_COLUMNS = (*_COLUMNS, Column("given_by", "Gekozen door", lambda row: row.given_by), *DETAILS)


async def consents(ask: Ask) -> View:
    """Every choice that is on record, newest first; those that count now apart."""

    def look(reader: Reader) -> tuple[Own, list[Consent], list[Participant]]:
        own = own_of(ask, reader)
        return own, [] if own.number is None else reader.consents.versions(own.number), reader.participants()

    own, versions, participants = await ask.read(look)
    policy = ask.sources.policy()
    found = [] if policy is None or own.facts is None else choices(policy, versions, own.facts, participants, ask.now)
    found = [_spoken_to(each, own) for each in found]
    due = [] if policy is None or own.facts is None else notices_due(policy, own.facts, ask.now)
    columns = _COLUMNS if ask.format is Format.HTML else _ALL_COLUMNS
    listing = Listing("toestemming", "Alle keuzes door de tijd", columns, found, empty=_EMPTY)
    context = {"own": own, "counting": [each for each in found if each.counts], "with_policy": policy is not None}
    context["joined"] = [] if policy is None else [policy.organisation_categories[each].display for each in due]
    return View("client/consents.html", Seen(_PAGE, (), (own.cx,), "consent-read"), context, listing)


def _spoken_to(choice: Choice, own: Own) -> Choice:
    return choice._replace(given_by=choice.given_by.replace("de cliënt", "uw kind" if own.is_parent else "u"))
