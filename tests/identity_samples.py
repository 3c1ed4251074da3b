"""Statements of an issuer for tests, and messages with assertions in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import xmlsec
from lxml import etree
from lxml.etree import _Element

from xds import xmlio
from xds.errors import Fault
from xds.identity import Policy
from xds.identity.issue import Statement, TestIssuer

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
ISSUER = "https://issuer.example/saml"
AUDIENCE = "https://xds.example"
HOSPITAL, MIDWIFE = "00010990", "01234567"
NAMES = {HOSPITAL: "Ziekenhuis De Uiver", MIDWIFE: "Verloskundigenpraktijk De Ooievaar"}
CERTIFICATES = {HOSPITAL: "aa" * 32, MIDWIFE: "bb" * 32}
POLICY = Policy(AUDIENCE, timedelta(seconds=60), timedelta(minutes=10), 3, True)
PATIENT = "999911120^^^&2.16.840.1.113883.2.4.6.3&ISO"


def statement(ura: str = HOSPITAL, **changes: Any) -> Statement:
    """What a good assertion says."""
    return replace(Statement(AUDIENCE, ura, NAMES[ura], name="Anna Jansen"), **changes)


QUERY = (
    '<q:AdhocQueryRequest xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" '
    'xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><q:ResponseOption returnType="LeafClass"/>'
    '<r:AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"><r:Slot name="$XDSDocumentEntryPatientId">'
    f"<r:ValueList><r:Value>'{PATIENT.replace('&', '&amp;')}'</r:Value></r:ValueList></r:Slot>"
    '<r:Slot name="$XDSDocumentEntryStatus"><r:ValueList>'
    "<r:Value>('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')</r:Value></r:ValueList></r:Slot>"
    "</r:AdhocQuery></q:AdhocQueryRequest>"
)
"""FindDocuments of the patient."""


def message(*blocks: bytes | _Element, body: str = QUERY, beside: str = "") -> bytes:
    """A SOAP message with these in its Security header."""
    inside = b"".join(each if isinstance(each, bytes) else etree.tostring(each, with_tail=False) for each in blocks)
    head = f'<s:Envelope xmlns:s="{SOAP}" xmlns:w="{WSSE}"><s:Header><w:Security s:mustUnderstand="1">'
    tail = f"</w:Security>{beside}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    return head.encode() + inside + tail.encode()


def headers(*blocks: bytes | _Element, **more: str) -> tuple[_Element, ...]:
    """The header blocks of such a message as the server parses it."""
    return tuple(xmlio.parse(message(*blocks, **more))[0])


def subcode(fault: Fault) -> str:
    """The local name of a fault's subcode."""
    return (fault.subcode or "").rpartition("}")[2]


def sign(
    issuer: TestIssuer, assertion: _Element, change: Callable[[_Element], object] = lambda signature: None
) -> _Element:
    """Sign an assertion again, with a signature that `change` altered before its value was made."""
    # Parsed again, because lxml does not find the elements that xmlsec made.
    assertion = etree.fromstring(etree.tostring(issuer.sign(assertion)))
    signature = assertion.find(f"{DS}Signature")
    change(signature)
    context = xmlsec.SignatureContext()
    context.key = issuer.key
    context.register_id(assertion, "ID")
    context.sign(signature)
    return assertion
