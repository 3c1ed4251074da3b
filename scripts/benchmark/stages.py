"""Where the time of a query and of a registration goes: each step by itself, in this process, without the network."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from lxml import etree

from benchmark import requests
from benchmark.data import patient
from xds import xmlio
from xds.affinity import load as load_domain
from xds.db import Database, open_database
from xds.db.writer import Writer
from xds.ebrim.encode import encode
from xds.ebrim.fragment import pack, unpack
from xds.ebrim.query import decode_adhoc_query
from xds.ebrim.submit import decode_submit_objects
from xds.model.objects import Submission
from xds.model.stored import Found
from xds.registry.context import check_context
from xds.registry.iti18_registry_stored_query import QUERIES, read_request
from xds.registry.known import look_up
from xds.registry.plan import assign
from xds.registry.rules import check_submission
from xds.registry.structure import objects
from xds.soap.envelope import open_envelope

TIMES = 1000
_OWNERS = 1000
_DOMAIN = Path(__file__).resolve().parents[2] / "fixtures" / "affinity-domains" / "geboortezorg.toml"


class Stage(NamedTuple):
    """A step and its time in microseconds: the tenth percentile, which other load on the machine hardly moves."""

    transaction: str
    name: str
    microseconds: float


def stages(index: Path, patients: int, folder: Path) -> Iterator[Stage]:
    """The steps of ITI-18 in this index, and of ITI-42 in an empty one that is made in `folder`."""
    database = open_database(f"sqlite:///{index}")
    for documents in (1, 20):
        yield from _query(database, range(patients), documents)
    database.close()
    empty = open_database(f"sqlite:///{folder / 'stages.db'}", create=True)
    yield from _registration(empty)
    empty.close()


def _query(database: Database, patients: range, documents: int) -> Iterator[Stage]:
    number = f"ITI-18, {documents} documents" if documents > 1 else "ITI-18, 1 document"
    bodies = _bodies(requests.find(patients, documents == 1))
    yield _stage(number, "parse the XML, which the floor does as well", etree.fromstring, bodies)[0]
    stage, roots = _stage(number, "parse it within limits", xmlio.parse, bodies)
    yield stage
    stage, envelopes = _stage(number, "open the SOAP envelope", open_envelope, roots)
    yield stage
    messages = [envelope.message for envelope in envelopes]
    yield _stage(number, "decode the query", decode_adhoc_query, messages)[0]
    stage, read = _stage(
        number, "decode the query and read its parameters", lambda each: read_request(each, None), messages
    )
    yield stage
    query = QUERIES[read[0][0].query_id]

    def find(request: Any) -> Found:
        return database.read_now(lambda reader: query.answer(request[2], reader, 10_001))

    _stage(number, "", find, read)
    stage, found = _stage(number, "find the documents in the index", find, read)
    yield stage

    def unpacked(each: Found) -> int:
        return sum(len(unpack(entry.fragment)) for entry in each.entries)

    yield _stage(number, "unpack them", unpacked, found)[0]


def _registration(database: Database) -> Iterator[Stage]:
    number, now = "ITI-42", datetime.now(UTC)
    domain = load_domain([_DOMAIN])
    for owner in range(_OWNERS):
        database.write_now(lambda writer, owner=owner: writer.add_patient(patient(owner)))
    stage, roots = _stage(number, "parse the XML", xmlio.parse, _bodies(requests.register(_OWNERS)))
    yield stage
    messages = [open_envelope(root).message for root in roots]
    stage, decoded = _stage(number, "decode the objects", decode_submit_objects, messages)
    yield stage
    submissions: list[Submission] = [submission for submission, _ in decoded]
    yield _stage(number, "judge them", lambda each: check_submission(each, domain, now.date()), submissions)[0]
    stage, final = _stage(number, "assign ids", lambda each: assign(each, now, None), submissions)
    yield stage
    stage, encoded = _stage(number, "encode", lambda each: [encode(item) for item in objects(each)], final)
    yield stage
    stage, packed = _stage(number, "pack", lambda each: [pack(fragment) for fragment in each], encoded)
    yield stage
    rows = [list(zip(objects(each), some, strict=True)) for each, some in zip(final, packed, strict=True)]

    def write(writer: Writer) -> list[Stage]:
        stage, known = _stage(number, "look up what is known", lambda each: look_up(writer, each), submissions)
        pairs = list(zip(submissions, known, strict=True))
        judged = _stage(number, "judge them in context", lambda pair: check_context(*pair), pairs)[0]
        insert = _stage(number, "insert the rows", lambda pair: writer.insert(pair[0], pair[1].patient),
                        list(zip(rows, known, strict=True)))[0]  # fmt: skip
        return [stage, judged, insert]

    yield from database.write_now(write)


def _bodies(make: requests.Make) -> list[bytes]:
    source = random.Random(1)
    return [make(source, number).split(b"\r\n\r\n", 1)[1] for number in range(TIMES)]


def _stage(transaction: str, name: str, step: Callable[[Any], Any], items: list[Any]) -> tuple[Stage, list[Any]]:
    """Time a step on each item; what it made of them."""
    made, times = [], []
    for item in items:
        began = time.perf_counter()
        one = step(item)
        times.append(time.perf_counter() - began)
        made.append(one)
    return Stage(transaction, name, sorted(times)[len(times) // 10] * 1e6), made
