"""The second factor: a code of six digits that changes every 30 seconds, each good for one use.

Source: RFC 6238; RFC 4226: 7.3 (throttling); OWASP ASVS 5.0: 6.5.
"""

from __future__ import annotations

import base64
import hmac
import os
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from xds.model.viewer import Attempts

_STEP = 30
_DIGITS = 6
_DRIFT = 1
_SECRET_BYTES = 20
_NONCE_BYTES = 12
_FREE_FAILURES = 4
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)


def new_secret() -> bytes:
    return os.urandom(_SECRET_BYTES)


def uri(secret: bytes, account: str, title: str) -> str:
    """What an authenticator app reads. Source: Key Uri Format of Google Authenticator."""
    encoded = base64.b32encode(secret).decode().rstrip("=")
    return f"otpauth://totp/{quote(title)}:{quote(account)}?secret={encoded}&issuer={quote(title)}"


def encrypted(secret: bytes, key: bytes) -> bytes:
    """The secret as the database keeps it, under a key that is derived from the log's."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(_derived(key)).encrypt(nonce, secret, None)


def decrypted(kept: bytes, key: bytes) -> bytes:
    """ValueError when it was encrypted under another key."""
    try:
        return AESGCM(_derived(key)).decrypt(kept[:_NONCE_BYTES], kept[_NONCE_BYTES:], None)
    except InvalidTag:
        raise ValueError("the second factor was encrypted under another key") from None


def code_at(secret: bytes, moment: datetime) -> str:
    """The code of a moment."""
    return _code(secret, int(moment.timestamp()) // _STEP)


def attempt(secret: bytes, code: str, attempts: Attempts, now: datetime) -> tuple[bool, Attempts]:
    """Whether a code is right, not used before and not tried too soon; and the attempts with this one.

    A code of the step before or after is right too. After some failures each one is followed by twice the wait.
    """
    if now < attempts.locked_until:
        return False, attempts
    current = int(now.timestamp()) // _STEP
    given = code.replace(" ", "").encode()
    found = [
        step
        for step in range(current - _DRIFT, current + _DRIFT + 1)
        if hmac.compare_digest(_code(secret, step).encode(), given) and step > attempts.step
    ]
    if found:
        return True, Attempts(found[0], 0, now)
    failures = attempts.failures + 1
    wait = timedelta()
    if failures > _FREE_FAILURES:
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(failures - _FREE_FAILURES - 1, 10))
    return False, replace(attempts, failures=failures, locked_until=now + wait)


def _code(secret: bytes, step: int) -> str:
    """Source: RFC 4226: 5.3."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 0x0F
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def _derived(key: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, b"xds second factor").derive(key)
