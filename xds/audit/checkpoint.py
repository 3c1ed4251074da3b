"""Signed tree heads. Source: C2SP signed-note, tlog-checkpoint.

A checkpoint is a text that anyone can read and keep:

    xds.example/log                                  origin: the name of the log and of its key
    1234                                             how many records
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=     root of the tree over them
    time 2025-03-12T14:05:00Z                        when it was signed

    — xds.example/log Az3grlgtzPICa5OS8npVmf1Myq…    key id and Ed25519 signature
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from xds.audit.tree import root
from xds.errors import Misconfigured
from xds.model.audit import Head

_ED25519 = b"\x01"
_NOTE = re.compile(r"(?P<text>(?:[^\n]+\n)+)\n(?P<signatures>(?:— [^\n]+\n)+)")
_ORIGIN = re.compile(r"[^\s+\x00-\x20\x7f]{1,200}")


class Checkpoint(NamedTuple):
    """What a note says; `time` is UTC, or None where the note has none."""

    origin: str
    size: int
    root: bytes
    time: datetime | None


class VerificationKey(NamedTuple):
    """A public key with its name. Source: C2SP signed-note: Verifier keys."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"


def parse_key(text: str) -> VerificationKey:
    """Read `name+id+key`; ValueError when it is not one, or the id is of another key."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    blob = _base64(encoded)
    key = VerificationKey(name, blob[1:])
    if blob[:1] != _ED25519 or len(blob) != 33 or key.id.hex() != key_id:
        raise ValueError("expected name+id+key of Ed25519, as the log's own file of its public key has it")
    return key


class Signer:
    """The key that signs the log. `pem` is an Ed25519 private key in PKCS #8; `origin` names the log.

    Misconfigured when it is no such key or name.
    """

    def __init__(self, pem: bytes, origin: str):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        if not _ORIGIN.fullmatch(origin):
            raise Misconfigured("audit.origin: expected a name without blanks and +, such as xds.example/log")
        try:
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise Misconfigured("audit.signing_key: expected an Ed25519 private key in PEM, without a password")
        self._sign = key.sign
        self.key = VerificationKey(origin, key.public_key().public_bytes_raw())

    def note(self, head: Head, time: datetime) -> str:
        """Sign a checkpoint of this head."""
        moment = time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = f"{self.key.name}\n{head.size}\n{base64.b64encode(root(head.edge)).decode()}\ntime {moment}\n"
        return self.signed(text)

    def signed(self, text: str) -> str:
        """The note of a text, whose first line is the origin."""
        signature = base64.b64encode(self.key.id + self._sign(text.encode())).decode()
        return f"{text}\n— {self.key.name} {signature}\n"


def new_signing_key() -> bytes:
    """A new Ed25519 private key as PEM."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_note(note: str, key: VerificationKey) -> Checkpoint:
    """What a checkpoint says; ValueError says what is wrong when it is none, or this key did not sign it."""
    return _parsed(signed_text(note, key), key.name)


def signed_text(note: str, key: VerificationKey) -> str:
    """The text of a note; ValueError says what is wrong when this key did not sign it."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    match = _NOTE.fullmatch(note)
    if match is None:
        raise ValueError("it is no signed note")
    for line in match["signatures"].splitlines():
        name, _, encoded = line.removeprefix("— ").rpartition(" ")
        blob = _base64(encoded)
        if name != key.name or blob[:4] != key.id:
            continue  # of a witness, whose key others have
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(blob[4:], match["text"].encode())
        except InvalidSignature:
            raise ValueError("its signature is wrong") from None
        return match["text"]
    raise ValueError("it has no signature of the log's key")


def said(note: str) -> Checkpoint:
    """What a note says, whoever signed it; ValueError when it is no note."""
    match = _NOTE.fullmatch(note)
    if match is None:
        raise ValueError("it is no signed note")
    return _parsed(match["text"], match["text"].partition("\n")[0])


def _parsed(text: str, origin: str) -> Checkpoint:
    lines = text.splitlines()
    if len(lines) < 3 or lines[0] != origin:
        raise ValueError("it is not a checkpoint of this log")
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):
        raise ValueError("its size is no number")
    found = _base64(lines[2])
    if len(found) != 32:
        raise ValueError("its root is no hash")
    stamp = next((line[5:] for line in lines[3:] if line.startswith("time ")), None)
    return Checkpoint(origin, int(lines[1]), found, datetime.fromisoformat(stamp) if stamp else None)


def _base64(text: str) -> bytes:
    """What is encoded, b"" when it is not exactly base64: spare bits would let a note be changed unseen."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return found if base64.b64encode(found).decode() == text else b""


def split_notes(text: str) -> Iterator[str]:
    """The notes in a text that has one after another. What is no note comes as a piece of its own."""
    end = 0
    for match in _NOTE.finditer(text):
        if text[end : match.start()].strip():
            yield text[end : match.start()]
        yield match[0]
        end = match.end()
    if text[end:].strip():
        yield text[end:]
