"""What happened to a client's dossier, in plain Dutch (B1).

A person's name is told where the emergency procedure was used: then the client must be able to check who it was.
Source: NEN 7513: 9; GDPR 15, as read in CJEU C-579/21.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from xds.audit.events import EMERGENCY, KINDS, OWN
from xds.audit.nen7513 import account
from xds.audit.objects import named_recorder
from xds.audit.record import OPERATOR_ROLE
from xds.audit.report import why as why_of_each
from xds.consent.plain import PLAIN
from xds.model.audit import MAJOR, MINOR, SERIOUS, SUCCESS, Record
from xds.model.coded import Coded
from xds.model.viewer import Relation, Role
from xds.pages.client.reviews import Reviews
from xds.pages.documents import together

DEEDS: Mapping[str, str] = {
    "ITI-8": "Gaf gegevens {own} door, zoals het nummer.",
    "ITI-18": "Zocht welke documenten er zijn.",
    "retrieval-check": "Haalde een document op. Het systeem dat het bewaart, vroeg eerst of dat mocht.",
    "registration-check": "Zette een document klaar. Het systeem dat het bewaart, keek na of dat was gelukt.",
    "ITI-41": "Zette een document klaar voor andere zorgverleners.",
    "ITI-42": "Liet weten dat er een document is.",
    "ITI-43": "Opende een document.",
    "ITI-57": "Veranderde de gegevens over een document.",
    "ITI-62": "Haalde een document weg uit de lijst.",
    "ITI-86": "Verwijderde een document.",
    "start": "Het systeem werd gestart.",
    "stop": "Het systeem werd gestopt.",
    "unintelligible": "Stuurde een bericht dat niet te lezen was.",
    "node-authentication": "Kreeg geen verbinding.",
    "assertion-refused": "Probeerde zich aan te melden. Dat lukte niet.",
    "sign-in": "Meldde zich aan op deze website.",
    "sign-out": "Meldde zich af van deze website.",
    "launch-token": "Maakte een code waarmee iemand deze pagina kan openen.",
    "auditor-change": "Veranderde wie toezicht mag houden.",
    "consent-read": "Bekeek welke toestemming er is gegeven.",
    "patient-add": "Meldde {client} aan bij deze uitwisseling.",
    "patients-read": "Bekeek de lijst van cliënten.",
    "consent-change": "Legde een keuze over toestemming vast.",
    "participant-change": "Veranderde welke organisaties zijn aangesloten.",
    "configuration-change": "Veranderde een instelling van het systeem.",
    "log-read": "Bekeek wie het dossier heeft ingezien.",
    "log-export": "Bewaarde een lijst van wie het dossier heeft ingezien.",
    "hint-review": "Keek na of een inzage terecht was.",
    "log-verified": "Controleerde of het logboek klopt.",
    "log-retention": "Wiste oude regels van het logboek.",
}
"""By the names of `xds.audit.events.KINDS`; `{client}` is who is spoken to or about, `{own}` whose something is."""

TRIED: Mapping[str, str] = {
    "ITI-8": "Wilde gegevens {own} doorgeven.",
    "ITI-18": "Wilde zoeken welke documenten er zijn.",
    "retrieval-check": "Wilde een document ophalen. Het systeem dat het bewaart, vroeg of dat mocht.",
    "ITI-41": "Wilde een document klaarzetten voor andere zorgverleners.",
    "ITI-42": "Wilde laten weten dat er een document is.",
    "ITI-43": "Wilde een document openen.",
    "ITI-57": "Wilde de gegevens over een document veranderen.",
    "ITI-62": "Wilde een document weghalen uit de lijst.",
    "ITI-86": "Wilde een document verwijderen.",
    "consent-read": "Wilde zien welke toestemming er is gegeven.",
    "consent-change": "Wilde een keuze over toestemming vastleggen.",
    "log-read": "Wilde zien wie het dossier heeft ingezien.",
}
"""The same where it didn't go on; for what is not here the words of `DEEDS` do."""

MANY: Mapping[str, str] = {
    "ITI-41": "Zette {count} documenten klaar voor andere zorgverleners.",
    "ITI-42": "Liet weten dat er {count} documenten zijn.",
    "ITI-43": "Opende {count} documenten.",
    "ITI-57": "Veranderde de gegevens over {count} documenten.",
    "ITI-62": "Haalde {count} documenten weg uit de lijst.",
    "ITI-86": "Verwijderde {count} documenten.",
}
"""The same as `DEEDS` of several documents."""

_UNKNOWN_ORGANISATION = "Organisatie niet bekend"
_MAINTENANCE, _SUPERVISION = "Beheer van deze uitwisseling", "Toezicht op deze uitwisseling"
_OF_THE_EXCHANGE = {
    OPERATOR_ROLE.key: _MAINTENANCE,
    (Role.ADMINISTRATOR.value, OWN): _MAINTENANCE,
    (Role.AUDITOR.value, OWN): _SUPERVISION,
    (Role.PRIVACY_OFFICER.value, OWN): _SUPERVISION,
}
"""What those are called who work for no organisation but for all of them, by role."""
_VISITORS = {(relation.value, OWN) for relation in Relation}
_FAILED = {
    MINOR: "Dit is geweigerd.",
    SERIOUS: "Het verzoek was niet te begrijpen. Er is niets gebeurd.",
    MAJOR: "Dit is niet gelukt, door een storing of omdat de toegang niet klopte.",
}
_REFUSED, _PERMITTED, _NEUTRAL, _READ = "geweigerd", "toegestaan", "vastgelegd", "bekeken"
_UNLAWFUL = "achteraf niet in orde"
_NOT_DONE = "notice"
_NUMBERED = re.compile(r"de organisatie met (?:URA|nummer) ([0-9]{8})")
_BY = " door"
_CONSENT_CHANGE = KINDS["consent-change"].type
_AUTOMATIC = "Dit deed een computersysteem vanzelf. Er zat op dat moment niemand in het dossier te kijken."


class Known(NamedTuple):
    """What helps to tell a record: titles of the client's documents by uniqueId, organisations by URA, and roles."""

    titles: Mapping[str, str]
    organisations: Mapping[str, str]
    roles: Mapping[tuple[str, str], str]
    reviews: Reviews
    is_parent: bool

    @property
    def client(self) -> str:
        return "uw kind" if self.is_parent else "u"

    @property
    def own(self) -> str:
        return "van uw kind" if self.is_parent else "van u"


class Line(NamedTuple):
    """A record as the client reads it. `who` tells persons apart of whom no name is told, and is never shown.

    `seq` is its place in the log, by which those who answer questions find it.
    """

    seq: int
    moment: datetime
    organisation: str
    role: str
    person: str
    deed: str
    documents: tuple[str, ...]
    outcome: str
    mark: str
    why: str
    reason: str
    emergency: str | None
    automatic: str
    review: str
    who: str
    own: bool

    @property
    def by(self) -> str:
        """In what function it was done, and by whom, as far as that is told."""
        if not self.person:
            return self.role
        return f"{self.role} {self.person}" if self.role.endswith(_BY) else f"{self.role}, {self.person}"


def line_of(seq: int, record: Record, known: Known) -> Line:
    """A record in words."""
    user, person, recorder = record.user, record.user.person, named_recorder(record)
    outcome, mark, why = _decided(record, known.client)
    urgent = record.emergency is not None or EMERGENCY in record.kinds
    review = known.reviews.of(seq, record, urgent, outcome == _REFUSED)
    if outcome == _PERMITTED and (urgent or review.unlawful):
        outcome = _UNLAWFUL if review.unlawful else "noodknop gebruikt"
    return Line(
        seq,
        record.started,
        _organisation(record, known.organisations),
        _role(record, known),
        (person.name or f"zorgverlener met nummer {person.number}") if urgent and user.is_person else recorder,
        _changed(record, known) or _deed(record, mark, known),
        _documents(record, known.titles),
        outcome,
        "bad" if mark != _NOT_DONE and (urgent or review.unlawful) else mark,
        why if mark == _NOT_DONE else " ".join([why, *_why_else(record, known)]),
        _named(why_of_each(record, known.titles), known),
        (record.emergency or "geen reden opgegeven") if urgent else None,
        "" if user.is_person or recorder else _AUTOMATIC,
        review.text,
        recorder or "\n".join(map(account, filter(None, (person, user.responsible)))),
        person.role.key in _VISITORS,
    )


def _documents(record: Record, titles: Mapping[str, str]) -> tuple[str, ...]:
    unique_ids = dict.fromkeys(each.unique_id for each in record.documents)
    return together(titles.get(unique_id) for unique_id in unique_ids)


def _changed(record: Record, known: Known) -> str:
    """What was written in the consent register, in its own sentence; "" where nothing was."""
    if record.kinds[0] != _CONSENT_CHANGE or not record.things:
        return ""
    return _named(record.things[0].name or "", known)


def _named(text: str, known: Known) -> str:
    """A sentence of the log, with organisations by name where it has their numbers."""
    return _NUMBERED.sub(lambda found: known.organisations.get(found[1], found[0]), text)


def _deed(record: Record, mark: str, known: Known) -> str:
    """What happened. Who is refused and who signs in has one code: the outcome tells them apart."""
    names = [name for name, each in KINDS.items() if (each.event, each.type) == (record.event, record.kinds[0])]
    if not names:
        return record.kinds[0].display or record.kinds[0].code
    name, count = names[-1] if record.outcome == SUCCESS else names[0], len(record.documents)
    said = DEEDS[name]
    if mark == _NOT_DONE:
        said = TRIED.get(name, said)
    elif count > 1:
        said = MANY.get(name, said)
    return said.format(client=known.client, own=known.own, count=count)


def permitted(record: Record) -> bool:
    """Whether the rule that decided let something be seen."""
    match record.rule:
        case "consent":
            return record.checks[2] == "T"
        case "emergency":
            return record.checks[3] == "T"
    return record.rule in ("own-record", "registry")


def _decided(record: Record, client: str) -> tuple[str, str, str]:
    """The outcome in a word, its colour, and why."""
    failed = _FAILED.get(record.outcome, "")
    if not record.rule:
        if failed:
            return (
                _REFUSED if record.outcome == MINOR else "niet gelukt",
                _NOT_DONE,
                failed,
            )
        return _READ if record.action == "R" else _NEUTRAL, "plain", ""
    plain = PLAIN.get(record.rule)
    if permitted(record):
        said = record.reason if plain is None else (plain.permits or "").format(client=client)
        return ("niet gelukt", _NOT_DONE, failed) if failed else (_PERMITTED, "good", said)
    return _REFUSED, _NOT_DONE, record.reason if plain is None else (plain.refuses or "").format(client=client)


def _why_else(record: Record, known: Known) -> Iterator[str]:
    """Why documents might be seen that another rule let be seen than the record's."""
    by_rule: dict[str, list[str | None]] = {}
    for each in record.documents:
        plain = PLAIN.get(each.rule)
        if plain is not None and plain.permits is not None and each.rule != record.rule:
            by_rule.setdefault(plain.permits, []).append(known.titles.get(each.unique_id))
    for said, names in by_rule.items():
        yield f"Bij {', '.join(together(names))}: {said.format(client=known.client)}"


def _organisation(record: Record, known: Mapping[str, str]) -> str:
    """An organisation by name; of somebody who looked at these pages, where she came from."""
    person = record.user.person
    if not person.organisation:
        return _OF_THE_EXCHANGE.get(person.role.key, _UNKNOWN_ORGANISATION)
    name = person.organisation_name or known.get(person.organisation, f"organisatie met nummer {person.organisation}")
    return f"Via {name}" if person.role.key in _VISITORS else name


def _role(record: Record, known: Known) -> str:
    person = record.user.person
    if not record.user.is_person:
        if not named_recorder(record):
            return "computersysteem"
        return f"ingevoerd{_BY}" if record.kinds[0] == _CONSENT_CHANGE else f"gevraagd{_BY}"
    own = {
        Relation.CLIENT.value: "uw kind zelf" if known.is_parent else "u zelf",
        Relation.PARENT.value: "een ouder met gezag",
        Role.PRIVACY_OFFICER.value: "privacyfunctionaris (kijkt na of inzage mocht)",
        Role.AUDITOR.value: "auditor (controleert het logboek)",
        Role.ADMINISTRATOR.value: "beheerder",
        OPERATOR_ROLE.code: "beheerder van het systeem",
    }
    role = own.get(person.role.code) if person.role.scheme == OWN else None
    said = role or _function(person.role, known)
    said = said[:1].lower() + said[1:]
    responsible = record.user.responsible
    return said if responsible is None else f"{said}, in opdracht van een {_function(responsible.role, known).lower()}"


def _function(role: Coded, known: Known) -> str:
    return role.display or known.roles.get(role.key, role.code)
