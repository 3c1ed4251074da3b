"""Which organisations are connected, by category, since when, and which norms they meet."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from xds.consent import Policy
from xds.model.party import Participant
from xds.pages.ask import PublicAsk, PublicView
from xds.pages.listing import Column, Listing

_OTHER = "andere organisaties"
_NAMED = (("NEN 7510", "nen7510"), ("NEN 7512", "nen7512"), ("NEN 7513", "nen7513"))


class OrganisationsPage:
    """The page; the categories are those of the policy, from which clients choose too."""

    def __init__(self, policy: Callable[[], Policy | None]):
        self._policy = policy
        self._columns = (
            Column("name", "Organisatie", lambda row: row.organisation.name),
            Column("category", "Soort", lambda row: self._category(row)),
            Column("connected_since", "Aangesloten sinds", lambda row: row.connected_since),
            Column("nen7510", "Voldoet aan NEN 7510 sinds", lambda row: row.norms.nen7510),
            Column("nen7512", "NEN 7512 sinds", lambda row: row.norms.nen7512),
            Column("nen7513", "NEN 7513 sinds", lambda row: row.norms.nen7513),
        )

    async def __call__(self, ask: PublicAsk) -> PublicView:
        """One row for each connected organisation, by category and name."""
        rows: dict[str, Participant] = {}
        for each in await ask.participants():
            known = rows.get(each.organisation.ura)
            if not each.suspended and (known is None or each.connected_since < known.connected_since):
                rows[each.organisation.ura] = each
        ordered = sorted(rows.values(), key=self._order)
        listing = Listing("organisaties", "Aangesloten organisaties", self._columns, ordered, total=len(ordered))
        groups = [(category, list(found)) for category, found in groupby(ordered, self._category)]
        return PublicView("public/organisations.html", {"groups": groups, "met": met}, listing)

    def _order(self, row: Participant) -> tuple[bool, str, str]:
        category = self._category(row)
        return category == _OTHER, category, row.organisation.name.casefold()

    def _category(self, row: Participant) -> str:
        """The narrowest category of an organisation's kind."""
        policy = self._policy()
        names = [] if policy is None else policy.categories_of(row.organisation.kind)
        return policy.organisation_categories[names[0]].display if policy is not None and names else _OTHER


def met(row: Participant) -> list[tuple[str, str]]:
    """The norms that an organisation meets, with the day since which that is known."""
    found = [(name, getattr(row.norms, key)) for name, key in _NAMED]
    return [(name, day.strftime("%d-%m-%Y")) for name, day in found if day is not None]
