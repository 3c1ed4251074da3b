"""The closed authorisation question as a message.

Source: OASIS SAML 2.0 profile of XACML, version 2.0: 4; XACML 3.0: 5.42.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lxml import etree
from lxml.etree import _Element

from xds.model.consent import ORGANISATION_KINDS, URA_OID
from xds.model.hl7 import CX
from xds.model.party import Person, Requester

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
XACML = "urn:oasis:names:tc:xacml:3.0:core:schema:wd-17"
QUERY = "urn:oasis:names:tc:xacml:3.0:profile:saml2.0:v2:schema:protocol"
HL7 = "urn:hl7-org:v3"

ACTION = f"{QUERY}:XACMLAuthzDecisionQuery"
SUBJECT = "urn:oasis:names:tc:xacml:1.0:subject-category:access-subject"
RESOURCE = "urn:oasis:names:tc:xacml:3.0:attribute-category:resource"
WHAT = "urn:oasis:names:tc:xacml:3.0:attribute-category:action"
ENVIRONMENT = "urn:oasis:names:tc:xacml:3.0:attribute-category:environment"

PATIENT = "urn:oasis:names:tc:xacml:2.0:resource:resource-id"
HOLDER_KIND = "urn:ihe:iti:appc:2016:document-entry:healthcare-facility-type-code"
HOLDER = "urn:ihe:iti:appc:2016:author-institution:id"
CATEGORY = "urn:ihe:iti:appc:2016:document-entry:event-code"
ROLE = "urn:oasis:names:tc:xacml:2.0:subject:role"
PROVIDER = "urn:ihe:iti:xua:2017:subject:provider-identifier"
INSTITUTION = "urn:nl:otv:names:tc:1.0:subject:provider-institution"
INSTITUTION_KIND = "urn:nl:otv:names:tc:1.0:subject:consulting-healthcare-facility-type-code"
MANDATED = "urn:nl:otv:names:tc:1.0:subject:mandated"
PURPOSE = "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse"

CATEGORIES = "2.16.840.1.113883.2.4.3.111.5.10.1"
"""The coding scheme of the categories of data (gegevenscategorie)."""
PURPOSES = "2.16.840.1.113883.1.11.20448"
_KNOWN_PURPOSES = ("TREAT", "COC")
"""Mitz knows no emergency: it answers whether the client permits treatment, and the glass is broken here."""


def write_question(
    requester: Requester,
    patient: CX,
    holder: str,
    kind: str | None,
    categories: Sequence[str],
    *,
    url: str,
    query_id: str,
    now: datetime,
) -> bytes:
    """The SOAP message that asks for one decision on each category; its decisions say which they are on.

    `query_id` is an xs:ID, which the answer refers to.
    """
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP, "wsa": WSA})
    header = _add(envelope, SOAP, "Header")
    _add(header, WSA, "Action").text = ACTION
    _add(header, WSA, "MessageID").text = f"urn:uuid:{query_id.removeprefix('_')}"
    _add(header, WSA, "To").text = url
    query = etree.SubElement(
        _add(envelope, SOAP, "Body"),
        f"{{{QUERY}}}XACMLAuthzDecisionQuery",
        {
            "ID": query_id,
            "Version": "2.0",
            "IssueInstant": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "InputContextOnly": "false",
            "ReturnContext": "false",
        },
        nsmap={"xacml-samlp": QUERY, "xacml": XACML, "hl7": HL7},
    )
    request = _add(query, XACML, "Request", ReturnPolicyIdList="false", CombinedDecision="false")
    _subject(_group(request, SUBJECT), requester)
    resource = _group(request, RESOURCE)
    _number(resource, PATIENT, patient.number, patient.authority)
    if kind is not None:
        _code(resource, HOLDER_KIND, kind, ORGANISATION_KINDS)
    _number(resource, HOLDER, holder, URA_OID)
    for category in categories:
        _code(_group(request, WHAT), CATEGORY, category, CATEGORIES, returned=True)
    purpose = requester.purpose.code if requester.purpose.code in _KNOWN_PURPOSES else "TREAT"
    _code(_group(request, ENVIRONMENT), PURPOSE, purpose, PURPOSES)
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def _subject(group: _Element, requester: Requester) -> None:
    """A mandated user is named beside the person who is responsible."""
    provider: Person = requester.responsible or requester.user
    _code(group, ROLE, *provider.role.key)
    _number(group, PROVIDER, provider.number, provider.authority)
    _number(group, INSTITUTION, requester.organisation.ura, URA_OID)
    _code(group, INSTITUTION_KIND, requester.organisation.kind, ORGANISATION_KINDS)
    if requester.responsible is not None:
        _number(group, MANDATED, requester.user.number, requester.user.authority)


def _group(request: _Element, category: str) -> _Element:
    return _add(request, XACML, "Attributes", Category=category)


def _number(group: _Element, name: str, extension: str, root: str) -> None:
    """An instance identifier (II)."""
    value = _value(group, name, "II", returned=False)
    _add(value, HL7, "InstanceIdentifier", root=root, extension=extension)


def _code(group: _Element, name: str, code: str, system: str, *, returned: bool = False) -> None:
    """A coded value (CV). What is `returned` comes back with each decision."""
    _add(_value(group, name, "CV", returned=returned), HL7, "CodedValue", code=code, codeSystem=system)


def _value(group: _Element, name: str, datatype: str, *, returned: bool) -> _Element:
    attribute = _add(group, XACML, "Attribute", AttributeId=name, IncludeInResult=str(returned).lower())
    return _add(attribute, XACML, "AttributeValue", DataType=f"{HL7}#{datatype}")


def _add(parent: _Element, namespace: str, name: str, **attributes: str) -> _Element:
    return etree.SubElement(parent, f"{{{namespace}}}{name}", attributes)
