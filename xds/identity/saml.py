"""A SAML 2.0 assertion in a WS-Security header: found, and held against its conditions.

Source: SAML 2.0 Core: 2; WSS SAML Token Profile 1.1; ITI TF-2: 3.40.4.1.2.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from lxml.etree import _Element

from xds.identity.codes import ASSURANCE
from xds.identity.faults import (
    WSSE,
    WSU,
    expired,
    failed_authentication,
    invalid_header,
    invalid_token,
    unsupported_token,
)
from xds.identity.signature import DS

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
ASSERTION = f"{{{SAML}}}Assertion"
SECURITY = f"{{{WSSE}}}Security"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
HOLDER_OF_KEY = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"

_TIMESTAMP = f"{{{WSU}}}Timestamp"
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:(\.\d{1,6})\d*)?Z")
_CONDITIONS = frozenset(f"{{{SAML}}}{name}" for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction"))


class Expected(NamedTuple):
    """What an assertion must meet. `certificates` are the SHA-256 of the sender's, in lower-case hex."""

    audience: str
    certificates: frozenset[str]
    skew: timedelta
    max_lifetime: timedelta
    least_assurance: int
    now: datetime


class Terms(NamedTuple):
    """How long and how often an assertion may be used, and the level of its authentication."""

    expires: datetime
    one_time: bool
    assurance: int


def find_assertion(headers: Sequence[_Element]) -> _Element | None:
    """The assertion in the Security header; None without such a header, or without a token in it.

    Cheap, and not enough by itself. `headers` are the header blocks that are for us.
    """
    security = None
    for block in headers:
        if block.tag == SECURITY:
            if security is not None:
                raise invalid_header("expected one Security header")
            security = block
    if security is None:
        return None
    assertion = None
    for child in security:
        if child.tag == ASSERTION and assertion is None:
            assertion = child
        elif child.tag != _TIMESTAMP:
            raise unsupported_token("expected one SAML 2.0 assertion in the Security header, and no other token")
    return assertion


def check_alone(assertion: _Element) -> None:
    """It must be the only assertion in the whole message, and have an ID and version as we know them."""
    if sum(1 for _ in assertion.getroottree().getroot().iter(ASSERTION)) != 1:
        raise invalid_token("expected one assertion in the message")
    if assertion.get("Version") != "2.0":
        raise unsupported_token("the assertion is not of SAML 2.0")
    if _ID.fullmatch(assertion.get("ID", "")) is None:
        raise invalid_token("the assertion has no ID, or one that is not an NCName of at most 128 characters")


def issuer_of(assertion: _Element) -> str:
    return one_text(assertion, "Issuer")


def check_terms(assertion: _Element, expected: Expected) -> Terms:
    """Hold an assertion that was verified against its own conditions and ours; a fault names the first that fails."""
    conditions = _only(assertion, "Conditions")
    ends = _check_window(assertion, conditions, expected)
    if any(child.tag not in _CONDITIONS for child in conditions):
        raise unsupported_token("the assertion has a condition that is not understood")
    _check_audience(conditions, expected.audience)
    confirmed = _check_subject(assertion, expected)
    assurance, session = _check_authentication(assertion, expected)
    expires = min(each for each in (ends, confirmed, session) if each is not None) + expected.skew
    return Terms(expires, conditions.find(f"{{{SAML}}}OneTimeUse") is not None, assurance)


def one_text(parent: _Element, name: str) -> str:
    """The text of the only child of this name, which has no children itself."""
    child = _only(parent, name)
    text = (child.text or "").strip()
    if len(child) or not text or not text.isprintable():
        raise invalid_token(f"{name} is not a text")
    return text


def _check_window(assertion: _Element, conditions: _Element, expected: Expected) -> datetime:
    """When the assertion ends. Source: SAML 2.0 Core: 2.5.1.2."""
    begins, ends = _moment(conditions, "NotBefore"), _moment(conditions, "NotOnOrAfter")
    issued = _moment(assertion, "IssueInstant")
    if begins is None or ends is None or issued is None:
        raise invalid_token("an assertion needs IssueInstant, NotBefore and NotOnOrAfter")
    if max(begins, issued) > expected.now + expected.skew:
        raise invalid_token("the assertion is not yet valid")
    if ends <= expected.now - expected.skew:
        raise expired("the assertion has expired")
    if ends - min(begins, issued) > expected.max_lifetime:
        raise invalid_token(f"the assertion is valid for more than {expected.max_lifetime.total_seconds():.0f} seconds")
    return ends


def _check_subject(assertion: _Element, expected: Expected) -> datetime | None:
    """Until when a subject confirmation holds; at least one must. Source: SAML 2.0 Core: 2.4.1; Profiles: 3."""
    subject = _only(assertion, "Subject")
    for confirmation in subject.findall(f"{{{SAML}}}SubjectConfirmation"):
        found = confirmation.find(f"{{{SAML}}}SubjectConfirmationData")
        if found is not None:
            begins, ends = _moment(found, "NotBefore"), _moment(found, "NotOnOrAfter")
            early = begins is not None and begins > expected.now + expected.skew
            late = ends is not None and ends <= expected.now - expected.skew
            if early or late or found.get("Recipient", expected.audience) != expected.audience:
                continue
        method = confirmation.get("Method")
        if method == BEARER or (method == HOLDER_OF_KEY and expected.certificates & _certificates(found)):
            return _moment(found, "NotOnOrAfter") if found is not None else None
    raise failed_authentication("no subject confirmation holds: bearer, or holder-of-key of the client certificate")


def _check_authentication(assertion: _Element, expected: Expected) -> tuple[int, datetime | None]:
    """The level of the one authentication that it states, and when its session ends. Source: SAML 2.0 Core: 2.7.2."""
    statement = _only(assertion, "AuthnStatement")
    over = _moment(statement, "SessionNotOnOrAfter")
    if over is not None and over <= expected.now - expected.skew:
        raise expired("the session of the assertion is over")
    level = ASSURANCE.get(one_text(_only(statement, "AuthnContext"), "AuthnContextClassRef"))
    if level is None:
        raise failed_authentication("the authentication context class is not known")
    if level < expected.least_assurance:
        raise failed_authentication(
            f"the authentication is of assurance level {level}, and level {expected.least_assurance} is needed"
        )
    return level, over


def _check_audience(conditions: _Element, audience: str) -> None:
    """Every restriction must name us. Source: SAML 2.0 Core: 2.5.1.4."""
    restrictions = conditions.findall(f"{{{SAML}}}AudienceRestriction")
    for restriction in restrictions:
        named = {(child.text or "").strip() for child in restriction.findall(f"{{{SAML}}}Audience")}
        if audience not in named:
            raise invalid_token("the assertion is for another audience")
    if not restrictions:
        raise invalid_token("the assertion names no audience")


def _certificates(confirmation: _Element | None) -> set[str]:
    """The SHA-256 of each certificate that a holder-of-key confirmation names."""
    if confirmation is None:
        return set()
    path = "/".join(f"{{{DS}}}{name}" for name in ("KeyInfo", "X509Data", "X509Certificate"))
    found = set()
    for each in confirmation.findall(path):
        try:
            found.add(hashlib.sha256(base64.b64decode("".join((each.text or "").split()), validate=True)).hexdigest())
        except (binascii.Error, ValueError):
            raise invalid_token("a certificate in the assertion is not base64") from None
    return found


def _only(parent: _Element, name: str) -> _Element:
    found = parent.findall(f"{{{SAML}}}{name}")
    if len(found) != 1:
        raise invalid_token(f"expected one {name} in the assertion, found {len(found)}")
    return found[0]


def _moment(element: _Element, name: str) -> datetime | None:
    """An attribute that is a time in UTC, as SAML asks; None when it is absent. Source: SAML 2.0 Core: 1.3.3."""
    text = element.get(name)
    if text is None:
        return None
    match = _MOMENT.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        return datetime.fromisoformat(match[1]).replace(tzinfo=UTC) + timedelta(seconds=float(match[2] or 0))
    except ValueError:
        raise invalid_token(f"{name} is not a time in UTC") from None
