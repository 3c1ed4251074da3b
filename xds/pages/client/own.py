"""Whose page it is: the client that the portal sent, or whose parent it sent."""

from __future__ import annotations

from typing import NamedTuple

from xds.consent.givers import age_at, may_look
from xds.model.consent import ClientFacts, Giver
from xds.model.dutch_time import dutch_time
from xds.model.hl7 import CX, parse_cx
from xds.model.viewer import Relation
from xds.pages.ask import Ask, Missing
from xds.ports import Reader

_GIVERS = {Relation.CLIENT: Giver.CLIENT, Relation.PARENT: Giver.PARENT}


class Own(NamedTuple):
    """`number` is the key of the client in the index, None when nothing was ever registered there."""

    cx: CX
    number: int | None
    facts: ClientFacts | None
    is_parent: bool

    @property
    def dossier(self) -> str:
        return "het dossier van uw kind" if self.is_parent else "uw dossier"

    def told_whose(self, ask: Ask) -> str:
        """Whose dossier it is, on paper: without a number or a name, which are not known or not for others to read."""
        visit = ask.session.visit
        assert visit is not None
        whose = "het kind van wie" if self.is_parent else "wie"
        began = dutch_time(ask.session.began)
        return (
            f"Dit is het overzicht van het dossier van {whose} op {began:%d-%m-%Y} om {began:%H:%M} uur was ingelogd "
            f"via {visit.organisation_name}."
        )


def own_of(ask: Ask, reader: Reader) -> Own:
    """The client of this session; Missing when who looks may not, or no longer, at the client's age.

    Source: WGBO, 7:457 BW, 3.
    """
    visit = ask.session.visit
    if visit is None:
        raise Missing
    number = reader.patient(visit.patient)
    facts = None if number is None else reader.consents.facts([number])[number]
    if not may_look(
        _GIVERS[visit.relation],
        age_at(ask.now, None if facts is None else facts.birth_date),
    ):
        raise Missing
    return Own(parse_cx(visit.patient), number, facts, visit.relation is Relation.PARENT)
