"""What an assertion must be to be accepted, and which fault says what it isn't."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

import pytest
from identity_samples import CERTIFICATES, DS, HOSPITAL, MIDWIFE, SAML, headers, message, sign, statement, subcode
from lxml import etree

from xds import xmlio
from xds.errors import Fault
from xds.identity.variants import VARIANTS, variant

SECOND = timedelta(seconds=1)
SKEW = timedelta(seconds=60)


def accepted(authenticator, blocks, now, ura=HOSPITAL):
    return asyncio.run(authenticator.authenticate(blocks, CERTIFICATES[ura], now))


def refused(authenticator, blocks, now, ura=HOSPITAL) -> str:
    with pytest.raises(Fault) as caught:
        accepted(authenticator, blocks, now, ura)
    assert caught.value.code == "Sender"
    return subcode(caught.value)


def test_the_person_behind_a_request_is_known(authenticator, issuer, now):
    requester = accepted(authenticator, headers(issuer.issue(statement())), now)

    assert (requester.user.number, requester.user.authority) == ("000012345", "2.16.528.1.1007.3.1")
    assert (requester.user.name, requester.user.role.code) == ("Anna Jansen", "01.015")
    assert (requester.organisation.ura, requester.organisation.kind) == (HOSPITAL, "V4")
    assert (requester.purpose.code, requester.assurance) == ("TREAT", 4)
    assert requester.issuer == "https://issuer.example/saml"
    assert requester.participant.organisation.ura == HOSPITAL
    assert (requester.patient, requester.responsible, requester.emergency) == (None, None, None)


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_is_what_it_says(authenticator, issuer, now, name):
    expected = {
        "expired": "MessageExpired",
        "not-yet-valid": "InvalidSecurityToken",
        "unknown-audience": "InvalidSecurityToken",
        "low-assurance": "FailedAuthentication",
        "unsigned": "FailedCheck",
        "invalid-signature": "FailedCheck",
        "untrusted-issuer": "FailedCheck",
    }
    blocks = headers(variant(issuer, statement(), name))

    if name in expected:
        assert refused(authenticator, blocks, now) == expected[name]
    else:
        assert accepted(authenticator, blocks, now) is not None


@pytest.mark.parametrize(("late", "well"), [(-SECOND, True), (timedelta(), False), (SECOND, False)])
def test_its_end_is_kept_to_the_second_with_the_skew(authenticator, issuer, now, late, well):
    blocks = headers(issuer.issue(statement(lifetime=timedelta(minutes=5)), now))
    then = now + timedelta(minutes=5) + SKEW + late

    if well:
        assert accepted(authenticator, blocks, then)
    else:
        assert refused(authenticator, blocks, then) == "MessageExpired"


@pytest.mark.parametrize(("early", "well"), [(-SECOND, False), (timedelta(), True), (SECOND, True)])
def test_its_beginning_is_kept_to_the_second_with_the_skew(authenticator, issuer, now, early, well):
    blocks = headers(issuer.issue(statement(), now))
    then = now - SKEW + early

    if well:
        assert accepted(authenticator, blocks, then)
    else:
        assert refused(authenticator, blocks, then) == "InvalidSecurityToken"


@pytest.mark.parametrize(("more", "well"), [(timedelta(), True), (SECOND, False)])
def test_it_lives_at_most_ten_minutes(authenticator, issuer, now, more, well):
    blocks = headers(issuer.issue(statement(lifetime=timedelta(minutes=10) + more), now))

    if well:
        assert accepted(authenticator, blocks, now)
    else:
        assert refused(authenticator, blocks, now) == "InvalidSecurityToken"


def changed(issuer, now, change, **more):
    """A signed assertion that says what `change` made of it."""
    assertion = issuer.compose(statement(**more), now)
    change(assertion)
    return headers(issuer.sign(assertion))


def drop(path):
    def change(assertion):
        found = assertion.find(path)
        found.getparent().remove(found)

    return change


def put(path, name, value):
    return lambda assertion: assertion.find(path).set(name, value)


def write(path, text):
    def change(assertion):
        assertion.find(path).text = text

    return change


def add(path, tag):
    def change(assertion):
        assertion.find(path).append(assertion.makeelement(tag))

    return change


CONDITIONS, AUDIENCE = f"{SAML}Conditions", f"{SAML}Conditions/{SAML}AudienceRestriction"
CONFIRMATION = f"{SAML}Subject/{SAML}SubjectConfirmation"
CONTEXT = f"{SAML}AuthnStatement/{SAML}AuthnContext"
CHANGES = {
    "no conditions": (drop(CONDITIONS), "InvalidSecurityToken"),
    "no end": (lambda assertion: assertion.find(CONDITIONS).attrib.pop("NotOnOrAfter"), "InvalidSecurityToken"),
    "a local time": (put(CONDITIONS, "NotBefore", "2026-01-01T00:00:00+01:00"), "InvalidSecurityToken"),
    "no such day": (put(CONDITIONS, "NotBefore", "2026-02-30T00:00:00Z"), "InvalidSecurityToken"),
    "issued in a year from now": (put(".", "IssueInstant", "2999-01-01T00:00:00Z"), "InvalidSecurityToken"),
    "no audience": (drop(AUDIENCE), "InvalidSecurityToken"),
    "an empty audience": (write(f"{AUDIENCE}/{SAML}Audience", " "), "InvalidSecurityToken"),
    "a second audience restriction": (add(CONDITIONS, f"{SAML}AudienceRestriction"), "InvalidSecurityToken"),
    "a condition of its own": (add(CONDITIONS, f"{SAML}Condition"), "UnsupportedSecurityToken"),
    "another version": (put(".", "Version", "1.1"), "UnsupportedSecurityToken"),
    "no confirmation": (drop(CONFIRMATION), "FailedAuthentication"),
    "sender vouches": (
        put(CONFIRMATION, "Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"),
        "FailedAuthentication",
    ),
    "another recipient": (
        put(f"{CONFIRMATION}/{SAML}SubjectConfirmationData", "Recipient", "https://other.example"),
        "FailedAuthentication",
    ),
    "an expired confirmation": (
        put(f"{CONFIRMATION}/{SAML}SubjectConfirmationData", "NotOnOrAfter", "2020-01-01T00:00:00Z"),
        "FailedAuthentication",
    ),
    "an unknown way of authentication": (
        write(f"{CONTEXT}/{SAML}AuthnContextClassRef", "urn:example:by-voice"),
        "FailedAuthentication",
    ),
    "no way of authentication": (drop(f"{SAML}AuthnStatement"), "InvalidSecurityToken"),
    "a session that is over": (
        put(f"{SAML}AuthnStatement", "SessionNotOnOrAfter", "2020-01-01T00:00:00Z"),
        "MessageExpired",
    ),
    "another issuer": (write(f"{SAML}Issuer", "https://other.example"), "InvalidSecurityToken"),
    "two issuers": (add(".", f"{SAML}Issuer"), "InvalidSecurityToken"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_signed_assertion_that_breaks_a_rule_is_refused(authenticator, issuer, now, name):
    change, expected = CHANGES[name]

    assert refused(authenticator, changed(issuer, now, change), now) == expected


def test_a_holder_of_key_is_held_to_the_certificate(database, authenticator, issuer, now):
    der = b"the DER form of a certificate"
    fingerprint = hashlib.sha256(der).hexdigest()
    database.write_now(lambda writer: writer.add_certificate(1, fingerprint))
    blocks = headers(issuer.issue(statement(holder=der), now))

    assert refused(authenticator, blocks, now) == "FailedAuthentication"
    requester = asyncio.run(authenticator.authenticate(blocks, fingerprint, now))
    assert requester.participant.certificate == fingerprint


def test_no_assertion(authenticator, now):
    assert refused(authenticator, (), now) == "SecurityTokenUnavailable"
    assert refused(authenticator, headers(), now) == "SecurityTokenUnavailable"


def test_another_token_or_two(authenticator, issuer, now):
    one = issuer.issue(statement())
    foreign = f'<u:UsernameToken xmlns:u="{DS[1:-1]}"/>'.encode()

    assert refused(authenticator, headers(foreign), now) == "UnsupportedSecurityToken"
    assert refused(authenticator, headers(one, issuer.issue(statement())), now) == "UnsupportedSecurityToken"
    blocks = headers(one)
    assert refused(authenticator, (*blocks, *headers(one)), now) == "InvalidSecurity"


def test_an_assertion_of_another_organisation_is_refused(authenticator, issuer, now):
    blocks = headers(issuer.issue(statement(MIDWIFE)))

    assert refused(authenticator, blocks, now, HOSPITAL) == "FailedAuthentication"
    assert accepted(authenticator, blocks, now, MIDWIFE)


def test_namespaces_may_be_declared_around_it(authenticator, issuer, now):
    declaration = b' xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion"'
    assertion = issuer.issue(statement())
    text = message(assertion.replace(declaration, b"", 1)).replace(b"<w:Security", b"<w:Security" + declaration)

    assert assertion.count(declaration) == 1
    assert accepted(authenticator, tuple(xmlio.parse(text)[0]), now)


def test_a_list_of_prefixes_that_was_signed_is_heeded(authenticator, issuer, now):
    def declare(signature):
        inclusive = "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces"
        transform = signature.findall(f".//{DS}Transform")[1]
        transform.append(transform.makeelement(inclusive, {"PrefixList": "xs saml2"}))

    assertion = issuer.compose(statement(), now)
    root = etree.Element(assertion.tag, dict(assertion.attrib), nsmap={**assertion.nsmap, "xs": "urn:xs"})
    root.extend(list(assertion))
    blocks = headers(sign(issuer, root, declare))

    assert accepted(authenticator, blocks, now)
