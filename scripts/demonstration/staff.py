"""Who works in the month before the story, and at which organisation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from xds.cli.init import ORGANISATIONS
from xds.identity.codes import ACT_REASON, TREATMENT
from xds.identity.issue import ROLE_CODES
from xds.model.coded import Coded
from xds.model.party import Organisation, Participant, Person, Requester

NIGHT_LOOK = "Petra Vos"
MANY_FILES = "Daan Kuiper"
AT_NIGHT = frozenset({"Ine Kok", "Sanne Mulder", "Joris Prins"})
UZI = "2.16.528.1.1007.3.1"
_BREAKING = Coded("BTG", ACT_REASON)
_MIDWIFE = Coded("03.000", ROLE_CODES, "verloskundige")
_OBSTETRICIAN = Coded("01.046", ROLE_CODES, "gynaecoloog")
_PAEDIATRICIAN = Coded("01.019", ROLE_CODES, "kinderarts")
_NURSE = Coded("30.000", ROLE_CODES, "verpleegkundige")
_STAFF = {
    "midwife-practice": {_MIDWIFE: ("Fleur Bos", "Hanna Dijkstra", "Lotte Peters", "Mirjam de Wit", "Noortje Visser")},
    "hospital": {
        _OBSTETRICIAN: ("Ine Kok", "Karel Smits", "Rashid Amrani"),
        _PAEDIATRICIAN: ("Eline Groen", "Wouter Hendriks"),
        _MIDWIFE: (NIGHT_LOOK, "Sanne Mulder", "Tessa Brouwer"),
        _NURSE: ("Joris Prins", "Marloes Vink", "Ria Scholten", "Yvonne Maas"),
    },
    "jgz": {_NURSE: (MANY_FILES, "Bea Willems", "Gerda Post", "Ilse Ruiter", "Paula Blom")},
}


@dataclass(frozen=True)
class Employee:
    """Somebody at work; `organisation` is a key of ORGANISATIONS, `requester` what an assertion says of them."""

    name: str
    organisation: str
    requester: Requester

    @property
    def at(self) -> Organisation:
        return self.requester.organisation

    def in_emergency(self, reason: str) -> Requester:
        return replace(
            self.requester,
            purpose=_BREAKING,
            emergency=reason,
            assertion_id=f"{self.requester.assertion_id}-noodknop",
        )


def staff(participants: Iterable[Participant]) -> list[Employee]:
    """Everybody, at the participants of their organisations."""
    by_ura = {participant.organisation.ura: participant for participant in participants}
    return [
        Employee(name, key, _requester(by_ura[ORGANISATIONS[key].ura], Person(f"{number:09}", UZI, name, role)))
        for number, (key, role, name) in enumerate(_everybody(), 1001)
    ]


def _everybody() -> Iterator[tuple[str, Coded, str]]:
    for organisation, roles in _STAFF.items():
        for role, names in roles.items():
            for name in names:
                yield organisation, role, name


def _requester(participant: Participant, person: Person) -> Requester:
    organisation, issuer = participant.organisation, "https://issuer.example/test"
    return Requester(participant, person, organisation, TREATMENT, 4, issuer, f"_month-{person.number}")
