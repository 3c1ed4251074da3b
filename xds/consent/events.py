"""The use of the consent register as the log records it. Source: NEN 7513: 6 (changes of consent, and access)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from xds.consent.change import Outcome
from xds.model.audit import MINOR, SUCCESS, Access, Document, Event, Thing
from xds.model.coded import Coded
from xds.model.consent import ChangeKind, ConsentChange
from xds.model.hl7 import parse_cx
from xds.model.party import Participant

_KINDS = {
    ChangeKind.CONSENT: Coded("consent", "xds", "Toestemming of bezwaar"),
    ChangeKind.RELATION: Coded("treatment-relation", "xds", "Behandelrelatie"),
    ChangeKind.NOTICE: Coded("notice", "xds", "Kennisgeving aan de cliënt"),
    ChangeKind.BIRTH_DATE: Coded("birth-date", "xds", "Geboortedatum"),
}
_LOOK = Coded("consents", "xds", "Toestemmingen en bezwaren")


def event_of(
    outcome: Outcome,
    patient_id: str,
    request_id: str,
    at: datetime,
    *,
    participant: Participant | None = None,
    operator: str = "",
    address: str = "",
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
        address=address,
        accesses=(access_to(patient_id),),
        outcome_text="" if changed else "; ".join(outcome),
        things=(_thing(outcome),) if isinstance(outcome, ConsentChange) else (),
    )


def look_of(
    accesses: Iterable[tuple[str, Sequence[Document]]],
    what: str,
    request_id: str,
    at: datetime,
    *,
    participant: Participant | None = None,
    operator: str = "",
    address: str = "",
    recorded_by: str = "",
) -> Event:
    """What the log must hold of a look at what clients allow: of whom, with the documents that it was about.

    `what` names the question. `recorded_by` is the person who asks, as a portal names them.
    """
    details = (("recorded_by", recorded_by),) if recorded_by else ()
    return Event(
        request_id,
        "consent-read",
        at,
        SUCCESS,
        participant=participant,
        operator=operator,
        address=address,
        accesses=tuple(access_to(*access) for access in accesses),
        things=(Thing(_LOOK, what, details=details),),
    )


def _thing(change: ConsentChange) -> Thing:
    number = "" if change.number is None else str(change.number)
    return Thing(_KINDS[change.kind], number, change.text, (("recorded_by", change.recorded_by),))


def access_to(patient_id: str, documents: Sequence[Document] = ()) -> Access:
    """What concerns a client, as it was asked for."""
    try:
        return Access(parse_cx(patient_id), None, documents)
    except ValueError:
        return Access(None, None, documents)
