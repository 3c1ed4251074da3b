"""Events to record, and entries to append."""

from __future__ import annotations

from datetime import UTC, datetime

from xds.audit.record import Recorder
from xds.model.audit import Access, Entry, Event, Source
from xds.model.hl7 import CX

RECORDER = Recorder(Source("2.999.1", "xds.example"), b"k" * 32)


def an_entry(request_id: str, number: int = 0, **changes: object) -> Entry:
    payload = f'{{"request_id":"{request_id}"}}'.encode()
    started = 1_741_784_700_000_000
    who = ("12^^^&1.2&ISO", "00001234")
    entry = Entry(request_id, number, payload, started, b"p" * 16, *who, "E", 0, "ITI-18", False)
    return entry._replace(**changes)


def an_event(request_id: str, *patients: str, **changes: object) -> Event:
    started = datetime(2025, 3, 12, 13, 5, tzinfo=UTC)
    accesses = tuple(Access(CX(number, "1.2.3")) for number in patients)
    return Event(**{"transaction": "ITI-18", "outcome": 0, "accesses": accesses} | changes,
                 request_id=request_id, started=started)  # fmt: skip
