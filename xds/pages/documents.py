"""What documents are called on a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from xds.ebrim.fragment import unpack
from xds.ebrim.objects import decode_fragment
from xds.model.objects import DocumentEntry
from xds.model.selection import EntrySelection
from xds.model.stored import StoredEntry
from xds.ports import Reader

_NAMED_AT_ONCE = 500
_UNTITLED = "een document zonder titel"
_GONE = "een document dat niet meer is aangemeld"
_MANY_GONE = "documenten die niet meer zijn aangemeld"


def titles_of(reader: Reader, unique_ids: Iterable[str], name: Callable[[StoredEntry], str | None]) -> dict[str, str]:
    """The names of documents that are registered still, by their uniqueId; what gets no name is left out."""
    wanted, found = list(dict.fromkeys(unique_ids)), dict[str, str]()
    for place in range(0, len(wanted), _NAMED_AT_ONCE):
        for stored in reader.entries(EntrySelection(unique_ids=tuple(wanted[place : place + _NAMED_AT_ONCE]))):
            title = name(stored)
            if title is not None:
                found[stored.unique_id] = title
    return found


def title_of(stored: StoredEntry) -> str:
    """Its title, with what kind of document it is where that says more."""
    entry = decode_fragment(unpack(stored.fragment))
    kind = entry.type_code.display if isinstance(entry, DocumentEntry) and entry.type_code is not None else None
    title = entry.title
    if not title or not kind:
        return title or kind or _UNTITLED
    same = title.casefold() in kind.casefold() or kind.casefold() in title.casefold()
    shorter = kind.partition(" (")[0]
    return title if same else f"{title} ({shorter[:1].lower()}{shorter[1:]})"


def together(names: Iterable[str | None]) -> tuple[str, ...]:
    """Documents by name, those of one name once, and how many have none (None) any more."""
    counts = Counter(names)
    gone = counts.pop(None, 0)
    found = [str(name) if times == 1 else f"{name} ({times} keer)" for name, times in counts.items()]
    if gone:
        found.append(_GONE if gone == 1 else f"{gone} {_MANY_GONE}")
    return tuple(found)
