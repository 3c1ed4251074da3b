"""Records as FHIR R4 AuditEvents. Source: IHE BALP 1.1; HL7 FHIR R4: AuditEvent."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from xds.audit.dicom import DESTINATION, SOURCE
from xds.audit.events import EXPORT, IHE
from xds.audit.objects import PATIENT, Object, objects, protocols
from xds.model.audit import Person, Record
from xds.model.coded import Coded
from xds.model.hl7 import parse_cx

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_SYSTEMS = {"DCM": "http://dicom.nema.org/resources/ontology/DCM", IHE: "urn:ihe:event-type-code"}
_RECIPIENT = {"system": f"{_TERMINOLOGY}v3-ParticipationType", "code": "IRCP", "display": "information recipient"}
_DELEGATOR = {"system": f"{_TERMINOLOGY}v3-ParticipationType", "code": "RESP", "display": "responsible party"}
_PROVIDER = {"system": f"{_TERMINOLOGY}v3-RoleClass", "code": "PROV", "display": "healthcare provider"}
_ASSURANCE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/ihe-assuranceLevel"
_URI = "urn:ietf:rfc:3986"
URA = "2.16.528.1.1007.3.3"
_IP_ADDRESS = "2"


def audit_event(seq: int, record: Record) -> dict[str, Any]:
    """The AuditEvent of a record, ready for JSON; `seq` is its place in the log."""
    moment = record.started.isoformat().replace("+00:00", "Z")
    return _without_empty(
        {
            "resourceType": "AuditEvent",
            "id": f"log-{seq}",
            "type": _coding(record.event),
            "subtype": [_coding(kind) for kind in record.kinds],
            "action": record.action,
            "period": {"start": moment},
            "recorded": moment,
            "outcome": str(record.outcome),
            "outcomeDesc": record.outcome_text or record.reason,
            "purposeOfEvent": [] if record.purpose is None else [_concept(record.purpose)],
            "agent": _agents(record),
            "source": {
                "site": record.source.site,
                "observer": {"display": record.source.id},
                "type": [{"system": f"{_TERMINOLOGY}security-source-type", "code": record.source.kind}],
            },
            "entity": [_entity(record, each) for each in objects(record)],
        }
    )


def _agents(record: Record) -> list[dict[str, Any]]:
    """The two systems, the person with their organisation, and whom they act for."""
    user, system = record.user, record.system
    theirs, ours = (DESTINATION, SOURCE) if record.event == EXPORT else (SOURCE, DESTINATION)
    network = {"address": user.access_point, "type": _IP_ADDRESS} if user.access_point else None
    agents = [
        {
            "type": _concept(theirs),
            "who": {"identifier": {"value": system.certificate or user.person.number}},
            "name": system.organisation_name,
            "requestor": not user.is_person,
            "network": network,
        },
        {"type": _concept(ours), "who": {"display": record.source.id}, "requestor": False},
    ]
    if user.is_person:
        agents += [_user(record, network), _organisation(user.person)]
        if user.responsible is not None:
            agents.append(_agent(user.responsible, _DELEGATOR, requestor=False))
    return agents


def _user(record: Record, network: dict[str, str] | None) -> dict[str, Any]:
    """Source: IHE BALP: 3:5.7.5 SAML Access Token."""
    user = record.user
    level = {"url": _ASSURANCE, "valueCodeableConcept": {"text": str(user.assurance)}}
    return {
        **_agent(user.person, _RECIPIENT, requestor=True),
        "extension": [level] if user.assurance else [],
        "altId": user.local_id,
        "policy": [user.assertion_id] if user.assertion_id else [],
        "network": network,
        "purposeOfUse": [] if record.purpose is None else [_concept(record.purpose)],
    }


def _agent(person: Person, participation: dict[str, str], *, requestor: bool) -> dict[str, Any]:
    return {
        "type": {"coding": [participation]},
        "role": [_concept(person.role)],
        "who": {"identifier": {"system": f"urn:oid:{person.authority}", "value": person.number}},
        "name": person.name,
        "requestor": requestor,
    }


def _organisation(person: Person) -> dict[str, Any]:
    identifier = {"system": f"urn:oid:{URA}", "value": person.organisation}
    return {
        "type": {"coding": [_PROVIDER]},
        "who": {"identifier": identifier, "display": person.organisation_name},
        "requestor": False,
    }


def _entity(record: Record, each: Object) -> dict[str, Any]:
    details = list(each.details)
    if each.role == PATIENT or record.patient is None:
        details += protocols(record)
    return {
        "what": {"identifier": _identifier(each)},
        "type": {"system": f"{_TERMINOLOGY}audit-entity-type", "code": str(each.classification)},
        "role": {"system": f"{_TERMINOLOGY}object-role", "code": str(each.role)},
        "lifecycle": {"system": f"{_TERMINOLOGY}dicom-audit-lifecycle", "code": str(each.life_cycle)},
        "securityLabel": [{"system": f"{_TERMINOLOGY}v3-Confidentiality", "code": each.sensitivity}]
        if each.sensitivity
        else [],
        "name": None if each.query else each.name,
        "query": b64encode(each.query.encode()).decode(),
        "detail": [{"type": name, "valueString": text} for name, text in details],
    }


def _identifier(each: Object) -> dict[str, Any]:
    kind = {"coding": [_coding(each.kind)]}
    if each.role == PATIENT:
        patient = parse_cx(each.id)
        return {"type": kind, "system": f"urn:oid:{patient.authority}", "value": patient.number}
    if each.id.startswith("urn:"):
        return {"type": kind, "system": _URI, "value": each.id}
    return {"type": kind, "value": each.id}


def _coding(code: Coded) -> dict[str, str]:
    system = _SYSTEMS.get(code.scheme) or (f"urn:oid:{code.scheme}" if code.scheme[:1].isdigit() else code.scheme)
    return {"system": system, "code": code.code, "display": code.display or ""}


def _concept(code: Coded) -> dict[str, Any]:
    return {"coding": [_coding(code)]}


def _without_empty(value: Any) -> Any:
    """FHIR has no empty texts, lists or objects."""
    if isinstance(value, dict):
        kept = {name: _without_empty(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each not in (None, "", [], {})}
    return [_without_empty(each) for each in value] if isinstance(value, list) else value
