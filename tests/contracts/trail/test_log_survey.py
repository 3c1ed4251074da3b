"""Pages of the log, newest first, and what a selection has, of every database."""

from __future__ import annotations

import itertools
import json
import random

import pytest
from trail_entries import an_entry

from xds.db import Database
from xds.model.audit import Entry, LogSelection, Survey

HOUR = 3_600_000_000
HOLDERS = ([], ["00000001"], ["00000001", "00000002"], ["10000000"], ["00000002"])
ROLES = ("01.041", "01.015")
NAMES = {"12^^^&1.2&ISO": "J. Jansen", "other": ""}


def append(database: Database, *entries: Entry) -> None:
    database.write_now(lambda writer: writer.record(entries))


def index(database: Database, limit: int) -> int:
    return database.write_now(lambda writer: writer.log.index(limit))


def newest(database: Database, selection: LogSelection, before: int | None = None, limit: int = 100) -> list[int]:
    lines = database.read_now(lambda reader: reader.log.newest(selection, before, limit))
    assert all(line.payload is not None for line in lines)
    return [line.leaf.seq for line in lines]


def by_hour(first: int, last: int) -> range:
    return range(first - first % HOUR, last + HOUR + 1, HOUR)


def survey(database: Database, selection: LogSelection, most: int = 10) -> Survey:
    return database.read_now(lambda reader: reader.log.survey(selection, by_hour, most))


def facet(found: Survey, name: str) -> dict[str, int]:
    (each,) = (each for each in found.facets if each.name == name)
    assert each.distinct >= sum(1 for value in each.values if value.count)
    return {value.value: value.count for value in each.values}


def made(number: int, **changes: object) -> Entry:
    """A record with what its payload alone says."""
    role, urgent = ROLES[number % 2], number % 5 == 0
    employee = list(NAMES)[number % 2]
    name = f'"name":"{NAMES[employee]}",' if NAMES[employee] else ""
    payload = (
        f'{{"user":{{"person":{{{name}"role":{{"code":"{role}","scheme":"2.9","display":"Rol {role}"}}}}}},'
        f'"purpose":{{"code":"{"BTG" if urgent else "TREAT"}","scheme":"1.8"}},"rule":"rule {number % 3}",'
        f'"holders":{json.dumps(HOLDERS[number % len(HOLDERS)])}}}'
    )
    given = {
        "payload": payload.encode(), "started": number * HOUR // 4, "employee": employee, "emergency": urgent,
        "patient": bytes([number % 4]) * 16 if number % 4 else None, "outcome": 4 if number % 7 == 0 else 0,
        "organisation": f"{number % 3:08}",
    }  # fmt: skip
    return an_entry(str(number), **given | changes)


RECORDS = [made(number) for number in range(40)]
QUESTIONS = (
    {},
    {"patient": b"\1" * 16},
    {"patient": b""},
    {"employee": "other"},
    {"employee": "nobody"},
    {"employee": "no\0body"},
    {"organisation": "00000001", "outcome": 0},
    {"role": "2.9|01.041"},
    {"purpose": "1.8|BTG"},
    {"rule": "rule 2", "emergency": False},
    {"started_from": 2 * HOUR, "started_below": 5 * HOUR},
    {"concerns": "00000001"},
    {"concerns": "00000002", "organisation": "00000001"},
    {"concerns": "0000000"},
    {"started_from": 2 * HOUR, "rule": "rule 1", "role": "2.9|01.015"},
)


def says(entry: Entry, name: str) -> str:
    """What a record says under a heading, told from how it was made."""
    number = int(entry.request_id)
    if name == "patient":
        return "" if entry.patient is None else entry.patient.hex()
    if name in ("outcome", "emergency"):
        return str(int(getattr(entry, name)))
    told = {"role": f"2.9|{ROLES[number % 2]}", "rule": f"rule {number % 3}"}
    told["purpose"] = "1.8|BTG" if entry.emergency else "1.8|TREAT"
    return told.get(name) or getattr(entry, name)


def meets(entry: Entry, asked: dict, besides: str = "") -> bool:
    for name, value in asked.items():
        if name == "started_from":
            met = entry.started >= value
        elif name == "started_below":
            met = entry.started < value
        elif name == "concerns":
            met = value in (entry.organisation, *HOLDERS[int(entry.request_id) % len(HOLDERS)])
        else:
            met = says(entry, name) == (
                value.hex() if name == "patient" else str(int(value)) if not isinstance(value, str) else value
            )
        if not met and name != besides:
            return False
    return True


@pytest.mark.parametrize("indexed", [0, 23, 40])
def test_pages_are_newest_first_and_facets_count_what_there_is(database: Database, indexed: int) -> None:
    append(database, *RECORDS)
    assert index(database, indexed) == indexed
    for asked in QUESTIONS:
        selection = LogSelection(**asked)
        expected = [seq for seq, entry in enumerate(RECORDS) if meets(entry, asked)][::-1]
        assert newest(database, selection) == expected, asked
        assert newest(database, selection, before=25, limit=4) == [seq for seq in expected if seq < 25][:4], asked
        found = survey(database, selection)
        assert found.total == len(expected) == sum(found.timeline), asked
        hours = [RECORDS[seq].started // HOUR for seq in expected]
        edges = [edge // HOUR for edge in found.edges]
        assert list(found.timeline) == [hours.count(edge) for edge in edges[:-1]], asked
        for each in found.facets:
            rest = [says(entry, each.name) for entry in RECORDS if meets(entry, asked, besides=each.name)]
            counts = {value.value: value.count for value in each.values if value.count}
            assert counts == {value: rest.count(value) for value in set(rest)}, (asked, each.name)
            assert each.distinct == len(counts), (asked, each.name)


def test_values_have_the_names_that_people_know(database: Database) -> None:
    append(database, *RECORDS)
    for indexed in (0, 40):
        index(database, indexed)
        facets = {each.name: {value.value: value.label for value in each.values}
                  for each in survey(database, LogSelection()).facets}  # fmt: skip
        assert facets["role"] == {"2.9|01.041": "Rol 01.041", "2.9|01.015": "Rol 01.015"}
        assert facets["employee"] == {"12^^^&1.2&ISO": "J. Jansen", "other": ""}


def test_the_most_frequent_come_first_and_the_one_asked_for_is_always_there(database: Database) -> None:
    names = [f"e{number}" for number in range(6) for _ in range(number + 1)]
    random.Random(1).shuffle(names)
    append(database, *(an_entry(str(number), employee=name) for number, name in enumerate(names)))
    for indexed in (0, 9, 99):
        index(database, indexed)
        found = survey(database, LogSelection(), most=2)
        assert facet(found, "employee") == {"e5": 6, "e4": 5}
        assert found.facets[1].distinct == 6
        assert facet(survey(database, LogSelection(employee="e0"), most=2), "employee") == {"e5": 6, "e4": 5, "e0": 1}


def test_an_empty_log_has_nothing(database: Database) -> None:
    found = survey(database, LogSelection(employee="other", started_from=0))
    assert (found.total, found.edges, found.timeline) == (0, (), ())
    assert newest(database, LogSelection()) == []
    assert index(database, 5) == 0


def test_columns_grow_over_many_segments(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xds.db.log_indexing.SEGMENT", 4)
    for batch in itertools.batched(RECORDS, 7) if hasattr(itertools, "batched") else [RECORDS[:19], RECORDS[19:]]:
        append(database, *batch)
        while index(database, 3):
            pass
    found = survey(database, LogSelection(rule="rule 1"))
    assert found.total == 13
    assert newest(database, LogSelection(rule="rule 1"), before=20) == [19, 16, 13, 10, 7, 4, 1]
    lines = database.read_now(lambda reader: reader.log.find(LogSelection(rule="rule 1"), 5, 3))
    assert [line.leaf.seq for line in lines] == [7, 10, 13]


@pytest.mark.parametrize("indexed", [0, 10, 40])
def test_deleted_records_leave_nothing_to_count(database: Database, indexed: int) -> None:
    unlike = made(0, employee="gone", organisation="gone", patient=b"g" * 16)
    append(database, unlike, *RECORDS[1:])
    index(database, indexed)
    database.write_now(lambda writer: writer.log.delete_payloads(13))
    assert survey(database, LogSelection()).total == 27
    assert newest(database, LogSelection(), limit=50) == list(range(39, 12, -1))
    assert facet(survey(database, LogSelection(employee="gone")), "employee") == {"12^^^&1.2&ISO": 13, "other": 14}
    append(database, made(40, employee="gone"))
    while index(database, 9):
        pass
    assert facet(survey(database, LogSelection()), "employee") == {"12^^^&1.2&ISO": 13, "other": 14, "gone": 1}
    assert newest(database, LogSelection(employee="gone")) == [40]


def test_a_payload_that_was_spoiled_is_found_by_the_rest(database: Database) -> None:
    append(database, an_entry("a", payload=b"\xff{", employee="other"))
    for indexed in (0, 1):
        assert index(database, indexed) == indexed
        assert newest(database, LogSelection(employee="other")) == [0]
        assert facet(survey(database, LogSelection()), "role") == {"": 1}
