"""The signature of an assertion, held against the strictest profile that real issuers meet.

Source: SAML 2.0 Core: 5.4; XML Signature 1.1.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence

import xmlsec
from lxml import etree
from lxml.etree import _Element

from xds import xmlio
from xds.identity.faults import failed_check, invalid_token, unsupported_algorithm

DS = "http://www.w3.org/2000/09/xmldsig#"
SIGNATURE = f"{{{DS}}}Signature"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = f"{DS}enveloped-signature"
MAX_BYTES = 64 << 10
"""The largest assertion that is looked at."""

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_SIGNATURE_METHODS = frozenset(f"{_MORE}{kind}-sha{size}" for kind in ("rsa", "ecdsa") for size in (256, 384, 512))
_DIGESTS: dict[str | None, Callable[[bytes], hashlib._Hash]] = {
    "http://www.w3.org/2001/04/xmlenc#sha256": hashlib.sha256,
    f"{_MORE}sha384": hashlib.sha384,
    "http://www.w3.org/2001/04/xmlenc#sha512": hashlib.sha512,
}
_MAX_PREFIXES = 32
_same_value = etree.XPath("count(//@*[. = $value])")


def signed_content(assertion: _Element, encoded: bytes, keys: Sequence[xmlsec.Key]) -> _Element:
    """The assertion as its issuer signed it with one of `keys`, without the signature, as a document of its own.

    `assertion` is the element in the message and `encoded` its bytes, with the namespaces that it inherits.
    """
    if len(encoded) > MAX_BYTES:
        raise invalid_token(f"the assertion is larger than {MAX_BYTES} bytes")
    found = assertion.getroottree().getroot().iter(SIGNATURE)
    signature = next(found, None)
    if signature is None:
        raise failed_check("the assertion is not signed")
    if next(found, None) is not None or signature.getparent() is not assertion:
        raise failed_check("expected one signature in the message: the assertion's own")
    _check_unique(assertion)
    try:
        document = xmlio.parse(encoded)
    except xmlio.Malformed:
        raise invalid_token("the assertion can't be parsed by itself") from None
    digest, expected, prefixes = _check_profile(document)
    _check_value(document, keys)
    canonical = _canonical(document, prefixes)
    if not hmac.compare_digest(digest(canonical).digest(), expected):
        raise failed_check("the digest of the assertion is not the one that was signed")
    return xmlio.parse(canonical)


def _check_unique(assertion: _Element) -> None:
    """The ID must be no other attribute's value anywhere in the message, whatever that attribute is called."""
    if _same_value(assertion, value=assertion.get("ID", "")) != 1:
        raise failed_check("the ID of the assertion is not unique in the message")


def _check_profile(assertion: _Element) -> tuple[Callable[[bytes], hashlib._Hash], bytes, list[str]]:
    """The digest's function and value, and the prefixes that are canonicalised inclusively."""
    signature = assertion.find(SIGNATURE)
    assert signature is not None
    if _names(signature) not in (["SignedInfo", "SignatureValue"], ["SignedInfo", "SignatureValue", "KeyInfo"]):
        raise failed_check("expected of a signature SignedInfo, SignatureValue and perhaps KeyInfo, and nothing else")
    signed_info = signature[0]
    if _names(signed_info) != ["CanonicalizationMethod", "SignatureMethod", "Reference"]:
        raise failed_check("expected exactly one reference in the signature")
    canonicalization, method, reference = signed_info
    if canonicalization.get("Algorithm") != EXCLUSIVE:
        raise unsupported_algorithm("the signature's canonicalization is not exclusive")
    _prefixes(canonicalization)
    if method.get("Algorithm") not in _SIGNATURE_METHODS or len(method):
        raise unsupported_algorithm("the signature's algorithm is not RSA or ECDSA with SHA-256 or better")
    if dict(reference.attrib) != {"URI": f"#{assertion.get('ID')}"}:
        raise failed_check("the signature's reference is not to the assertion")
    return _check_reference(reference)


def _check_reference(reference: _Element) -> tuple[Callable[[bytes], hashlib._Hash], bytes, list[str]]:
    if _names(reference) != ["Transforms", "DigestMethod", "DigestValue"]:
        raise failed_check("expected of a reference Transforms, DigestMethod and DigestValue")
    transforms, method, value = reference
    names = [(child.tag, child.get("Algorithm")) for child in transforms]
    transform = f"{{{DS}}}Transform"
    if names != [(transform, ENVELOPED), (transform, EXCLUSIVE)] or len(transforms[0]):
        raise failed_check("the reference's transforms are not the enveloped signature and exclusive canonicalization")
    digest = _DIGESTS.get(method.get("Algorithm"))
    if digest is None or len(method):
        raise unsupported_algorithm("the digest's algorithm is not SHA-256 or better")
    try:
        expected = base64.b64decode("".join((value.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise failed_check("the digest is not base64") from None
    return digest, expected, _prefixes(transforms[1])


def _prefixes(method: _Element) -> list[str]:
    """The PrefixList of an exclusive canonicalization. Source: Exclusive XML Canonicalization 1.0: 3."""
    if not len(method):
        return []
    only = method[0]
    prefixes = only.get("PrefixList", "").split()
    if len(method) > 1 or only.tag != f"{{{EXCLUSIVE}}}InclusiveNamespaces" or len(prefixes) > _MAX_PREFIXES:
        raise failed_check("the parameters of the canonicalization are not a list of prefixes")
    return prefixes


def _check_value(assertion: _Element, keys: Sequence[xmlsec.Key]) -> None:
    """Have xmlsec check the signature with each key; one must fit."""
    signature = assertion.find(SIGNATURE)
    assert signature is not None
    for key_info in signature.findall(f"{{{DS}}}KeyInfo"):
        signature.remove(key_info)
    for key in keys:
        context = xmlsec.SignatureContext()
        context.key = key
        context.register_id(assertion, "ID")
        try:
            context.verify(signature)
        except xmlsec.Error:
            continue
        return
    raise failed_check("the signature of the assertion is not its issuer's")


def _canonical(assertion: _Element, prefixes: list[str]) -> bytes:
    """What the two transforms leave. What stands behind the signature stays. Source: XML Signature 1.1: 6.6.4."""
    signature = assertion.find(SIGNATURE)
    assert signature is not None
    before, tail = signature.getprevious(), signature.tail or ""
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        assertion.text = (assertion.text or "") + tail
    assertion.remove(signature)
    try:
        return etree.tostring(
            assertion, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes or None
        )
    except etree.C14NError:
        raise failed_check("the assertion can't be canonicalised") from None


def _names(element: _Element) -> list[str]:
    """The local names of the children; of one that is not XML Signature's, its whole tag."""
    return [child.tag.removeprefix(f"{{{DS}}}") for child in element]
