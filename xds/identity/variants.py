"""Assertions as conformance tests ask for them: good ones in several forms, and ones that must be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lxml import etree

from xds.identity.issue import ROLE_CODES, Statement, TestIssuer, make_issuer
from xds.identity.saml import SAML
from xds.model.coded import Coded

_HOUR = timedelta(hours=1)
_CHANGES: dict[str, Callable[[Statement], Statement]] = {
    "valid": lambda said: said,
    "with-authz-consent": lambda said: replace(said, consent="2.999.1.1"),
    "second-role": lambda said: replace(said, role=Coded("01.046", ROLE_CODES)),
    "second-purpose": lambda said: replace(said, purpose=Coded("COC", said.purpose.scheme)),
    "one-time": lambda said: replace(said, one_time=True),
    "expired": lambda said: replace(said, begins=-_HOUR),
    "not-yet-valid": lambda said: replace(said, begins=_HOUR),
    "unknown-audience": lambda said: replace(said, audience="urn:example:another-audience"),
    "low-assurance": lambda said: replace(
        said, authentication="urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
    ),
}
VARIANTS = (*_CHANGES, "unsigned", "invalid-signature", "untrusted-issuer")


def variant(issuer: TestIssuer, statement: Statement, name: str) -> bytes:
    """The assertion of this name, one of `VARIANTS`."""
    if name in _CHANGES:
        return issuer.issue(_CHANGES[name](statement))
    if name == "untrusted-issuer":
        certificate, key, _ = make_issuer(issuer.name)
        return TestIssuer(issuer.name, certificate, key).issue(statement)
    assertion = issuer.compose(statement, datetime.now(UTC))
    if name == "invalid-signature":
        issuer.sign(assertion).find(f"{{{SAML}}}Subject/{{{SAML}}}NameID").text += "1"
    return etree.tostring(assertion, encoding="utf-8")
