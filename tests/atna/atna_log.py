"""Records in a database."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from xds.audit.checkpoint import Signer, new_signing_key
from xds.audit.record import Recorder
from xds.db import Database
from xds.model.audit import Access, Event, Source
from xds.model.hl7 import CX

SIGNER = Signer(new_signing_key(), "xds.example/log")
RECORDER = Recorder(Source("2.999.1", "xds.example"), b"k" * 32)
_numbers = itertools.count()


def change(file: Path, sql: str) -> None:
    """Do what somebody could who has the database."""
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(sql)


def append(database: Database, count: int) -> None:
    """Add so many records, each of a request of its own."""
    patient = CX("999911120", "2.16.840.1.113883.2.4.6.3")
    for _ in range(count):
        event = Event(f"r-{next(_numbers)}", "ITI-18", datetime.now(UTC), 0, accesses=(Access(patient),))
        database.write_now(lambda writer, event=event: writer.record(RECORDER.entries(event)))
