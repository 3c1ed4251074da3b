"""The issuers whose assertions are accepted, with their pinned certificates, from SAML metadata files.

Source: SAML 2.0 Metadata: 2.3.2 and 2.4.1.1.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import xmlsec
from lxml.etree import _Element

from xds import xmlio
from xds.errors import Misconfigured
from xds.identity.signature import DS

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
TEST_MARK = "NOT FOR PRODUCTION"
"""The organisational unit in the certificate of an issuer for development and tests."""

_DESCRIPTOR = f"{{{METADATA}}}EntityDescriptor"
_LEAST_BITS = {"RSA": 2048, "EC": 256}


class Pinned(NamedTuple):
    """A public key of an issuer, and when its certificate is valid."""

    key: xmlsec.Key
    begins: datetime
    ends: datetime


class Issuer(NamedTuple):
    name: str
    pinned: tuple[Pinned, ...]

    def keys(self, now: datetime) -> list[xmlsec.Key]:
        """The keys whose certificates are valid now."""
        return [pinned.key for pinned in self.pinned if pinned.begins <= now <= pinned.ends]


def load_issuers(files: Sequence[Path], *, for_tests: bool) -> Mapping[str, Issuer]:
    """Read SAML metadata; the issuers by entityID.

    Misconfigured when a file can't be used, and, unless `for_tests`, when it names an issuer that is for tests.
    """
    found: dict[str, Issuer] = {}
    for file in files:
        try:
            root = xmlio.parse(file.read_bytes())
        except OSError as error:
            raise Misconfigured(f"identity.issuers: {file} can't be read: {error.strerror}") from None
        except xmlio.Malformed as error:
            raise Misconfigured(f"identity.issuers: {file}: {error}") from None
        descriptors = list(root.iter(_DESCRIPTOR))
        if not descriptors:
            raise Misconfigured(f"identity.issuers: {file} is no SAML metadata: it has no EntityDescriptor")
        for descriptor in descriptors:
            issuer = _issuer(descriptor, file, for_tests)
            if issuer.name in found:
                raise Misconfigured(f"identity.issuers: {issuer.name} is there twice")
            found[issuer.name] = issuer
    return found


def is_for_tests(certificate: Certificate) -> bool:
    """Whether a certificate carries the mark of an issuer for tests."""
    from cryptography.x509 import NameOID

    units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    return any(unit.value == TEST_MARK for unit in units)


def _issuer(descriptor: _Element, file: Path, for_tests: bool) -> Issuer:
    name = descriptor.get("entityID", "").strip()
    pinned = []
    for certificate in _certificates(descriptor, file):
        if is_for_tests(certificate) and not for_tests:
            raise Misconfigured(
                f"identity.issuers: {name} in {file} is an issuer for tests, and this server can be reached by others"
            )
        pinned.append(_pinned(certificate, file))
    if not name or not pinned:
        raise Misconfigured(f"identity.issuers: expected in {file} an entityID and a certificate for signing")
    return Issuer(name, tuple(pinned))


def _certificates(descriptor: _Element, file: Path) -> Iterator[Certificate]:
    from cryptography import x509

    for key_descriptor in descriptor.iter(f"{{{METADATA}}}KeyDescriptor"):
        if key_descriptor.get("use", "signing") != "signing":
            continue
        for element in key_descriptor.iter(f"{{{DS}}}X509Certificate"):
            try:
                yield x509.load_der_x509_certificate(base64.b64decode("".join((element.text or "").split())))
            except (binascii.Error, ValueError):
                raise Misconfigured(f"identity.issuers: a certificate in {file} can't be read") from None


def _pinned(certificate: Certificate, file: Path) -> Pinned:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = certificate.public_key()
    kind = "RSA" if isinstance(key, RSAPublicKey) else "EC" if isinstance(key, EllipticCurvePublicKey) else ""
    if not isinstance(key, (RSAPublicKey, EllipticCurvePublicKey)) or key.key_size < _LEAST_BITS[kind]:
        raise Misconfigured(f"identity.issuers: expected in {file} RSA of at least 2048 bits or EC of 256")
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    loaded = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem)
    return Pinned(loaded, certificate.not_valid_before_utc, certificate.not_valid_after_utc)
