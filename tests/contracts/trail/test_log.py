"""What is asked of the log and kept beside it, of every database."""

from __future__ import annotations

import pytest
from trail_entries import an_entry

from xds.audit.tree import grown, leaf_hash, root, root_of_inclusion
from xds.db import Database
from xds.model.audit import Entry, LogSelection, Note

HOUR = 3_600_000_000


def append(database: Database, *entries: Entry) -> None:
    database.write_now(lambda writer: writer.record(entries))


def found(database: Database, selection: LogSelection, first: int = 0, limit: int = 100) -> list[str]:
    lines = database.read_now(lambda reader: reader.log.find(selection, first, limit))
    return [line.leaf.request_id for line in lines]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "abcd"),
        ({"started_from": HOUR}, "bcd"),
        ({"started_below": HOUR}, "a"),
        ({"started_from": HOUR, "started_below": 2 * HOUR}, "b"),
        ({"patient": b"q" * 16}, "b"),
        ({"employee": "other"}, "c"),
        ({"organisation": "00009999"}, "c"),
        ({"action": "R", "outcome": 0}, "d"),
        ({"outcome": 4}, "b"),
        ({"transaction": "ITI-43"}, "d"),
        ({"emergency": True}, "bd"),
        ({"emergency": False, "patient": b"p" * 16}, "ac"),
        ({"employee": "nobody"}, ""),
        ({"employee": "no\0body"}, ""),
    ],
)
@pytest.mark.parametrize("indexed", [0, 3, 4])
def test_records_are_found_by_what_they_say(database: Database, asked: dict, expected: str, indexed: int) -> None:
    append(
        database,
        an_entry("a", started=0),
        an_entry("b", started=HOUR, patient=b"q" * 16, outcome=4, emergency=True),
        an_entry("c", started=2 * HOUR, employee="other", organisation="00009999"),
        an_entry("d", started=3 * HOUR, patient=None, action="R", transaction="ITI-43", emergency=True),
    )
    assert database.write_now(lambda writer: writer.log.index(indexed)) == indexed
    assert found(database, LogSelection(**asked)) == list(expected)
    assert found(database, LogSelection(**asked), limit=1) == list(expected[:1])
    assert found(database, LogSelection(**asked), first=2) == [name for name in expected if name in "cd"]


def test_lines_and_leaves_come_in_pages(database: Database) -> None:
    append(database, *(an_entry(str(number)) for number in range(7)))
    lines = database.read_now(lambda reader: reader.log.lines(2, 3))
    leaves = database.read_now(lambda reader: reader.log.leaves(2, 3))
    assert [line.leaf.seq for line in lines] == [2, 3, 4]
    assert leaves == [line.leaf for line in lines]


def test_records_are_indexed_once_and_go_on_where_it_was(database: Database) -> None:
    append(database, *(an_entry(str(number)) for number in range(5)))
    assert [database.write_now(lambda writer: writer.log.index(3)) for _ in range(3)] == [3, 2, 0]
    append(database, an_entry("5"))
    assert database.write_now(lambda writer: writer.log.index(3)) == 1
    assert found(database, LogSelection(employee=an_entry("").employee)) == list("012345")


def test_deleted_payloads_leave_their_leaves(database: Database) -> None:
    append(database, *(an_entry(str(number)) for number in range(5)))
    database.write_now(lambda writer: writer.log.index(2))
    before = database.read_now(lambda reader: reader.log.leaves(0, 9))
    assert database.write_now(lambda writer: writer.log.delete_payloads(3)) == 3
    lines = database.read_now(lambda reader: reader.log.lines(0, 9))
    assert [line.leaf for line in lines] == before
    assert [(line.salt is None, line.payload is None) for line in lines] == [(True, True)] * 3 + [(False, False)] * 2
    assert found(database, LogSelection()) == ["3", "4"]
    assert database.read_now(lambda reader: reader.log.oldest_record()) == 3


def test_the_place_where_a_time_begins(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for second in (10, 20, 30):
        monkeypatch.setattr("xds.db.log.time_ns", lambda at=second: at * 10**9)
        append(database, an_entry(str(second)))
    places = [
        database.read_now(lambda reader, at=at: reader.log.written_from(at * 10**6)) for at in (0, 10, 11, 30, 31)
    ]
    assert places == [0, 0, 1, 2, None]


def test_checkpoints_grow_and_are_anchored(database: Database) -> None:
    for size, added in ((0, True), (5, True), (5, False), (3, False), (9, True)):
        assert database.write_now(lambda writer, size=size: writer.log.add_note(size, 100 + size, f"{size}")) is added
    database.write_now(lambda writer: writer.log.set_anchored(5, 777))
    log = database.read_now(lambda reader: (reader.log.notes(), reader.log.newest_note(), reader.log.newest_anchored()))
    notes = [Note(0, 100, "0", None), Note(5, 105, "5", 777), Note(9, 109, "9", None)]
    assert log == (notes, notes[2], notes[1])
    assert database.read_now(lambda reader: reader.log.notes(5)) == notes[1:]


def test_a_feed_keeps_its_place(database: Database) -> None:
    def place() -> int | None:
        return database.read_now(lambda reader: reader.log.feed("syslog"))

    assert place() is None
    for at in (4, 9):
        database.write_now(lambda writer, at=at: writer.log.set_feed("syslog", at))
        assert place() == at


@pytest.mark.parametrize("indexed", [False, True])
def test_each_record_is_proved_to_be_under_each_checkpoint(
    database: Database, monkeypatch: pytest.MonkeyPatch, indexed: bool
) -> None:
    for module in ("xds.db.log", "xds.audit.tree"):
        monkeypatch.setattr(f"{module}.SUBTREE", 4)
    append(database, *(an_entry(str(number)) for number in range(27)))
    while indexed and database.write_now(lambda writer: writer.log.index(3)):
        pass
    hashes = [leaf_hash(leaf) for leaf in database.read_now(lambda reader: reader.log.leaves(0, 99))]
    for size in (1, 3, 4, 5, 8, 12, 13, 24, 27):
        whole = root(grown((), 0, hashes[:size]))
        paths = database.read_now(lambda reader, size=size: reader.log.proofs(range(size), size))
        assert list(paths) == list(range(size))
        for seq, path in paths.items():
            assert root_of_inclusion(hashes[seq], seq, size, path) == whole, (seq, size)
