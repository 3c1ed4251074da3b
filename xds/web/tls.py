"""TLS as BCP 195 (RFC 9325) wants it. Source: ITI TF-2: 3.19.6.2.3."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from pathlib import Path

from xds.errors import Misconfigured

# Of TLS 1.2 only suites with forward secrecy and authenticated encryption; OpenSSL's own of TLS 1.3 all are such.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK"


def server_context(
    certificate: Path, key: Path, client_ca: Path | None, *, certificate_needed: bool = True
) -> ssl.SSLContext:
    """Make the context of a server; with `client_ca` it lets in only clients with a certificate of these CAs, or else
    with none where none is needed.

    Misconfigured when a file can't be used. Sessions may be resumed, which still binds them to the client's
    certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _restrict(context)
    load_certificate(context, certificate, key)
    if client_ca is not None:
        _trust(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED if certificate_needed else ssl.CERT_OPTIONAL
    return context


def client_context(ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Make the context of a client, which trusts `ca` (None: the system's CAs) and shows `certificate`."""
    context = ssl.create_default_context()
    if ca is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _trust(context, ca)
    _restrict(context)
    if certificate is not None and key is not None:
        load_certificate(context, certificate, key)
    return context


def peer_certificate(transport: asyncio.BaseTransport) -> str | None:
    """The SHA-256 of the certificate that the other side showed, in lower-case hex; None when it showed none."""
    secured = transport.get_extra_info("ssl_object")
    certificate = secured.getpeercert(binary_form=True) if secured is not None else None
    return hashlib.sha256(certificate).hexdigest() if certificate else None


def load_certificate(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Show this certificate on connections from now on."""
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the certificate {certificate} with the key {key} can't be used: {_why(error)}") from None


def _restrict(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    # Sessions are resumed from this process's own memory: the key of tickets would live as long as the server.
    # Source: RFC 9325: 3.4 and 4.4.
    context.options |= ssl.OP_NO_TICKET
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE


def _trust(context: ssl.SSLContext, ca: Path) -> None:
    try:
        context.load_verify_locations(ca)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the CA certificates {ca} can't be used: {_why(error)}") from None


def _no_password() -> bytes:
    raise ValueError("the key has a password, which a server can't be asked for")


def _why(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
