"""A record's codes in Dutch, for who reads one on a page; its lists in JSON and CSV have the codes themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from xds.audit.objects import NO_PROTOCOL
from xds.model.audit import Record
from xds.model.coded import Coded
from xds.pages.auditor.question import HEADINGS, told
from xds.pages.listing import shown

_CHECKS = ("Bevoegd volgens de rol", "Behandelrelatie", "Toestemming", "Noodknop gebruikt")
_CODES = {
    "110100": "gebruik van het systeem",
    "110101": "gebruik van het logboek",
    "110106": "gegevens verstrekt",
    "110107": "gegevens ontvangen",
    "110110": "dossier van een cliënt",
    "110112": "zoekvraag",
    "110113": "beveiliging",
    "110114": "aanmelding van een gebruiker",
    "110120": "systeem gestart",
    "110121": "systeem gestopt",
    "110122": "aangemeld",
    "110123": "afgemeld",
    "110126": "verbinding geweigerd",
    "110127": "noodknop gebruikt",
    "110131": "instelling gewijzigd",
    "110132": "deelnemer gewijzigd",
    "110137": "toezichthouder gewijzigd",
    "2": "cliëntnummer",
    "9": "documentnummer",
    "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd": "inzending van documenten",
    "request": "verzoek",
}
_CODED_FIELDS = frozenset({"7.2.1", "7.2.4", "7.4.1"})
_PROOFS = {"registered": "aanmelding door de organisatie", "published": "een document dat de organisatie plaatste"}
_PROOF = re.compile(r"(registered|published):(\d+)")
_ACTIONS = HEADINGS["action"].texts
_NOT_ASKED = frozenset({"authorisation", "purpose", "treatment-relation", "registry"})
"""Rules that refuse before a client's consent is looked at."""
_PROTOCOLS = frozenset({"7.4.6", "7.4.7", "7.4.8"})


def decision(record: Record) -> Iterator[tuple[str, str]]:
    """What decided, and on what that rests; a rule that stands in the place of what there was not is left out."""
    if record.rule == "consent":
        yield "Regel die besliste", "toestemming"
        yield "Keuze van de cliënt", _choice(record.version)
    elif record.rule:
        yield "Regel die besliste", told("rule", record.rule)
        yield "Versie van die regel", record.version or "niet vermeld"
    for label, letter in zip(_CHECKS, record.checks, strict=True):
        yield label, _held(record, label, letter == "T")
    filler = f"{record.rule} {record.version}"
    if record.authorisation not in ("", filler):
        yield "Autorisatiematrix", _protocol(record.authorisation, "7.4.6")
    if record.treatment_relation not in ("", filler):
        yield "Behandelrelatie blijkt uit", _protocol(record.treatment_relation, "7.4.7")
    if record.consent not in ("", filler) and record.rule != "consent":
        yield "Keuze van de cliënt", _choice(record.consent)


def in_dutch(number: str, name: str, value: str | Coded | None, record: Record) -> str | None:
    """The value of a field of the norm."""
    if isinstance(value, Coded):
        text = (_CODES.get(value.code) or told("transaction", value.code)) if number in _CODED_FIELDS else value.display
        return f"{text} ({value.code})" if text and text != value.code else value.code
    if value is None:
        return None
    if number == "7.2.2":
        return f"{value} ({_ACTIONS[value]})" if value in _ACTIONS else value
    if number == "7.2.3":
        return f"{shown(datetime.fromisoformat(value))} (in UTC: {value})"
    if number == "7.2.6":
        held = zip(_CHECKS, value, strict=True)
        return "; ".join(f"{label.lower()}: {_held(record, label, letter == 'T')}" for label, letter in held)
    if number in _PROTOCOLS:
        return _of_protocol(value, number, record)
    if name == "isInitiator":
        return "ja"
    if name == "typeToegangspunt":
        return f"netwerkadres ({value})"
    if name == "regel":
        return " ".join(text for _, text in list(decision(record))[:2])
    return value


def _held(record: Record, label: str, held: bool) -> str:
    """Whether a check held; what is not looked at has the letter of what is not there."""
    if label == "Toestemming" and not held:
        if record.rule == "own-record":
            return "niet nodig"
        if record.rule in _NOT_ASKED:
            return "niet nagekeken"
    return shown(held)


def _of_protocol(value: str, number: str, record: Record) -> str:
    if value == NO_PROTOCOL:
        return "geen: hierover is niets besloten"
    if value == f"{record.rule} {record.version}":
        if record.rule == "consent" and number == "7.4.8":
            return _choice(record.version)
        rule = told("rule", record.rule)
        return f"niet van toepassing: de regel “{rule}” besliste"
    return _protocol(value, number)


def _protocol(value: str, number: str) -> str:
    proof = _PROOF.fullmatch(value)
    if proof is not None:
        return f"{_PROOFS[proof[1]]} (nummer {proof[2]})"
    if number == "7.4.6":
        return "besluit van het register" if value == "registry" else f"versie {value}"
    return _choice(value) if number == "7.4.8" else value


def _choice(profile: str) -> str:
    """The number of a choice in the register of consents; a source elsewhere has names of its own."""
    return f"nummer {profile}" if profile.isdigit() else profile or "niet vermeld"
