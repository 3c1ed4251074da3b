"""A record's objects as the standards see them: the patient, the query, the documents, and what else was touched.

NEN 7513, DICOM and FHIR tell the same things of an object; this is what they are told from.
"""

from __future__ import annotations

from typing import NamedTuple

from xds.audit.events import IHE
from xds.model.audit import Record
from xds.model.coded import Coded

PERSON, SYSTEM_OBJECT = 1, 2
PATIENT, REPORT, SECURITY_RESOURCE, JOB, QUERY = 1, 3, 13, 20, 24
_CREATED, _AMENDED, _USED, _DISCLOSED, _DELETED = 1, 3, 6, 11, 14
_LIFE_CYCLES = {"C": _CREATED, "U": _AMENDED, "D": _DELETED}

_RFC_3881 = "RFC-3881"
_PATIENT_NUMBER = Coded("2", _RFC_3881, "Patient Number")
_REPORT_NUMBER = Coded("9", _RFC_3881, "Report Number")
_SUBMISSION_SET = Coded(
    "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd", "IHE XDS Metadata", "submission set classificationNode"
)
NO_PROTOCOL = "none: nothing was decided"


class Object(NamedTuple):
    """An object of an event. `kind` says what `id` is; `details` are names with their texts.

    `classification`, `role` and `life_cycle` are the numbers of DICOM. Source: NEN 7513: 7.4; DICOM PS3.15: A.5.2.
    """

    kind: Coded
    classification: int
    id: str
    role: int
    life_cycle: int
    name: str | None = None
    query: str = ""
    sensitivity: str = ""
    details: tuple[tuple[str, str], ...] = ()


def objects(record: Record) -> list[Object]:
    """The objects of a record, the patient first. Every record has one: without others, the request itself."""
    found = [*_patient(record), *_query(record), *_submission_set(record)]
    found += [_document(record, place) for place in range(len(record.documents))]
    found += [
        Object(thing.kind, SYSTEM_OBJECT, thing.id, SECURITY_RESOURCE, _USED, thing.name, details=thing.details)
        for thing in record.things
    ]
    return found or [Object(Coded("request", "xds", "Request"), SYSTEM_OBJECT, record.request_id, JOB, _USED)]


def named_recorder(record: Record) -> str:
    """The person whom a portal or an operator named as who recorded a consent, or looked at it; "" where none was."""
    named = (value for thing in record.things for name, value in thing.details if name == "recorded_by")
    return next(named, "").removeprefix(f"{record.user.person.organisation}:")


def protocols(record: Record) -> tuple[tuple[str, str], ...]:
    """What a decision rests on, by the name of the norm. Source: NEN 7513: 7.2.6, 7.4.6, 7.4.7, 7.4.8."""
    return (
        ("controles", record.checks),
        ("autorisatieprotocol", record.authorisation or NO_PROTOCOL),
        ("behandelrelatieprotocol", record.treatment_relation or NO_PROTOCOL),
        ("toestemmingsprofiel", record.consent or NO_PROTOCOL),
    )


def _patient(record: Record) -> list[Object]:
    if record.patient is None:
        return []
    return [Object(_PATIENT_NUMBER, PERSON, record.patient, PATIENT, _life_cycle(record))]


def _query(record: Record) -> list[Object]:
    if not record.query_id:
        return []
    transaction = next((kind for kind in record.kinds if kind.scheme == IHE), record.kinds[0])
    return [Object(transaction, SYSTEM_OBJECT, record.query_id, QUERY, _USED, query=record.query)]


def _submission_set(record: Record) -> list[Object]:
    if not record.submission_set:
        return []
    return [Object(_SUBMISSION_SET, SYSTEM_OBJECT, record.submission_set, JOB, _life_cycle(record))]


def _document(record: Record, place: int) -> Object:
    document = record.documents[place]
    details = (
        ("Repository Unique Id", document.repository),
        ("entryUUID", document.entry_uuid),
        ("rule", f"{document.rule} {document.version}".strip()),
        ("reason", document.reason),
    )
    given = tuple((name, text) for name, text in details if text)
    sensitivity = document.confidentiality
    life_cycle = _life_cycle(record)
    return Object(
        _REPORT_NUMBER, SYSTEM_OBJECT, document.unique_id, REPORT, life_cycle, sensitivity=sensitivity, details=given
    )


def _life_cycle(record: Record) -> int:
    if record.outcome == 0 and record.action == "R" and record.documents:
        return _DISCLOSED
    return _LIFE_CYCLES.get(record.action, _USED)
