"""Several processes write to one database, and some are killed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from contract_processes import started
from index_objects import MARIA, an_entry, register

from xds.db import Database, open_database
from xds.model.selection import AssociationSelection, EntrySelection, SetSelection

PROGRAM = Path(__file__).with_name("writing_process.py")


def registered(database: Database) -> set[str]:
    """The uniqueIds that are registered; fails when one is there by half."""

    def question(reader: object) -> set[str]:
        entries = reader.entries(EntrySelection(patient=MARIA))
        sets = reader.submission_sets(SetSelection(patient=MARIA))
        ends = tuple(entry.entry_uuid for entry in entries)
        associations = reader.associations(AssociationSelection(targets=ends)) if ends else []
        ids = {entry.unique_id for entry in entries}
        assert len(ids) == len(entries), "one is registered twice"
        assert {f"set of {unique_id}" for unique_id in ids} == {stored.unique_id for stored in sets}
        assert sorted(ends) == sorted(association.target_object for association in associations)
        assert {held.unique_id for held in reader.holdings(tuple(ids))} == ids
        return ids

    return database.read_now(question)


def test_processes_write_at_once_and_nothing_is_lost(url: str, database: Database) -> None:
    database.write_now(lambda writer: writer.add_patient(MARIA))
    processes = [started(PROGRAM, url, name, 150) for name in ("one", "two")]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    expected = {f"{name}.{number}" for name in ("one", "two") for number in range(150)}
    assert {line for output, _ in outputs for line in output.split()} == expected
    assert registered(database) == expected
    for number in range(15):
        asked = EntrySelection(patient=MARIA, class_codes=((f"class{number}", "s"),))
        found = {entry.unique_id for entry in database.read_now(lambda reader, asked=asked: reader.entries(asked))}
        assert found == {f"{name}.{number * 10 + digit}" for name in ("one", "two") for digit in range(10)}


@pytest.mark.parametrize("acknowledged", [1, 20, 61])
def test_a_killed_process_loses_nothing_that_was_acknowledged(url: str, acknowledged: int) -> None:
    database = open_database(url)
    database.write_now(lambda writer: writer.add_patient(MARIA))
    database.close()
    process = started(PROGRAM, url, "killed", 0)
    assert process.stdout is not None
    seen = {line.strip() for line in islice(process.stdout, acknowledged)}
    process.kill()
    seen |= {line.strip() for line in process.communicate(timeout=60)[0].splitlines(keepends=True) if line[-1] == "\n"}
    assert len(seen) >= acknowledged
    database = open_database(url)
    try:
        assert seen <= registered(database)
        register(database, an_entry(unique_id="after"))
        asked = EntrySelection(unique_ids=("after",))
        assert len(database.read_now(lambda reader: reader.entries(asked))) == 1
    finally:
        database.close()
