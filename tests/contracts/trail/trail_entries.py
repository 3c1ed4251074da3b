"""Entries to append."""

from __future__ import annotations

from xds.model.audit import Entry


def an_entry(request_id: str, number: int = 0, **changes: object) -> Entry:
    payload = f'{{"request_id":"{request_id}"}}'.encode()
    started = 1_741_784_700_000_000
    who = ("12^^^&1.2&ISO", "00001234")
    entry = Entry(request_id, number, payload, started, b"p" * 16, *who, "E", 0, "ITI-18", False)
    return entry._replace(**changes)
