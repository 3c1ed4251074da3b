"""A change of the consent register as the log records it. Source: NEN 7513: 6 (changes of consent)."""

from __future__ import annotations

from datetime import datetime

from xds.consent.change import Outcome
from xds.model.audit import MINOR, SUCCESS, Access, Event, Thing
from xds.model.coded import Coded
from xds.model.consent import ChangeKind, ConsentChange
from xds.model.hl7 import CX, parse_cx
from xds.model.party import Participant

_KINDS = {
    ChangeKind.CONSENT: Coded("consent", "xds", "Toestemming of bezwaar"),
    ChangeKind.RELATION: Coded("treatment-relation", "xds", "Behandelrelatie"),
    ChangeKind.NOTICE: Coded("notice", "xds", "Kennisgeving aan de cliënt"),
    ChangeKind.BIRTH_DATE: Coded("birth-date", "xds", "Geboortedatum"),
}


def event_of(
    outcome: Outcome,
    patient_id: str,
    request_id: str,
    at: datetime,
    *,
    participant: Participant | None = None,
    operator: str = "",
) -> Event:
    """What the log must hold of a change, or of one that was refused, by a participant or at the command line."""
    changed = isinstance(outcome, ConsentChange)
    return Event(
        request_id,
        "consent-change",
        at,
        SUCCESS if changed else MINOR,
        participant=participant,
        operator=operator,
        accesses=(Access(_patient(patient_id)),),
        outcome_text="" if changed else "; ".join(outcome),
        things=(_thing(outcome),) if isinstance(outcome, ConsentChange) else (),
    )


def _thing(change: ConsentChange) -> Thing:
    number = "" if change.number is None else str(change.number)
    return Thing(_KINDS[change.kind], number, change.text, (("recorded_by", change.recorded_by),))


def _patient(patient_id: str) -> CX | None:
    try:
        return parse_cx(patient_id)
    except ValueError:
        return None
