"""Records as DICOM audit messages. Source: DICOM PS3.15: A.5; ITI TF-2: 3.20 and each transaction's audit section."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from xml.sax.saxutils import quoteattr

from xds.audit.events import EXPORT
from xds.audit.nen7513 import account, clean
from xds.audit.objects import PATIENT, Object, objects, protocols
from xds.model.audit import Person, Record
from xds.model.coded import Coded
from xds.model.visible import in_xml

SOURCE = Coded("110153", "DCM", "Source Role ID")
DESTINATION = Coded("110152", "DCM", "Destination Role ID")
_IP_ADDRESS = "2"
_SPECIAL = frozenset('&<>"')


def message(record: Record) -> bytes:
    """The AuditMessage of a record, as UTF-8 without an XML declaration."""
    parts = ["<AuditMessage>", _event(record), *_participants(record), _source(record)]
    parts += [_object(record, each) for each in objects(record)]
    return in_xml("".join([*parts, "</AuditMessage>"])).encode()


def _event(record: Record) -> str:
    attributes = _attributes(
        EventActionCode=record.action,
        EventDateTime=record.started.isoformat().replace("+00:00", "Z"),
        EventOutcomeIndicator=str(record.outcome),
    )
    outcome = f"<EventOutcomeDescription>{_text(record.outcome_text)}</EventOutcomeDescription>"
    return "".join(
        [
            f"<EventIdentification{attributes}>",
            _code("EventID", record.event),
            *(_code("EventTypeCode", kind) for kind in record.kinds),
            outcome if record.outcome_text else "",
            _code("PurposeOfUse", record.purpose) if record.purpose is not None else "",
            "</EventIdentification>",
        ]
    )


def _participants(record: Record) -> list[str]:
    """The person first, then whom they act for, then the two systems. Who sends the data is the source."""
    user = record.user
    found = []
    if user.is_person:
        found.append(_person(user.person, requestor=True, address=user.access_point))
        if user.responsible is not None:
            found.append(_person(user.responsible, requestor=False, address=""))
    theirs, ours = (DESTINATION, SOURCE) if record.event == EXPORT else (SOURCE, DESTINATION)
    system = record.system.certificate or user.person.number
    found.append(
        _participant(system, record.system.organisation_name, not user.is_person, user.access_point, theirs, "")
    )
    found.append(_participant(record.source.id, "", False, "", ours, ""))
    return found


def _person(person: Person, *, requestor: bool, address: str) -> str:
    organisation = f"{person.number}@{person.organisation}"
    return _participant(account(person), person.name or "", requestor, address, person.role, organisation)


def _participant(user_id: str, name: str, requestor: bool, address: str, role: Coded, other_id: str) -> str:
    attributes = _attributes(
        UserID=user_id,
        AlternativeUserID=other_id,
        UserName=name,
        UserIsRequestor=str(requestor).lower(),
        NetworkAccessPointID=address,
        NetworkAccessPointTypeCode=_IP_ADDRESS if address else "",
    )
    return f"<ActiveParticipant{attributes}>{_code('RoleIDCode', role)}</ActiveParticipant>"


def _source(record: Record) -> str:
    attributes = _attributes(AuditEnterpriseSiteID=record.source.site, AuditSourceID=record.source.id)
    kind = _attributes(**{"csd-code": record.source.kind})
    return f"<AuditSourceIdentification{attributes}><AuditSourceTypeCode{kind}/></AuditSourceIdentification>"


def _object(record: Record, each: Object) -> str:
    """The protocols have no place of their own in the message: they are details of the patient, or of every object."""
    details = list(each.details)
    if each.role == PATIENT or record.patient is None:
        details += [*protocols(record), *([("reason", record.reason)] if record.reason else [])]
    attributes = _attributes(
        ParticipantObjectID=each.id,
        ParticipantObjectTypeCode=str(each.classification),
        ParticipantObjectTypeCodeRole=str(each.role),
        ParticipantObjectDataLifeCycle=str(each.life_cycle),
        ParticipantObjectSensitivity=each.sensitivity,
    )
    named = f"<ParticipantObjectName>{_text(each.name)}</ParticipantObjectName>" if each.name else ""
    query = f"<ParticipantObjectQuery>{_base64(each.query)}</ParticipantObjectQuery>" if each.query else ""
    return "".join(
        [
            f"<ParticipantObjectIdentification{attributes}>",
            _code("ParticipantObjectIDTypeCode", each.kind),
            query or named,
            *(f"<ParticipantObjectDetail{_attributes(type=name, value=_base64(text))}/>" for name, text in details),
            "</ParticipantObjectIdentification>",
        ]
    )


@lru_cache(1024)
def _code(element: str, code: Coded) -> str:
    attributes = {"csd-code": code.code, "codeSystemName": code.scheme or "unknown", "displayName": code.display or ""}
    return f"<{element}{_attributes(**attributes, originalText=code.display or code.code)}/>"


def _attributes(**given: str) -> str:
    """Those that have a value."""
    return "".join([f" {name}={_quoted(value)}" for name, value in given.items() if value])


def _quoted(text: str) -> str:
    """As `quoteattr` does it, which takes ten times as long for what needs nothing."""
    return f'"{text}"' if text.isprintable() and _SPECIAL.isdisjoint(text) else quoteattr(clean(text))


def _text(text: str) -> str:
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
