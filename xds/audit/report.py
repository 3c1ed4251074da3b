"""The overviews of NEN 7513, in plain Dutch and by the clocks of the Netherlands. Source: NEN 7513: 9 and its annex."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from xds.audit.events import EMERGENCY
from xds.audit.nen7513 import account
from xds.audit.objects import named_recorder
from xds.model.audit import Record
from xds.model.dutch_time import dutch_day, dutch_time
from xds.model.hl7 import parse_cx

_VERBS = {
    "ITI-8": "wijzigde de gegevens van de cliënt",
    "ITI-18": "zocht naar documenten",
    "retrieval-check": "haalde op (de opslag vroeg of dat mocht)",
    "registration-check": "stelde beschikbaar (de opslag keek na of dat was gelukt)",
    "ITI-41": "stelde beschikbaar",
    "ITI-42": "registreerde",
    "ITI-43": "bekeek",
    "ITI-57": "wijzigde de beschrijving van",
    "ITI-62": "verwijderde",
    "ITI-86": "verwijderde",
    "launch-token": "maakte een sleutel tot de pagina van de cliënt",
    "consent-change": "legde een toestemming of bezwaar vast",
    "consent-read": "bekeek toestemmingen en bezwaren",
    "patient-add": "maakte de cliënt bekend",
    "patients-read": "bekeek de lijst van cliënten",
    "log-read": "las de logging",
    "log-export": "exporteerde logging",
}
_SYSTEM = "computersysteem"
_UNDECIDED = "geen: hier was niets te beslissen"
_OUTCOMES = {0: "", 4: "geweigerd", 8: "niet verwerkt", 12: "mislukt door een storing"}


class Overview(StrEnum):
    """Which overview: for the client, of an organisation on a day, of an employee, or of a dossier."""

    CLIENT = "client"
    DAY = "day"
    EMPLOYEE = "employee"
    DOSSIER = "dossier"


class Row(NamedTuple):
    """A line of an overview. `times` says how many similar lines of one day it stands for."""

    day: str
    time: str
    organisation: str
    role: str
    employee: str
    client: str
    action: str
    documents: tuple[str, ...]
    result: str
    emergency: bool
    authorisation: str
    consent: str
    reason: str
    times: int = 1

    @property
    def text(self) -> str:
        """The line in a sentence: 12 maart 2025 14:05 — Verloskundige, praktijk X — bekeek: echo — noodknop: nee."""
        who = ", ".join(part for part in (self.employee, self.role, self.organisation) if part)
        what = f"{self.action}: {', '.join(self.documents)}" if self.documents else self.action
        parts = [f"{self.day} {self.time}", who, what, *([self.result] if self.result else [])]
        parts += [f"cliënt {self.client}"] if self.client else []
        parts.append(f"noodknop: {'ja' if self.emergency else 'nee'}")
        if self.times > 1:
            parts.append(f"{self.times} keer op deze dag")
        return " — ".join(parts)

    @property
    def explained(self) -> str:
        """The sentence with why it was allowed or not, where that was decided."""
        return f"{self.text} — reden: {self.reason}" if self.reason else self.text


def rows(overview: Overview, records: Iterable[Record], titles: Mapping[str, str]) -> list[Row]:
    """The lines of an overview, oldest first. `titles` names documents by their uniqueId, as far as that is known.

    In the client's own overview employees have no names, and similar lines of one day are one.
    """
    named = overview is not Overview.CLIENT
    with_client = overview in (Overview.DAY, Overview.EMPLOYEE)
    ordered = sorted(records, key=lambda record: record.started)
    found = [_row(record, titles, named=named, with_client=with_client) for record in ordered]
    return found if named else _merged(found)


def _row(record: Record, titles: Mapping[str, str], *, named: bool, with_client: bool) -> Row:
    local = dutch_time(record.started)
    person = record.user.person
    responsible = record.user.responsible
    role = (person.role.display or person.role.code) if record.user.is_person else _SYSTEM
    if responsible is not None:
        role += f" namens {responsible.role.display or responsible.role.code}"
    kind = record.kinds[0]
    return Row(
        dutch_day(record.started),
        local.strftime("%H:%M"),
        person.organisation_name or (f"URA {person.organisation}" if person.organisation else ""),
        role,
        _employee(record) if named else "",
        parse_cx(record.patient).number if with_client and record.patient else "",
        _VERBS.get(kind.code, kind.display or kind.code),
        tuple(titles.get(document.unique_id) or document.unique_id for document in record.documents),
        _OUTCOMES.get(record.outcome, ""),
        EMERGENCY in record.kinds,
        record.authorisation or _UNDECIDED,
        record.consent or _UNDECIDED,
        why(record, titles),
    )


def why(record: Record, titles: Mapping[str, str]) -> str:
    """Why it was allowed or not: where that differs by document, of each."""
    reasons = record.reasons
    if not reasons:
        return record.reason
    return " ".join(
        f"{', '.join(titles.get(each.unique_id) or each.unique_id for each in documents)}: {reason}"
        for reason, documents in reasons.items()
    )


def _employee(record: Record) -> str:
    """Who did it; of a consent the one whom the system, or who was at work at it, named as who recorded it."""
    person, recorder = record.user.person, named_recorder(record)
    if not record.user.is_person:
        return recorder
    return recorder or person.name or account(person)


def _merged(found: Iterable[Row]) -> list[Row]:
    """Similar lines of one day as one, at the first time. Source: NEN 7513: 9."""
    first: dict[Row, Row] = {}
    for row in found:
        similar = row._replace(time="")
        known = first.get(similar)
        first[similar] = row if known is None else known._replace(times=known.times + 1)
    return list(first.values())
