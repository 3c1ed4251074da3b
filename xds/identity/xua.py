"""The Dutch attribute set of a SAML assertion, read into a `Requester`.

Source: ITI TF-2: 3.40.4.1.2; OASIS XSPA profile of SAML; the Dutch attribute set as Mitz and Twiin publish it.
"""

from __future__ import annotations

from lxml.etree import _Element

from xds.identity.codes import EMERGENCIES, PURPOSES, URA_OID
from xds.identity.faults import failed_authentication, invalid_token
from xds.identity.saml import SAML
from xds.model.affinity_domain import BSN_OID
from xds.model.bsn import is_valid_bsn
from xds.model.coded import Coded
from xds.model.hl7 import CX, is_oid
from xds.model.party import Organisation, Participant, Person, Requester

PROVIDER = "urn:ihe:iti:xua:2017:subject:provider-identifier"
ROLE = "urn:oasis:names:tc:xacml:2.0:subject:role"
INSTITUTION = "urn:nl:otv:names:tc:1.0:subject:provider-institution"
PURPOSE = "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse"
MANDATED = "urn:nl:otv:names:tc:1.0:subject:mandated"
NAME = "urn:oasis:names:tc:xspa:1.0:subject:subject-id"
ORGANISATION = "urn:oasis:names:tc:xspa:1.0:subject:organization"
RESOURCES = (
    "urn:oasis:names:tc:xacml:2.0:resource:resource-id",
    "urn:oasis:names:tc:xacml:1.0:resource:resource-id",
)
_NAMESPACES = ("", "{urn:hl7-org:v3}")
_MOST = 256
_MOST_OF_A_REASON = 1000


def read_requester(assertion: _Element, issuer: str, assurance: int, participant: Participant) -> Requester:
    """The person behind a request; a fault names the attribute that is absent or wrong.

    The organisation must be the participant's. A mandated user acts for the provider, in the provider's role.
    """
    attributes = _attributes(assertion)
    provider = _number(attributes, PROVIDER)
    role = _coded(_value(attributes, ROLE), ROLE)
    ura = _ura(attributes)
    purpose, emergency = _purpose(_value(attributes, PURPOSE))
    if ura != participant.organisation.ura:
        raise failed_authentication("the assertion is of another organisation than the client certificate")
    name = _text(attributes, NAME)
    user, responsible = Person(provider.number, provider.authority, name, role), None
    if MANDATED in attributes:
        mandated = _number(attributes, MANDATED)
        responsible = Person(provider.number, provider.authority, None, role)
        user = Person(mandated.number, mandated.authority, name, role)
    own = participant.organisation
    return Requester(
        participant=participant,
        user=user,
        organisation=Organisation(own.ura, _text(attributes, ORGANISATION) or own.name, own.kind),
        purpose=purpose,
        assurance=assurance,
        issuer=issuer,
        assertion_id=assertion.get("ID", ""),
        patient=_patient(attributes),
        responsible=responsible,
        emergency=emergency,
    )


def organisation_of(assertion: _Element) -> str:
    """The URA of the organisation that the person works for."""
    return _ura(_attributes(assertion))


def _ura(attributes: dict[str, _Element]) -> str:
    institution = _number(attributes, INSTITUTION)
    if institution.authority != URA_OID:
        raise invalid_token("provider-institution is not a URA")
    return institution.number


def _attributes(assertion: _Element) -> dict[str, _Element]:
    """The attributes by name. One that comes twice is refused: who reads it could be meant to take the other."""
    found: dict[str, _Element] = {}
    for statement in assertion.findall(f"{{{SAML}}}AttributeStatement"):
        for attribute in statement.findall(f"{{{SAML}}}Attribute"):
            name = attribute.get("Name", "")
            if name in found:
                raise invalid_token("an attribute comes twice")
            found[name] = attribute
    return found


def _value(attributes: dict[str, _Element], name: str) -> _Element:
    """The one value of an attribute that must be there."""
    if name not in attributes:
        raise invalid_token(f"the attribute {name} is absent")
    values = attributes[name].findall(f"{{{SAML}}}AttributeValue")
    if len(values) != 1:
        raise invalid_token(f"expected one value of {name}, found {len(values)}")
    return values[0]


def _typed(value: _Element, marks: str, name: str) -> _Element | None:
    """The element of an HL7 v3 datatype: the value itself, or its only child; None when the value is plain text.

    `marks` is the XML attribute by which it is recognised.
    """
    if value.get(marks) is not None:
        return value
    if not len(value):
        return None
    child = value[0]
    if len(value) > 1 or child.get(marks) is None or child.tag[: child.tag.find("}") + 1] not in _NAMESPACES:
        raise invalid_token(f"the value of {name} is not of an HL7 datatype")
    return child


def _number(attributes: dict[str, _Element], name: str) -> CX:
    """An instance identifier (II)."""
    found = _typed(_value(attributes, name), "extension", name)
    if found is None:
        raise invalid_token(f"the value of {name} is not an instance identifier")
    return CX(_printable(found.get("extension", ""), name), _oid(found.get("root", ""), name))


def _coded(value: _Element, name: str) -> Coded:
    """A coded value (CE or CV)."""
    found = _typed(value, "code", name)
    if found is None:
        raise invalid_token(f"the value of {name} is not a code")
    display = found.get("displayName")
    return Coded(
        _printable(found.get("code", ""), name),
        _oid(found.get("codeSystem", ""), name),
        _printable(display, name) if display else None,
    )


def _purpose(value: _Element) -> tuple[Coded, str | None]:
    """The purpose of use in our own terms, and the reason of an emergency.

    Source: OASIS XSPA profile of SAML: 2.11; HL7 ActReason.
    """
    found = _typed(value, "code", PURPOSE)
    if found is None:
        key = (value.text or "").strip(), ""
    else:
        key = found.get("code", ""), found.get("codeSystem", "").removeprefix("urn:oid:")
    purpose = PURPOSES.get(key)
    if purpose is None:
        raise invalid_token("the purpose of use is not known")
    if purpose not in EMERGENCIES:
        return purpose, None
    texts = [child for child in found if child.tag.rpartition("}")[2] == "originalText"] if found is not None else []
    reason = " ".join((texts[0].text or "").split()) if len(texts) == 1 and not len(texts[0]) else ""
    if not reason or not reason.isprintable() or len(reason) > _MOST_OF_A_REASON:
        raise invalid_token("an emergency needs its reason, as the originalText of the purpose of use")
    return purpose, reason


def _patient(attributes: dict[str, _Element]) -> CX | None:
    """The patient that the assertion is limited to, in either spelling of resource-id; both must agree."""
    found = {_resource(_value(attributes, name), name) for name in RESOURCES if name in attributes}
    if len(found) > 1:
        raise invalid_token("the two spellings of resource-id don't agree")
    return found.pop() if found else None


def _resource(value: _Element, name: str) -> CX:
    typed = _typed(value, "extension", name)
    if typed is not None:
        number, authority = typed.get("extension", ""), typed.get("root", "")
    else:
        parts = (value.text or "").strip().split("^")
        assigner = parts[3].split("&") if len(parts) == 4 and not parts[1] and not parts[2] else []
        if len(assigner) != 3 or assigner[0] or assigner[2] != "ISO":
            raise invalid_token("resource-id is neither number^^^&OID&ISO nor an instance identifier")
        number, authority = parts[0], assigner[1]
    cx = CX(_printable(number, name), _oid(authority, name))
    if "^" in cx.number or (cx.authority == BSN_OID and not is_valid_bsn(cx.number)):
        raise invalid_token("resource-id is not the number of a patient")
    return cx


def _text(attributes: dict[str, _Element], name: str) -> str | None:
    """A plain text; None when the attribute is absent or empty."""
    if name not in attributes:
        return None
    value = _value(attributes, name)
    if len(value):
        raise invalid_token(f"the value of {name} is not a text")
    text = " ".join((value.text or "").split())
    return _printable(text, name) if text else None


def _oid(text: str, name: str) -> str:
    oid = text.strip().removeprefix("urn:oid:")
    if not is_oid(oid):
        raise invalid_token(f"the code system or root of {name} is not an OID")
    return oid


def _printable(text: str, name: str) -> str:
    """Text without control characters, which could deceive who reads a log."""
    text = text.strip()
    if not text or len(text) > _MOST or not text.isprintable():
        raise invalid_token(f"the value of {name} is empty, too long, or not printable")
    return text
