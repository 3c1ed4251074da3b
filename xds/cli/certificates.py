"""The certificates in the PEM files that commands are given."""

from __future__ import annotations

import hashlib
import ssl
from datetime import datetime
from pathlib import Path

from xds.errors import Misconfigured

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def certificate_der(pem: Path) -> bytes:
    """The DER form of the first certificate in a PEM file."""
    try:
        return ssl.PEM_cert_to_DER_cert(_BEGIN + pem.read_text("ascii").split(_BEGIN)[1].split(_END)[0] + _END)
    except (OSError, ValueError, IndexError):
        raise Misconfigured(f"{pem} can't be read as a PEM file with a certificate") from None


def expiry(pem: Path) -> datetime:
    """Until when it is valid."""
    from cryptography import x509

    return x509.load_der_x509_certificate(certificate_der(pem)).not_valid_after_utc


def fingerprint(pem: Path) -> str:
    """Its SHA-256, in lower-case hex, by which a participant is known."""
    return hashlib.sha256(certificate_der(pem)).hexdigest()
