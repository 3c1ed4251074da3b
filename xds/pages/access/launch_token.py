"""The launch token: what a portal says of the client that it identified, as a signed JWT.

Source: RFC 7519 (JWT); RFC 8725 (its explicit typing, allowed algorithms and audience); RFC 7515: 4.1.6 (x5c);
RFC 8693: 4.1 (act).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from joserfc import jwk, jws

from xds.model.affinity_domain import BSN_OID
from xds.model.bsn import is_valid_bsn
from xds.model.hl7 import CX
from xds.model.viewer import Relation

TYPE = "xds-launch+jwt"
ALGORITHMS = ("ES256", "ES384", "PS256", "RS256")
LONGEST = timedelta(minutes=5)
_SKEW = timedelta(seconds=60)
_MOST = 16_384


class _Registry(jws.JWSRegistry):
    """The algorithms, and room for a certificate in the header."""

    max_header_length = 8192


_registry = _Registry(algorithms=ALGORITHMS)


class Refused(Exception):
    """A token that doesn't count; the text says why, without what the token says."""


class _Actor(msgspec.Struct, frozen=True):
    sub: str


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    aud: str
    iat: int
    exp: int
    jti: str
    acr: str
    act: _Actor | None = None


class Launch(NamedTuple):
    """What a portal vouches for: whose page it is, and who looks."""

    certificate: str
    issuer: str
    patient: CX
    actor: CX
    relation: Relation
    assurance: int
    id: str
    expires: datetime


class Expected(NamedTuple):
    """`assurance` is the level of each word for it."""

    audience: str
    assurance: Mapping[str, int]
    least_assurance: int


def read(token: str, expected: Expected, now: datetime) -> Launch:
    """What a token says, once its signature, time, audience and assurance were checked.

    Whose certificate it is, is for the caller to look up, and whether the token was used before.
    """
    if len(token) > _MOST:
        raise Refused("the token is too large")
    certificate, claims = _verified(token, now)
    issued, expires = (_moment(seconds) for seconds in (claims.iat, claims.exp))
    if claims.aud != expected.audience:
        raise Refused("the token is for another audience")
    if not (issued - _SKEW <= now < expires <= issued + LONGEST):
        raise Refused("the token is not valid now, or for too long")
    assurance = expected.assurance.get(claims.acr, 0)
    if assurance < expected.least_assurance:
        raise Refused("the client was not identified well enough")
    if not 16 <= len(claims.jti) <= 128:
        raise Refused("the token has no id that tells it from others")
    patient = _patient(claims.sub)
    actor = patient if claims.act is None else _patient(claims.act.sub)
    relation = Relation.CLIENT if actor == patient else Relation.PARENT
    fingerprint = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
    return Launch(fingerprint, claims.iss, patient, actor, relation, assurance, claims.jti, expires)


def make(
    certificate: bytes, key: bytes, claims: Mapping[str, Any], now: datetime, lifetime: timedelta = timedelta(minutes=1)
) -> str:
    """Sign a token with the certificate and key of a participant, both PEM; what is in `claims` goes before."""
    private = load_pem_private_key(key, None)
    signer = jwk.import_key(key, "EC" if hasattr(private, "curve") else "RSA")
    leaf = x509.load_pem_x509_certificate(certificate)
    header = {
        "typ": TYPE,
        "alg": "ES256" if signer.key_type == "EC" else "PS256",
        "x5c": [base64.b64encode(leaf.public_bytes(Encoding.DER)).decode()],
    }
    said = {"iat": int(now.timestamp()), "exp": int((now + lifetime).timestamp()), **claims}
    return jws.serialize_compact(header, msgspec.json.encode(said), signer, registry=_registry)


def _verified(token: str, now: datetime) -> tuple[x509.Certificate, _Claims]:
    """The certificate that signed a token, and its claims."""
    try:
        header = jws.extract_compact(token.encode("ascii"), registry=_registry).headers()
        certificate = _certificate(header, now)
        public = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        kind = "EC" if str(header["alg"]).startswith("ES") else "RSA"
        signed = jws.deserialize_compact(token, jwk.import_key(public, kind), registry=_registry)
        return certificate, msgspec.json.decode(signed.payload, type=_Claims)
    except Refused:
        raise
    except Exception:
        # The libraries raise what they like at rubbish: UnsupportedAlgorithm, InvalidVersion, RecursionError.
        raise Refused("the token can't be read, or its signature is wrong") from None


def _certificate(header: Mapping[str, Any], now: datetime) -> x509.Certificate:
    chain = header.get("x5c")
    if header.get("typ") != TYPE or header.get("alg") not in ALGORITHMS or not isinstance(chain, Sequence):
        raise Refused("the token is of another kind, or has no certificate")
    certificate = x509.load_der_x509_certificate(base64.b64decode(chain[0], validate=True))
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Refused("the portal's certificate is not valid now")
    return certificate


def _patient(number: str) -> CX:
    if not is_valid_bsn(number):
        raise Refused("the token is about no BSN")
    return CX(number, BSN_OID)


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        raise Refused("the token is not valid now, or for too long") from None
