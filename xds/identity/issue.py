"""An issuer of assertions for development and tests. NOT FOR PRODUCTION.

Its certificate and its key file carry a mark. Without the mark on both nothing is issued, so that nobody turns the
key of a real issuer into a machine that vouches for anybody.
Source: SAML 2.0 Core: 2; ITI TF-2: 3.40.4.1.2.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from lxml import etree
from lxml.etree import _Element

from xds.errors import Misconfigured
from xds.identity import xua
from xds.identity.codes import TREATMENT, URA_OID, UZI_OID
from xds.identity.issuers import METADATA, TEST_MARK, is_for_tests
from xds.identity.saml import BEARER, HOLDER_OF_KEY, SAML
from xds.identity.signature import DS
from xds.model.coded import Coded
from xds.model.hl7 import CX

_HL7 = "urn:hl7-org:v3"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_CLASSES = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
_KEY_MARK = f"xds test issuer, {TEST_MARK}\n".encode()
ROLE_CODES = "2.16.840.1.113883.2.4.15.111"
"""RoleCodeNL, the role codes of the UZI register."""
_ROLE = Coded("01.015", ROLE_CODES, "huisarts")


@dataclass(frozen=True, slots=True)
class Statement:
    """What an assertion says. `reason` is that of an emergency; `purpose` is a code of HL7 ActReason, or a word.

    `holder` is the DER form of a certificate that the assertion is bound to; None makes it a bearer's.
    """

    audience: str
    ura: str
    organisation: str
    user: str = "000012345"
    name: str = "Test Gebruiker"
    role: Coded = _ROLE
    purpose: Coded = TREATMENT
    reason: str | None = None
    patient: CX | None = None
    mandated: str | None = None
    authentication: str = f"{_CLASSES}SmartcardPKI"
    lifetime: timedelta = timedelta(minutes=5)
    begins: timedelta = timedelta()
    one_time: bool = False
    holder: bytes | None = None
    consent: str | None = None


class TestIssuer:
    """Signs assertions with a key that is marked as one for tests."""

    __test__ = False

    def __init__(self, name: str, certificate: bytes, key: bytes):
        """Take PEM files; Misconfigured unless both carry the mark and belong together."""
        if not key.startswith(_KEY_MARK):
            raise Misconfigured("the key is not marked as one for tests; `xds init --demo` makes one")
        try:
            loaded = x509.load_pem_x509_certificate(certificate)
            private = load_pem_private_key(key, None)
        except (ValueError, TypeError):
            raise Misconfigured("the certificate or the key of the test issuer can't be read") from None
        spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if not is_for_tests(loaded):
            raise Misconfigured("the certificate is not marked as one for tests; `xds init --demo` makes one")
        if loaded.public_key().public_bytes(*spki) != private.public_key().public_bytes(*spki):
            raise Misconfigured("the certificate and the key of the test issuer don't belong together")
        self.name = name
        self.certificate = certificate
        self.key = xmlsec.Key.from_memory(key, xmlsec.constants.KeyDataFormatPem)

    def issue(self, statement: Statement, now: datetime | None = None) -> bytes:
        """A signed assertion, as UTF-8 without an XML declaration."""
        return etree.tostring(self.sign(self.compose(statement, now or datetime.now(UTC))), encoding="utf-8")

    def compose(self, statement: Statement, now: datetime) -> _Element:
        """The assertion, not yet signed."""
        begins = now + statement.begins
        ends = begins + statement.lifetime
        root = etree.Element(f"{{{SAML}}}Assertion", nsmap={"saml2": SAML})
        root.attrib.update({"ID": f"_{uuid.uuid4()}", "Version": "2.0", "IssueInstant": _moment(begins)})
        _add(root, "Issuer").text = self.name
        _add_subject(root, statement, ends)
        conditions = _add(root, "Conditions", NotBefore=_moment(begins), NotOnOrAfter=_moment(ends))
        _add(_add(conditions, "AudienceRestriction"), "Audience").text = statement.audience
        if statement.one_time:
            _add(conditions, "OneTimeUse")
        authentication = _add(root, "AuthnStatement", AuthnInstant=_moment(begins))
        _add(_add(authentication, "AuthnContext"), "AuthnContextClassRef").text = statement.authentication
        _add_attributes(_add(root, "AttributeStatement"), statement)
        return root

    def sign(self, assertion: _Element) -> _Element:
        """Put the signature behind the Issuer, and return the assertion."""
        signature = xmlsec.template.create(
            assertion, xmlsec.constants.TransformExclC14N, xmlsec.constants.TransformEcdsaSha256, ns="ds"
        )
        assertion.insert(1, signature)
        reference = xmlsec.template.add_reference(
            signature, xmlsec.constants.TransformSha256, uri=f"#{assertion.get('ID')}"
        )
        xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
        xmlsec.template.add_transform(reference, xmlsec.constants.TransformExclC14N)
        context = xmlsec.SignatureContext()
        context.key = self.key
        context.register_id(assertion, "ID")
        context.sign(signature)
        return assertion


def make_issuer(name: str) -> tuple[bytes, bytes, bytes]:
    """A new test issuer: its certificate and its key as marked PEM, and its SAML metadata."""
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "xds test issuer"),
            x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, TEST_MARK),
        ]
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(private, hashes.SHA256())
    )
    key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    encoded = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    metadata = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<md:EntityDescriptor xmlns:md="{METADATA}" xmlns:ds="{DS}" '
        f'entityID="{name}">\n<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">\n'
        '<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>'
        f"{encoded}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\n"
        f'<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="{name}"/>\n'
        "</md:IDPSSODescriptor>\n</md:EntityDescriptor>\n"
    )
    return certificate.public_bytes(Encoding.PEM), _KEY_MARK + key, metadata.encode()


def _add_subject(root: _Element, statement: Statement, ends: datetime) -> None:
    subject = _add(root, "Subject")
    _add(subject, "NameID").text = statement.user
    confirmation = _add(subject, "SubjectConfirmation", Method=HOLDER_OF_KEY if statement.holder else BEARER)
    found = _add(confirmation, "SubjectConfirmationData", NotOnOrAfter=_moment(ends))
    if statement.holder:
        for name in ("KeyInfo", "X509Data", "X509Certificate"):
            found = etree.SubElement(found, f"{{{DS}}}{name}", nsmap={"ds": DS})
        found.text = base64.b64encode(statement.holder).decode()


def _add_attributes(root: _Element, statement: Statement) -> None:
    _add_text(root, xua.NAME, statement.name)
    _add_text(root, xua.ORGANISATION, statement.organisation)
    _add_number(root, xua.PROVIDER, statement.user, UZI_OID)
    _add_number(root, xua.INSTITUTION, statement.ura, URA_OID)
    if statement.mandated:
        _add_number(root, xua.MANDATED, statement.mandated, UZI_OID)
    _add_code(root, xua.ROLE, "Role", "CE", statement.role)
    purpose = _add_code(root, xua.PURPOSE, "PurposeOfUse", "CV", statement.purpose)
    if statement.reason is not None:
        etree.SubElement(purpose, f"{{{_HL7}}}originalText").text = statement.reason
    if statement.patient is not None:
        _add_text(root, xua.RESOURCES[0], str(statement.patient))
    if statement.consent is not None:
        _add_text(root, "urn:ihe:iti:bppc:2007:docid", statement.consent)


def _add_text(root: _Element, name: str, text: str) -> None:
    _value(root, name).text = text


def _add_number(root: _Element, name: str, number: str, authority: str) -> None:
    _typed(root, name, "InstanceIdentifier", "II", {"root": authority, "extension": number})


def _add_code(root: _Element, name: str, tag: str, kind: str, coded: Coded) -> _Element:
    display = {"displayName": coded.display} if coded.display else {}
    return _typed(root, name, tag, kind, {"code": coded.code, "codeSystem": coded.scheme, **display})


def _typed(parent: _Element, name: str, tag: str, kind: str, attributes: dict[str, str]) -> _Element:
    typed = etree.SubElement(_value(parent, name), f"{{{_HL7}}}{tag}", nsmap={"hl7": _HL7, "xsi": _XSI})
    typed.set(f"{{{_XSI}}}type", f"hl7:{kind}")
    typed.attrib.update(attributes)
    return typed


def _value(root: _Element, name: str) -> _Element:
    return _add(_add(root, "Attribute", Name=name), "AttributeValue")


def _add(parent: _Element, name: str, **attributes: str) -> _Element:
    return etree.SubElement(parent, f"{{{SAML}}}{name}", attributes)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
