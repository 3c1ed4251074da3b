"""How attributes become columns, and columns become what the ports answer with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from xds.db.schema import ASSOCIATION_TYPES, ENTRY_TYPES, STATUSES
from xds.model.hl7 import dtm_moment
from xds.model.ids import is_uuid_urn
from xds.model.objects import AssociationType, EntryType, Status
from xds.model.stored import Holding, StoredAssociation, StoredEntry, StoredFolder, StoredSet

Row = Sequence[Any]

SEPARATOR = "\x1f"
"""Between the values of a column that holds many: XML text can't contain it, and both databases can."""

STATUS_NUMBERS: dict[str, int] = {status: number for number, status in enumerate(STATUSES)}
ENTRY_TYPE_NUMBERS: dict[str, int] = {kind: number for number, kind in enumerate(ENTRY_TYPES)}
ASSOCIATION_TYPE_NUMBERS: dict[str, int] = {kind: number for number, kind in enumerate(ASSOCIATION_TYPES)}

_LARGEST = 2**63 - 1


def uuid_bytes(urn: str) -> bytes:
    """The 16 bytes of a "urn:uuid:…" in lower case; ValueError for anything else."""
    if not is_uuid_urn(urn):
        raise ValueError("expected urn:uuid: and a lower-case UUID")
    return bytes.fromhex(urn[9:].replace("-", ""))


def uuid_urn(uuid: bytes) -> str:
    digits = uuid.hex()
    return f"urn:uuid:{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def known_uuids(urns: Iterable[str]) -> list[bytes]:
    """The bytes of those that can be an entryUUID."""
    return [uuid_bytes(urn) for urn in urns if is_uuid_urn(urn)]


def known_texts(texts: Iterable[str]) -> list[str]:
    """Those that a text column can hold: PostgreSQL has no NUL character."""
    return [text for text in texts if "\0" not in text]


def moment(dtm: str | None) -> int | None:
    return None if dtm is None else dtm_moment(dtm)


def count(text: str | None) -> int | None:
    """A number of bytes written in decimal; None when it is no such number or too large for a column."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 19:
        return None
    number = int(text)
    return number if number <= _LARGEST else None


def digest(hex_digits: str | None) -> bytes | None:
    return None if hex_digits is None else bytes.fromhex(hex_digits)


def joined(values: Iterable[str]) -> str | None:
    return SEPARATOR.join(values) or None


def stored_entry(row: Row) -> StoredEntry:
    uuid, logical_id, patient, unique_id, status, object_type, sha1, size, fragment = row[:9]
    urn = uuid_urn(uuid)
    return StoredEntry(
        urn,
        urn if logical_id is None else uuid_urn(logical_id),
        patient,
        unique_id,
        STATUSES[status],
        ENTRY_TYPES[object_type],
        None if sha1 is None else sha1.hex(),
        size,
        fragment,
        tuple(row[9:15]),
    )


def stored_set(row: Row) -> StoredSet:
    uuid, patient, unique_id, status, fragment = row[:5]
    return StoredSet(uuid_urn(uuid), patient, unique_id, STATUSES[status], fragment)


def stored_folder(row: Row) -> StoredFolder:
    uuid, logical_id, patient, unique_id, status, fragment = row[:6]
    urn = uuid_urn(uuid)
    logical_urn = urn if logical_id is None else uuid_urn(logical_id)
    return StoredFolder(urn, logical_urn, patient, unique_id, STATUSES[status], fragment)


def stored_association(row: Row) -> StoredAssociation:
    uuid, association_type, source, target, status, fragment = row[:6]
    return StoredAssociation(
        uuid_urn(uuid),
        ASSOCIATION_TYPES[association_type].value,
        uuid_urn(source),
        uuid_urn(target),
        STATUSES[status],
        fragment,
    )


def holding(row: Row) -> Holding:
    unique_id, address, sha1, size, mime_type = row
    return Holding(unique_id, address.hex(), sha1.hex(), size, mime_type)


def holding_row(held: Holding) -> tuple[Any, ...]:
    return held.unique_id, bytes.fromhex(held.address), bytes.fromhex(held.hash), held.size, held.mime_type


def numbers_of(terms: Iterable[Status | EntryType | AssociationType | str], numbers: dict[str, int]) -> list[int]:
    """The numbers of those terms that have one."""
    return [numbers[term] for term in terms if term in numbers]
