"""A log of many synthetic records: a year of a region's traffic, made with the product's own recorder."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmark.data import patient
from xds.audit.record import Recorder
from xds.db import Database, open_database
from xds.model.audit import Access, Document, Entry, Event, Source
from xds.model.coded import Coded
from xds.model.hl7 import parse_cx
from xds.model.party import Organisation, Participant, Person, Requester
from xds.model.verdict import Checks, Grounds, Verdict

RECORDER = Recorder(Source("2.999.1", "bench"), b"b" * 32)
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
SECONDS = 365 * 86400
PATIENTS = 50_000
_ROLES = [Coded(f"01.04{n}", "2.16.840.1.113883.2.4.15.111", f"Rol {n}") for n in range(8)]
_PURPOSES = [Coded(code, "2.16.840.1.113883.1.11.20448", code) for code in ("TREAT", "ETREAT", "HPAYMT")]
_RULES = ("consent", "own-record", "authorisation", "treatment-relation", "confidentiality", "emergency")
_AT_ONCE = 2000
_QUERY = '<query:AdhocQueryRequest><rim:AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"/>' * 4


def requesters(organisations: int = 60, employees: int = 1500) -> list[Requester]:
    """Who asks: some organisations are much larger than others."""
    found = []
    for number in range(employees):
        at = int(organisations * (number / employees) ** 2)
        organisation = Organisation(f"{at:08}", f"Praktijk {at}", f"V{at % 6}")
        system = Participant(at, organisation, f"{at:064x}", (f"2.999.7.{at}",), date(2025, 1, 1))
        person = Person(f"{number:09}", "2.16.528.1.1007.3.1", f"Mede Werker-{_surname(number)}", _ROLES[number % 8])
        for purpose in _PURPOSES[: 1 + (number % 10 == 0)]:
            urgent = "Bewusteloos" if purpose.code == "ETREAT" else None
            found.append(
                Requester(system, person, organisation, purpose, 4, "urn:issuer", f"_{number}", emergency=urgent)
            )
    return found


def events(records: int, random_: random.Random) -> Iterator[Event]:
    """What happened, in the order of its time."""
    people = requesters()
    for number in range(records):
        rule = random_.choices(_RULES, (60, 20, 8, 6, 4, 2))[0]
        refused = rule in ("authorisation", "treatment-relation", "confidentiality")
        transaction = random_.choices(("ITI-18", "ITI-43", "ITI-41", "ITI-57"), (60, 30, 9, 1))[0]
        client = int(PATIENTS * random_.random() ** 2)
        owner, surnames = parse_cx(patient(client)), frozenset({_surname(client // 2)})
        verdict = Verdict(
            not refused, rule, "matrix 3", "Mag, want de cliënt gaf toestemming.", Checks(True, True, not refused),
            Grounds("matrix 3", "sender:7", "consent 12"),
        )  # fmt: skip
        document = Document(f"2.999.44.{number}", f"urn:uuid:00000000-0000-4000-8000-{number:012}", "2.999.42", "N")
        yield Event(
            f"r-{number:x}",
            transaction,
            BEGIN + timedelta(seconds=SECONDS * number / records),
            4 if refused else 0,
            requester=people[int(len(people) * random_.random() ** 1.5)],
            address="192.0.2.7",
            accesses=(
                Access(
                    owner,
                    verdict,
                    () if refused else (document,),
                    surnames=surnames if transaction == "ITI-41" else frozenset(),
                ),
            ),
            query_id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d" if transaction == "ITI-18" else "",
            query=_QUERY if transaction == "ITI-18" else "",
        )


def _surname(number: int) -> str:
    return "".join(chr(ord("a") + number // 26**place % 26) for place in range(4))


def fill(database: Database, records: int) -> None:
    """Append the records and index them."""
    batch: list[Entry] = []
    for event in events(records, random.Random(records)):
        batch += RECORDER.entries(event)
        if len(batch) >= _AT_ONCE:
            _append(database, batch)
            batch = []
    _append(database, batch)


def ensure_log(folder: Path, records: int) -> Path:
    """The database file with that many records, made when it isn't there."""
    path, done = folder / f"log-{records}.db", folder / f"log-{records}.done"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob(f"log-{records}.db*"):
            leftover.unlink()
        database = open_database(f"sqlite:///{path}", create=True)
        fill(database, records)
        database.close()
        done.touch()
    return path


def _append(database: Database, batch: list[Entry]) -> None:
    if batch:
        database.write_now(lambda writer: writer.record(batch))
        database.write_now(lambda writer: writer.log.index(len(batch)))
