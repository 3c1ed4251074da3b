"""Identifiers of objects. Source: ITI TF-3: 4.2.3.1.3 and 4.2.3.2.26."""

from __future__ import annotations

import os
import re
from time import time_ns

from xds.model.hl7 import is_oid

_UUID_URN = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def new_uuid() -> str:
    """A fresh entryUUID, as the registry assigns it.

    It begins with the time, so that the indexes of what is registered together lie together. Source: RFC 9562: 5.7.
    """
    moment = time_ns() // 1_000_000
    digits = os.urandom(10).hex()
    variant = "89ab"[int(digits[3], 16) & 3]
    return f"urn:uuid:{moment >> 16:08x}-{moment & 0xFFFF:04x}-7{digits[:3]}-{variant}{digits[4:7]}-{digits[7:19]}"


def is_symbolic(entry_uuid: str) -> bool:
    """Whether an id only serves inside its message: anything that does not begin with urn:uuid:."""
    return entry_uuid[:9].lower() != "urn:uuid:"


def is_uuid_urn(text: str) -> bool:
    """Whether `text` is urn:uuid: and a lower-case UUID."""
    return _UUID_URN.fullmatch(text) is not None


def check_unique_id(text: str) -> None:
    """ValueError unless a DocumentEntry.uniqueId is an OID, or OID^extension of at most 16 characters.

    Source: ITI TF-3: 4.2.3.2.26.
    """
    root, caret, extension = text.partition("^")
    if len(text) > 128:
        raise ValueError("longer than 128 characters")
    if not is_oid(root):
        raise ValueError("expected an OID, or OID^extension")
    if caret and (not extension or len(extension) > 16 or not extension.isprintable()):
        raise ValueError("the extension after ^ has 1 to 16 printable characters")
