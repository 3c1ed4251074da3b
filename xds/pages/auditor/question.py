"""What an auditor asks of the log: the words of an address as a selection, and back in Dutch.

A client is in an address only as the log's keyed hash; "-" stands for records that have no such value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from multidict import MultiDict

from xds.model.audit import LogSelection
from xds.pages.ask import Ask, Missing, Unclear
from xds.pages.auditor.timeline import edges
from xds.pages.period import Period, day_of, period_of

UZI_OID = "2.16.528.1.1007.3.1"
NONE = "-"
_HASH = 32


class Heading(NamedTuple):
    """A facet: its word in an address and what people call it. `texts` has the values that are codes of ours."""

    word: str
    label: str
    texts: Mapping[str, str] = {}


HEADINGS: dict[str, Heading] = {
    "outcome": Heading(
        "uitkomst",
        "Uitkomst",
        {"0": "gelukt", "4": "geweigerd", "8": "niet te verwerken", "12": "mislukt door storing"},
    ),
    "emergency": Heading("noodknop", "Noodknop", {"1": "gebruikt", "0": "niet gebruikt"}),
    "transaction": Heading(
        "gebeurtenis",
        "Gebeurtenis",
        {
            "ITI-8": "cliëntgegevens bijgewerkt",
            "ITI-18": "documenten gezocht",
            "retrieval-check": "opslag vroeg wat opgehaald mag worden",
            "registration-check": "opslag vroeg wat geregistreerd is",
            "ITI-41": "document aangeboden",
            "ITI-42": "document geregistreerd",
            "ITI-43": "document opgehaald",
            "ITI-57": "beschrijving gewijzigd",
            "ITI-62": "registratie verwijderd",
            "ITI-86": "document verwijderd",
            "start": "systeem gestart",
            "stop": "systeem gestopt",
            "unintelligible": "onleesbaar verzoek",
            "node-authentication": "verbinding geweigerd",
            "assertion-refused": "identiteit geweigerd",
            "sign-in": "aangemeld op de pagina's",
            "sign-out": "afgemeld van de pagina's",
            "launch-token": "toegang als cliënt gemaakt",
            "auditor-change": "toezichthouder gewijzigd",
            "consent-read": "toestemming bekeken",
            "patient-add": "cliënt bekendgemaakt",
            "patients-read": "cliënten opgesomd",
            "consent-change": "toestemming gewijzigd",
            "participant-change": "deelnemer gewijzigd",
            "configuration-change": "instelling gewijzigd",
            "log-read": "logboek bekeken",
            "log-export": "logboek geëxporteerd",
            "hint-review": "signaal beoordeeld",
            "log-verified": "logboek gecontroleerd",
            "log-retention": "oude regels gewist",
        },
    ),
    "organisation": Heading("organisatie", "Organisatie"),
    "role": Heading("rol", "Rol", {"DCM|110153": "computersysteem"}),
    "employee": Heading("medewerker", "Medewerker"),
    "patient": Heading("client", "Cliënt"),
    "purpose": Heading("doel", "Doel"),
    "rule": Heading(
        "regel",
        "Regel die besliste",
        {
            "consent": "toestemming",
            "own-record": "eigen document",
            "registry": "besluit van het register",
            "authorisation": "bevoegdheid van de rol",
            "treatment-relation": "behandelrelatie",
            "confidentiality": "vertrouwelijkheid",
            "purpose": "doel",
            "emergency": "noodknop",
            "no-policy": "geen beleid",
            "resource-id": "andere cliënt",
        },
    ),
    "action": Heading(
        "handeling",
        "Handeling",
        {"C": "vastgelegd", "R": "gelezen", "U": "gewijzigd", "D": "verwijderd", "E": "uitgevoerd"},
    ),
}
"""By the name that the log's index has for it, in the order of the page."""


class Question(NamedTuple):
    """`selection` is within what the auditor may see; `given` has the words of the address that count."""

    selection: LogSelection
    given: dict[str, str]
    since: date | None
    until: date | None

    def cut(self, first: int, last: int) -> Sequence[int]:
        """The steps of a timeline: of the period that is asked, or from the first to the last record."""
        since, below = self.selection.started_from, self.selection.started_below
        return edges(first, last) if since is None or below is None else edges(since, below - 1)

    @property
    def address(self) -> str:
        """The words of the address that choose records."""
        chosen = {"van", "tot", *(heading.word for heading in HEADINGS.values())}
        return urlencode([(name, value) for name, value in self.given.items() if name in chosen])

    @property
    def words(self) -> tuple[tuple[str, str], ...]:
        """The question as the record of this view has it: of a client only that there is one."""
        found = [(heading.label, self._said(name, heading)) for name, heading in HEADINGS.items()]
        return (*self.period.words, *((label, text) for label, text in found if text))

    def spelt(self, labels: Mapping[str, str | None]) -> list[tuple[str, str]]:
        """What was chosen besides the period, for who reads it: a client as the lists have one.

        `labels` are what people call the values that are not codes of ours, by the name of the facet.
        """
        given = [(name, heading, self.given.get(heading.word, "")) for name, heading in HEADINGS.items()]
        return [
            (heading.label, told(name, "" if value == NONE else value, labels.get(name) or ""))
            for name, heading, value in given
            if value
        ]

    @property
    def period(self) -> Period:
        return Period(self.since, self.until)

    def _said(self, name: str, heading: Heading) -> str:
        value = self.given.get(heading.word, "")
        if not value or name == "patient":
            return "gekozen" if value else ""
        return told(name, "" if value == NONE else value)


def question_of(ask: Ask, *, day: bool = False) -> Question:
    """What the address asks, or asks of one `day`.

    Unclear when a day can't be meant; Missing when something else can't.
    """
    given = {name: value for name, value in ask.query.items() if value}
    since = day_of(ask, "van") if day else None
    period = Period(since, since) if day else period_of(ask)
    selection = LogSelection(period.started_from, period.started_below)
    for name, heading in HEADINGS.items():
        if heading.word in given:
            selection = selection._replace(**{name: value_of(name, given[heading.word])})
    return Question(ask.scoped(selection), given, *period)


def question_in(ask: Ask, words: str) -> Question:
    """What an address with these words would ask."""
    try:
        return question_of(replace(ask, query=MultiDict(parse_qsl(words))))
    except Unclear:
        raise Missing from None


def microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def told(name: str, value: str, label: str = "") -> str:
    """A value of a facet, as people call it."""
    if not value:
        return "(niet vermeld)"
    if name == "patient":
        return f"cliënt {value[:8]}"
    return HEADINGS[name].texts.get(value) or label or value.partition("^")[0].rpartition("|")[2]


def value_of(name: str, text: str) -> str | int | bool | bytes:
    """What the log's index has for a word of the address; Missing when there can be nothing."""
    value = "" if text == NONE else text
    try:
        if name == "patient":
            if len(value) not in (0, _HASH):
                raise Missing
            return bytes.fromhex(value)
        if name == "outcome":
            return int(value)
        if name == "emergency":
            return bool(int(value))
    except ValueError:
        raise Missing from None
    if name == "employee" and value.isdigit():
        return f"{value}^^^&{UZI_OID}&ISO"
    return value
