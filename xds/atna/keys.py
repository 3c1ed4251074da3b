"""The files of the log's two secrets."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from xds.audit.checkpoint import Signer, new_signing_key
from xds.errors import Misconfigured

_INDEX_BYTES = 32


def make_keys(index_key: Path, signing_key: Path) -> list[Path]:
    """Make those files that are not there, for their owner only; which were made. Misconfigured when that fails."""
    made = []
    for path, content in (
        (index_key, lambda: secrets.token_hex(_INDEX_BYTES).encode()),
        (signing_key, new_signing_key),
    ):
        if path.exists():
            continue
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content())
        except OSError as error:
            raise Misconfigured(f"the log's key {path} can't be made: {error.strerror}") from None
        made.append(path)
    return made


def read_index_key(path: Path) -> bytes:
    """The secret of the patients' keyed hashes; Misconfigured when it can't be read."""
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise Misconfigured(f"audit.index_key: {path} can't be read: {error.strerror}; `xds init` makes it") from None
    except ValueError:
        key = b""
    if len(key) < _INDEX_BYTES:
        raise Misconfigured(f"audit.index_key: expected {2 * _INDEX_BYTES} hex digits in {path}")
    return key


def read_signer(path: Path, origin: str) -> Signer:
    """The key that signs the log of this name; Misconfigured when it can't be used."""
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"audit.signing_key: {path} can't be read: {error.strerror}; `xds init` makes it") from None
    return Signer(pem, origin)
