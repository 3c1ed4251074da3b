"""What documents are called on a page."""

from __future__ import annotations

from collections.abc import Iterable

from xds.ebrim.fragment import unpack
from xds.ebrim.objects import decode_fragment
from xds.model.objects import DocumentEntry
from xds.model.selection import EntrySelection
from xds.model.stored import StoredEntry
from xds.ports import Reader

_NAMED_AT_ONCE = 500
_UNTITLED = "een document zonder titel"


def titles_of(reader: Reader, number: int | None, unique_ids: Iterable[str]) -> dict[str, str]:
    """What a client's documents are called, by their uniqueId, as far as they are registered still."""
    wanted = list(dict.fromkeys(unique_ids))
    found: dict[str, str] = {}
    for place in range(0, len(wanted) if number is not None else 0, _NAMED_AT_ONCE):
        for stored in reader.entries(EntrySelection(unique_ids=tuple(wanted[place : place + _NAMED_AT_ONCE]))):
            if stored.patient == number:
                found[stored.unique_id] = title_of(stored)
    return found


def title_of(stored: StoredEntry) -> str:
    """Its title, with what kind of document it is where that says more."""
    entry = decode_fragment(unpack(stored.fragment))
    kind = entry.type_code.display if isinstance(entry, DocumentEntry) and entry.type_code is not None else None
    if entry.title and kind and kind.casefold() not in entry.title.casefold():
        return f"{entry.title} ({kind.lower()})"
    return entry.title or kind or _UNTITLED
