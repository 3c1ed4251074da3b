"""Whose page it is: the client that the portal sent, or whose parent it sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from xds.consent.givers import age_at, may_look
from xds.ebrim.fragment import unpack
from xds.ebrim.objects import decode_fragment
from xds.model.consent import ClientFacts, Giver
from xds.model.hl7 import CX, parse_cx
from xds.model.objects import DocumentEntry
from xds.model.selection import EntrySelection
from xds.model.viewer import Relation
from xds.pages.ask import Ask, Missing
from xds.ports import Reader

_GIVERS = {Relation.CLIENT: Giver.CLIENT, Relation.PARENT: Giver.PARENT}
_NAMED_AT_ONCE = 500


class Own(NamedTuple):
    """`number` is the key of the client in the index, None when nothing was ever registered there."""

    cx: CX
    number: int | None
    facts: ClientFacts | None
    is_parent: bool

    @property
    def dossier(self) -> str:
        return "het dossier van uw kind" if self.is_parent else "uw dossier"


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


def titles_of(reader: Reader, number: int | None, unique_ids: Iterable[str]) -> dict[str, str]:
    """What the client's documents are called, by their uniqueId, as far as they are registered still."""
    wanted = list(dict.fromkeys(unique_ids))
    found: dict[str, str] = {}
    for place in range(0, len(wanted) if number is not None else 0, _NAMED_AT_ONCE):
        for stored in reader.entries(EntrySelection(unique_ids=tuple(wanted[place : place + _NAMED_AT_ONCE]))):
            entry = decode_fragment(unpack(stored.fragment))
            if stored.patient == number and isinstance(entry, DocumentEntry):
                found[stored.unique_id] = _title(entry)
    return found


def _title(entry: DocumentEntry) -> str:
    kind = entry.type_code.display if entry.type_code is not None else None
    if entry.title and kind and kind.casefold() not in entry.title.casefold():
        return f"{entry.title} ({kind.lower()})"
    return entry.title or kind or "een document zonder titel"
