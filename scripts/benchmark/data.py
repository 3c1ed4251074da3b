"""A database of many synthetic documents, made with the product's own codec and row format."""

from __future__ import annotations

import itertools
import os
import random
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from xds.db import open_database
from xds.db.writer import Writer
from xds.ebrim.encode import encode
from xds.ebrim.fragment import pack
from xds.model.coded import Author, Coded, LocalizedString
from xds.model.consent import (
    ANYONE,
    Channel,
    Consent,
    Decision,
    Giver,
    Ground,
    Scope,
    ScopeKind,
    Subject,
    TreatmentRelation,
)
from xds.model.objects import AnyObject, Association, AssociationType, DocumentEntry, Status, SubmissionSet

EACH = 20
"""Documents of one patient; every one has another type, so that patient and type select one."""
AUTHORITY = "2.999.40"
TYPES = [Coded(f"type-{n:02}", "2.999.41", f"Soort document {n:02}") for n in range(EACH)]
AUTHORS = tuple(
    Author(
        (f"0000000{n}^Jansen-{n}^Anna^^^^^^&2.16.528.1.1007.3.1&ISO",),
        (f"Verloskundigenpraktijk De Ooievaar {n}^^^^^&2.16.528.1.1007.3.3&ISO^^^^0000000{n}",),
        ("03.000",),
        ("Verloskunde",),
        (f"^^Internet^anna{n}@example.nl",),
    )
    for n in range(2)
)


def patient(number: int) -> str:
    return f"P{number:06}^^^&{AUTHORITY}&ISO"


def submission(number: int, owner: str, uids: Iterator[str]) -> tuple[SubmissionSet, DocumentEntry, Association]:
    """One document with its submission set and association, of about 7.5 KB of ebRIM for the entry."""
    entry = DocumentEntry(
        entry_uuid="Document01",
        mime_type="application/pdf",
        authors=AUTHORS,
        names=(LocalizedString(f"Verslag {number}"),),
        class_code=Coded("SUMMARIES", "1.3.6.1.4.1.19376.1.2.6.1", "Samenvattingen"),
        confidentiality_code=(Coded("N", "2.16.840.1.113883.5.25", "Normaal"),),
        creation_time=f"2026{number % 12 + 1:02}{number % 28 + 1:02}120000",
        event_code_list=(
            Coded("US", "1.2.840.10008.2.16.4", "Echografie"),
            Coded("35039007", "2.16.840.1.113883.6.96", "Uterus"),
        ),
        format_code=Coded("pdf-a", "2.999.10.2", "PDF/A"),
        hash=uuid.uuid5(uuid.NAMESPACE_OID, str(number)).hex + "00000000",
        healthcare_facility_type_code=Coded("G3", "2.16.840.1.113883.2.4.15.1060", "Verloskundigenpraktijk"),
        language_code="nl-NL",
        patient_id=owner,
        practice_setting_code=Coded("394585009", "2.16.840.1.113883.6.96", "Verloskunde en gynaecologie"),
        repository_unique_id="2.999.42",
        service_start_time="2026",
        service_stop_time="2026",
        size=str(10_000 + number % 90_000),
        source_patient_id=owner,
        source_patient_info=("PID-5|Vries^Eva^^^", "PID-7|19950102", "PID-8|F"),
        type_code=TYPES[number % EACH],
        unique_id=next(uids),
    )
    the_set = SubmissionSet(
        entry_uuid="SubmissionSet01",
        authors=AUTHORS[:1],
        content_type_code=Coded("zwangerschap", "2.999.10.4", "Zorg tijdens de zwangerschap"),
        patient_id=owner,
        source_id="2.999.43",
        submission_time="20260601120000",
        unique_id=next(uids),
    )
    member = Association(
        entry_uuid="Association01",
        association_type=AssociationType.HAS_MEMBER,
        source_object="SubmissionSet01",
        target_object="Document01",
        submission_set_status="Original",
    )
    return the_set, entry, member


def registered(number: int, owner: str, uids: Iterator[str]) -> list[tuple[AnyObject, bytes]]:
    """The same as the registry keeps it."""
    made = submission(number, owner, uids)
    ids = {item.entry_uuid: f"urn:uuid:{uuid.UUID(int=random.getrandbits(128), version=4)}" for item in made}
    objects = []
    for item in made:
        own = ids[item.entry_uuid]
        final = replace(item, entry_uuid=own, logical_id=own, version="1", availability_status=Status.APPROVED)
        if isinstance(final, Association):
            final = replace(final, source_object=ids[final.source_object], target_object=ids[final.target_object])
        objects.append((final, pack(encode(final))))
    return objects


def _chunk(round_: int, first: int, count: int) -> list[tuple[int, list[tuple[AnyObject, bytes]]]]:
    random.seed(f"{round_}-{first}")
    uids = (f"2.999.44.{round_}.{first}.{n}" for n in itertools.count())
    return [(owner, registered(round_, patient(owner), uids)) for owner in range(first, first + count)]


def load(url: str, documents: int) -> None:
    """Fill a database; the documents of a patient lie apart, as they do when a year of care is registered."""
    patients = documents // EACH
    database = open_database(url, create=True)
    keys = {}
    for first in range(0, patients, 5000):
        numbers = range(first, min(first + 5000, patients))
        database.write_now(lambda writer, numbers=numbers: [writer.add_patient(patient(n)) for n in numbers])
    for first in range(0, patients, 5000):
        numbers = range(first, min(first + 5000, patients))
        keys |= dict(
            zip(numbers, database.read_now(lambda r, ns=numbers: [r.patient(patient(n)) for n in ns]), strict=True)
        )
    size = min(500, patients)
    jobs = [(r, f, min(size, patients - f)) for r in range(EACH) for f in range(0, patients, size)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for begin in range(0, len(jobs), 8):
            for chunk in pool.map(_chunk, *zip(*jobs[begin : begin + 8], strict=True)):
                database.write_now(
                    lambda writer, chunk=chunk: [writer.insert(objects, keys[owner]) for owner, objects in chunk]
                )
    database.close()


def add_patients_of_many(url: str, owners: range, documents: int) -> None:
    """Add patients who have so many documents each."""
    random.seed("many")
    uids = (f"2.999.47.{n}" for n in itertools.count())

    def add(writer: Writer) -> None:
        for owner in owners:
            writer.add_patient(patient(owner))
            key = writer.patient(patient(owner))
            for number in range(documents):
                writer.insert(registered(number, patient(owner), uids), key)

    _write(url, add)


def permit(url: str, owners: range, ura: str) -> None:
    """Let an organisation treat these patients, with their consent."""
    at = datetime.now(UTC)
    subject = Subject(ANYONE, None, Scope(ScopeKind.ORGANISATION, ura))
    consent = Consent(0, subject, Decision.PERMIT, at, None, frozenset({Giver.CLIENT}), Channel.PAPER, "bench", at)
    relation = TreatmentRelation(0, ura, at, None, Ground.REGISTERED)

    def add(writer: Writer) -> None:
        for owner in owners:
            key = writer.patient(patient(owner))
            writer.consents.add_relation(key, relation, "bench", at)
            writer.consents.add_consent(key, consent)

    _write(url, add)


def _write(url: str, change: Callable[[Writer], None]) -> None:
    database = open_database(url, create=True)
    try:
        database.write_now(change)
    finally:
        database.close()


def ensure(folder: Path, documents: int) -> Path:
    """The database file of that many documents, made when it isn't there."""
    path = folder / f"index-{documents}.db"
    done = folder / f"index-{documents}.done"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob(f"index-{documents}.db*"):
            leftover.unlink()
        load(f"sqlite:///{path}", documents)
        done.touch()
    return path
