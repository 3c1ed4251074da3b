"""Messages with assertions that must be refused: cases 52 to 65 and 69 to 72 of the catalogue.

Each is made of a good assertion, whose user the attacker replaces by another.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime

from identity_samples import DS, QUERY, SAML, message, sign
from lxml import etree
from lxml.etree import _Element

from xds.identity.issue import Statement, TestIssuer, make_issuer

VICTIM, EVIL = "000012345", "000066666"
"""The user of the good assertion, and the one that the attacker wants to be."""
CASES = (
    *(f"{51 + number} XSW{number}" for number in range(1, 9)),
    *("XSW across the message", "60 unsigned", "61 signature of another element", "62 embedded foreign key"),
    *("63 HMAC with the public key", "64 SHA-1", "69 reference to a file", "69 reference to a host"),
    *("69 reference to everything", "69 reference by XPointer", "70 2,000 references", "71 XSLT", "71 XPath"),
    *("71 base64", "72 duplicate ID", "72 duplicate ID of two assertions", "Manifest", "two signatures"),
    *("another user in what was signed", "larger than any"),
)
"""The keys of `attacks`."""
Sign = Callable[[_Element], None]
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


def good(issuer: TestIssuer, statement: Statement) -> _Element:
    return issuer.sign(issuer.compose(statement, datetime.now(UTC)))


def evil(assertion: _Element, new_id: bool = True) -> _Element:
    """A copy without the signature, of another user."""
    made = copy.deepcopy(assertion)
    made.remove(made.find(f"{DS}Signature"))
    text = etree.tostring(made).replace(VICTIM.encode(), EVIL.encode())
    made = etree.fromstring(text)
    if new_id:
        made.set("ID", "_evil")
    return made


def split(assertion: _Element) -> tuple[_Element, _Element]:
    """The assertion without its signature, and the signature."""
    bare = copy.deepcopy(assertion)
    signature = bare.find(f"{DS}Signature")
    bare.remove(signature)
    return bare, signature


def nest(outer: _Element, *inner: _Element, at: int | None = None) -> _Element:
    for each in inner:
        outer.insert(len(outer) if at is None else at, each)
    return outer


def inside(tag: str, *inner: _Element) -> _Element:
    return nest(etree.Element(tag), *inner)


def xsw(number: int, assertion: _Element) -> bytes:
    """Signature wrapping as SAML Raider numbers it, for an assertion that is not in a Response."""
    bare, signature = split(assertion)
    false = evil(assertion)
    match number:
        case 1:  # the evil one carries the signature, which carries the good one
            return message(nest(false, nest(signature, bare), at=1))
        case 2:  # the evil one carries the good one and, detached, its signature
            return message(nest(false, bare, signature))
        case 3:  # the evil one stands before the good one
            return message(false, assertion)
        case 4:  # the good one is within the evil one
            return message(nest(false, assertion))
        case 5:  # the evil one carries the signature, the good one stands behind it
            return message(nest(false, signature, at=1), bare)
        case 6:  # the same, with the good one within the signature, and one ID
            return message(nest(evil(assertion, new_id=False), nest(signature, bare), at=1))
        case 7:  # the evil one is put where anything may be
            return message(inside(f"{SAML}Advice", false), assertion)
        case _:  # the good one is in an Object of the signature
            return message(nest(false, nest(signature, inside(f"{DS}Object", bare)), at=1))


def wrapped_in_body(assertion: _Element) -> bytes:
    """The evil one in the header with the good one's signature, the good one in the body."""
    bare, signature = split(assertion)
    body = QUERY.replace("</q:AdhocQueryRequest>", f"{etree.tostring(bare).decode()}</q:AdhocQueryRequest>")
    return message(nest(evil(assertion), signature, at=1), body=body)


def resigned(assertion: _Element, sign: Callable[[_Element], None]) -> bytes:
    """The good assertion with its signature changed by `sign`."""
    made = copy.deepcopy(assertion)
    sign(made.find(f"{DS}Signature"))
    return message(made)


def of_another_element(assertion: _Element) -> bytes:
    """The signature is right, of an element elsewhere in the message."""
    bare, signature = split(assertion)
    made = evil(assertion)
    return message(nest(made, signature, at=1), beside=etree.tostring(inside("x", bare)).decode())


def foreign_key(statement: Statement, name: str) -> bytes:
    """Signed by a key of the attacker's own, which the KeyInfo brings along."""
    certificate, key, _ = make_issuer(name)
    made = good(TestIssuer(name, certificate, key), statement)
    der = base64.b64encode(base64.b64decode("".join(certificate.decode().split("-----")[2].split()))).decode()
    info = inside(f"{DS}KeyInfo", inside(f"{DS}X509Data", etree.Element(f"{DS}X509Certificate")))
    info[0][0].text = der
    made.find(f"{DS}Signature").append(info)
    return message(made)


def by_hmac(assertion: _Element, secret: bytes) -> bytes:
    """Signed by HMAC with the issuer's public key as the secret."""
    made = evil(assertion, new_id=False)
    signature = copy.deepcopy(assertion.find(f"{DS}Signature"))
    signature.find(f".//{DS}SignatureMethod").set("Algorithm", f"{MORE}hmac-sha256")
    canonical = etree.tostring(etree.fromstring(etree.tostring(made)), method="c14n", exclusive=True)
    signature.find(f".//{DS}DigestValue").text = base64.b64encode(hashlib.sha256(canonical).digest()).decode()
    made.insert(1, signature)
    made = etree.fromstring(etree.tostring(made))
    info = made.find(f"{DS}Signature/{DS}SignedInfo")
    code = hmac.new(secret, etree.tostring(info, method="c14n", exclusive=True), hashlib.sha256).digest()
    made.find(f"{DS}Signature/{DS}SignatureValue").text = base64.b64encode(code).decode()
    return message(made)


def by_sha1(issuer: TestIssuer, statement: Statement) -> bytes:
    """Rightly signed, by SHA-1."""

    def weaken(signature: _Element) -> None:
        signature.find(f".//{DS}SignatureMethod").set("Algorithm", f"{MORE}ecdsa-sha1")
        signature.find(f".//{DS}DigestMethod").set("Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1")

    return message(sign(issuer, issuer.compose(statement, datetime.now(UTC)), weaken))


def set_uri(uri: str) -> Sign:
    return lambda signature: signature.find(f".//{DS}Reference").set("URI", uri)


def many_references(signature: _Element) -> None:
    reference = signature.find(f".//{DS}Reference")
    for _ in range(1999):
        reference.addnext(copy.deepcopy(reference))


def add_transform(algorithm: str, content: str = "") -> Sign:
    def change(signature: _Element) -> None:
        transforms = signature.find(f".//{DS}Transforms")
        made = etree.SubElement(transforms, f"{DS}Transform", Algorithm=algorithm)
        if content:
            made.append(etree.fromstring(content))

    return change


def duplicate_id(assertion: _Element) -> bytes:
    """Another element has the assertion's ID, under each name that an ID goes by."""
    return message(assertion, beside=f'<x Id="{assertion.get("ID")}"/>')


def manifest(signature: _Element) -> None:
    signature.append(inside(f"{DS}Object", inside(f"{DS}Manifest", copy.deepcopy(signature.find(f".//{DS}Reference")))))


def retrieval(signature: _Element) -> None:
    key = inside(f"{DS}KeyInfo", etree.Element(f"{DS}RetrievalMethod", URI="file:///etc/passwd"))
    signature.append(key)


XSLT = (
    '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:template match="/">'
    "<xsl:copy-of select=\"document('file:///etc/passwd')\"/></xsl:template></xsl:stylesheet>"
)
XPATH = (
    '<d:XPath xmlns:d="http://www.w3.org/2000/09/xmldsig#">not(ancestor-or-self::*[local-name()="Subject"])</d:XPath>'
)


def attacks(issuer: TestIssuer, statement: Statement, public_key: bytes) -> dict[str, bytes]:
    """Every message by its case, made of this statement."""
    assertion = good(issuer, statement)
    made = {f"{51 + number} XSW{number}": xsw(number, good(issuer, statement)) for number in range(1, 9)}
    made |= {
        "XSW across the message": wrapped_in_body(assertion),
        "60 unsigned": message(issuer.compose(statement, datetime.now(UTC))),
        "61 signature of another element": of_another_element(assertion),
        "62 embedded foreign key": foreign_key(statement, issuer.name),
        "63 HMAC with the public key": by_hmac(assertion, public_key),
        "64 SHA-1": by_sha1(issuer, statement),
        "69 reference to a file": resigned(assertion, set_uri("file:///etc/passwd")),
        "69 reference to a host": resigned(assertion, set_uri("http://127.0.0.1:9/")),
        "69 reference to everything": resigned(assertion, set_uri("")),
        "69 reference by XPointer": resigned(assertion, set_uri(f"#xpointer(id('{assertion.get('ID')}'))")),
        "70 2,000 references": resigned(assertion, many_references),
        "71 XSLT": resigned(assertion, add_transform("http://www.w3.org/TR/1999/REC-xslt-19991116", XSLT)),
        "71 XPath": resigned(assertion, add_transform("http://www.w3.org/TR/1999/REC-xpath-19991116", XPATH)),
        "71 base64": resigned(assertion, add_transform("http://www.w3.org/2000/09/xmldsig#base64")),
        "72 duplicate ID": duplicate_id(assertion),
        "72 duplicate ID of two assertions": message(assertion, evil(assertion, new_id=False)),
        "Manifest": resigned(assertion, manifest),
        "two signatures": message(nest(copy.deepcopy(assertion), copy.deepcopy(assertion.find(f"{DS}Signature")))),
        "another user in what was signed": etree.tostring(
            etree.fromstring(message(assertion).replace(VICTIM.encode(), EVIL.encode()))
        ),
        "larger than any": message(assertion).replace(b"</saml2:Assertion>", b" " * 70_000 + b"</saml2:Assertion>"),
    }
    return made
