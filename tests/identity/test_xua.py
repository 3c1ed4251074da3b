"""The Dutch attribute set: every form that is accepted, and what is refused."""

from __future__ import annotations

import asyncio

import pytest
from identity_samples import CERTIFICATES, HOSPITAL, PATIENT, SAML, headers, statement, subcode
from lxml import etree

from xds.errors import Fault
from xds.identity import xua
from xds.identity.codes import ACT_REASON
from xds.model.coded import Coded
from xds.model.hl7 import CX, parse_cx

BSN = "2.16.840.1.113883.2.4.6.3"
HL7 = 'xmlns:h="urn:hl7-org:v3"'


def ask(authenticator, blocks, now):
    return asyncio.run(authenticator.authenticate(blocks, CERTIFICATES[HOSPITAL], now))


def refused(authenticator, blocks, now) -> tuple[str, str]:
    with pytest.raises(Fault) as caught:
        ask(authenticator, blocks, now)
    return subcode(caught.value), caught.value.reason


@pytest.fixture
def having(issuer, now):
    """Makes a signed assertion whose attribute `name` has these values, as XML; none leaves it out."""

    def make(name: str, *values: str, **more):
        assertion = issuer.compose(statement(**more), now)
        attributes = assertion.find(f"{SAML}AttributeStatement")
        for found in attributes.findall(f"{SAML}Attribute"):
            if found.get("Name") == name:
                attributes.remove(found)
        if values:
            content = "".join(f"<s:AttributeValue>{value}</s:AttributeValue>" for value in values)
            text = f'<s:Attribute xmlns:s="{SAML[1:-1]}" {HL7} Name="{name}">{content}</s:Attribute>'
            attributes.append(etree.fromstring(text))
        return headers(issuer.sign(assertion))

    return make


@pytest.mark.parametrize(
    "value",
    [
        '<h:Role code="01.046" codeSystem="2.16.840.1.113883.2.4.15.111" displayName="gynaecoloog"/>',
        '<h:Role code="01.046" codeSystem="urn:oid:2.16.840.1.113883.2.4.15.111"/>',
        '<Role code="01.046" codeSystem="2.16.840.1.113883.2.4.15.111"/>',
    ],
)
def test_a_role_in_each_form(authenticator, having, now, value):
    role = ask(authenticator, having(xua.ROLE, value), now).user.role

    assert role.key == ("01.046", "2.16.840.1.113883.2.4.15.111")


@pytest.mark.parametrize("name", [xua.PROVIDER, xua.ROLE, xua.INSTITUTION, xua.PURPOSE])
def test_each_required_attribute_is_required_once_with_one_value(authenticator, having, issuer, now, name):
    assert refused(authenticator, having(name), now)[0] == "InvalidSecurityToken"
    value = '<h:x code="TREAT" codeSystem="1.2" root="1.2" extension="3"/>'
    assert refused(authenticator, having(name, value, value), now)[0] == "InvalidSecurityToken"
    assertion = issuer.compose(statement(), now)
    attributes = assertion.find(f"{SAML}AttributeStatement")
    attributes.append(attributes.makeelement(f"{SAML}Attribute", {"Name": name}))
    assert "twice" in refused(authenticator, headers(issuer.sign(assertion)), now)[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (xua.PROVIDER, "000012345"),
        (xua.PROVIDER, '<h:II root="no oid" extension="1"/>'),
        (xua.PROVIDER, '<h:II root="1.2" extension=" "/>'),
        (xua.PROVIDER, '<o:II xmlns:o="urn:other" root="1.2" extension="1"/>'),
        (xua.PROVIDER, '<h:II root="1.2" extension="1"/><h:II root="1.2" extension="2"/>'),
        (xua.ROLE, "01.046"),
        (xua.ROLE, '<h:Role code="01.046"/>'),
        (xua.ROLE, f'<h:Role code="{"1" * 300}" codeSystem="1.2"/>'),
        (xua.INSTITUTION, f'<h:II root="2.16.528.1.1007.3.1" extension="{HOSPITAL}"/>'),
        (xua.NAME, "Anna&#x202e;nesnaJ"),
        (xua.NAME, "<b>Anna</b>"),
    ],
)
def test_a_value_that_is_not_what_it_should_be(authenticator, having, now, name, value):
    assert refused(authenticator, having(name, value), now)[0] == "InvalidSecurityToken"


def test_the_leading_zeros_of_a_ura_count(authenticator, having, now):
    value = f'<h:II root="2.16.528.1.1007.3.3" extension="{int(HOSPITAL)}"/>'

    assert refused(authenticator, having(xua.INSTITUTION, value), now)[0] == "FailedAuthentication"


@pytest.mark.parametrize(
    ("value", "purpose"),
    [
        ("TREATMENT", "TREAT"),
        ("REQUEST", "PATRQT"),
        *(
            (f'<h:PurposeOfUse code="{code}" codeSystem="{scheme}"/>', code)
            for code in ("TREAT", "COC", "PATRQT", "HOPERAT")
            for scheme in (ACT_REASON, f"urn:oid:{ACT_REASON}", "2.16.840.1.113883.1.11.20448")
        ),
        ('<h:PurposeOfUse code="TREATMENT" codeSystem="2.16.840.1.113883.3.18.7.1"/>', "TREAT"),
    ],
)
def test_a_purpose_is_mapped(authenticator, having, now, value, purpose):
    assert ask(authenticator, having(xua.PURPOSE, value), now).purpose.key == (purpose, ACT_REASON)


@pytest.mark.parametrize(
    "value", ["", "MARKETING", '<h:P code="TREAT" codeSystem="1.2"/>', '<h:P code="" codeSystem=""/>']
)
def test_an_unknown_purpose_is_refused(authenticator, having, now, value):
    assert refused(authenticator, having(xua.PURPOSE, value), now) == (
        "InvalidSecurityToken",
        "the purpose of use is not known",
    )


@pytest.mark.parametrize("code", ["ETREAT", "BTG"])
def test_an_emergency_gives_its_reason(authenticator, issuer, now, code):
    purpose = Coded(code, ACT_REASON)
    reason = "fluxus post partum,\n cliënt niet aanspreekbaar"

    requester = ask(authenticator, headers(issuer.issue(statement(purpose=purpose, reason=reason))), now)

    assert requester.emergency == "fluxus post partum, cliënt niet aanspreekbaar"
    assert requester.purpose.code == code
    for bad in (None, " ", "x" * 1001, "a\u202eb"):
        blocks = headers(issuer.issue(statement(purpose=purpose, reason=bad)))
        assert "needs its reason" in refused(authenticator, blocks, now)[1]


def test_a_reason_without_an_emergency_opens_nothing(authenticator, issuer, now):
    requester = ask(authenticator, headers(issuer.issue(statement(reason="nieuwsgierig"))), now)

    assert requester.emergency is None


def test_an_emergency_as_a_word_has_no_reason(authenticator, having, now):
    assert "needs its reason" in refused(authenticator, having(xua.PURPOSE, "EMERGENCY"), now)[1]


@pytest.mark.parametrize("name", xua.RESOURCES)
@pytest.mark.parametrize(
    "value",
    [
        PATIENT.replace("&", "&amp;"),
        PATIENT.replace(BSN, f"urn:oid:{BSN}").replace("&", "&amp;"),
        f'<h:InstanceIdentifier root="{BSN}" extension="999911120"/>',
        f'<h:InstanceIdentifier root="urn:oid:{BSN}" extension="999911120"/>',
    ],
)
def test_a_patient_in_each_spelling(authenticator, having, now, name, value):
    assert ask(authenticator, having(name, value), now).patient == CX("999911120", BSN)


@pytest.mark.parametrize(
    "value",
    ["", "999911120", f"123456789^^^&amp;{BSN}&amp;ISO", f"999911120^^^X&amp;{BSN}&amp;ISO", "1^^^&amp;x&amp;ISO"],
)
def test_a_resource_that_is_no_patient(authenticator, having, now, value):
    code, reason = refused(authenticator, having(xua.RESOURCES[0], value), now)

    assert code == "InvalidSecurityToken"
    assert "999911120" not in reason and "123456789" not in reason


def test_two_spellings_must_agree(authenticator, having, now):
    patient = parse_cx(PATIENT)
    same = having(xua.RESOURCES[1], PATIENT.replace("&", "&amp;"), patient=patient)
    other = having(xua.RESOURCES[1], f'<h:II root="{BSN}" extension="999900006"/>', patient=patient)

    assert ask(authenticator, same, now).patient == patient
    assert "don't agree" in refused(authenticator, other, now)[1]


def test_a_mandated_user_acts_for_the_responsible_one(authenticator, issuer, now):
    requester = ask(authenticator, headers(issuer.issue(statement(mandated="000099999"))), now)

    assert (requester.user.number, requester.user.name) == ("000099999", "Anna Jansen")
    assert (requester.responsible.number, requester.responsible.role.code) == ("000012345", "01.015")
