"""The answer to a closed authorisation question.

Source: OASIS SAML 2.0 profile of XACML, version 2.0: 4.4; XACML 3.0: 5.47.
"""

from __future__ import annotations

from collections.abc import Collection

from lxml.etree import _Element

from xds import xmlio
from xds.errors import XdsError
from xds.mitz.question import CATEGORIES, CATEGORY, HL7, SOAP, WHAT, XACML

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
MAX_BYTES = 1 << 20


class Unintelligible(XdsError):
    """An answer that says nothing; the text says why and quotes nothing of it."""


def read_answer(content: bytes, query_id: str, asked: Collection[str]) -> dict[str, str]:
    """The decision on each category that has one: Permit, Deny, Indeterminate or NotApplicable.

    Unintelligible when the answer is not to this query, is no success, or has two decisions on one category.
    """
    try:
        envelope = xmlio.parse(content, max_bytes=MAX_BYTES)
    except xmlio.Malformed:
        raise Unintelligible("it is not XML") from None
    response = _only(_only(envelope, SOAP, "Body"), SAMLP, "Response")
    if response.get("InResponseTo") != query_id:
        raise Unintelligible("it answers another question")
    status = _only(_only(response, SAMLP, "Status"), SAMLP, "StatusCode")
    if status.get("Value") != SUCCESS:
        raise Unintelligible("its status is not Success")
    statement = _only(_only(response, SAML, "Assertion"), SAML, "Statement")
    decisions: dict[str, str] = {}
    for result in _only(statement, XACML, "Response").findall(f"{{{XACML}}}Result"):
        category = _category(result)
        if category in decisions or category not in asked:
            raise Unintelligible("it decides twice, or on what was not asked")
        decisions[category] = (_only(result, XACML, "Decision").text or "").strip()
    return decisions


def _category(result: _Element) -> str:
    """The category that a decision is on."""
    values = result.findall(
        f"{{{XACML}}}Attributes[@Category='{WHAT}']/{{{XACML}}}Attribute[@AttributeId='{CATEGORY}']/"
        f"{{{XACML}}}AttributeValue"
    )
    if len(values) != 1:
        raise Unintelligible("a decision does not say what it is on")
    coded = _only(values[0], HL7, "CodedValue")
    if coded.get("codeSystem") != CATEGORIES:
        raise Unintelligible("a decision is on a category of another list")
    return coded.get("code", "")


def _only(parent: _Element, namespace: str, name: str) -> _Element:
    found = parent.findall(f"{{{namespace}}}{name}")
    if len(found) != 1:
        raise Unintelligible(f"it has {len(found)} times {name} where one is expected")
    return found[0]
