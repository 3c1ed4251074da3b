"""What the port `Trail` promises, of every database; and that a change's record lives and dies with the change."""

from __future__ import annotations

import asyncio
from itertools import islice
from pathlib import Path

import pytest
from contract_processes import started
from trail_entries import RECORDER, an_entry, an_event

from xds.audit.tree import commitment, grown, leaf_hash, link, root
from xds.db import Database, DatabaseTrail, open_database
from xds.errors import Unavailable
from xds.model.audit import EMPTY, Head, Kept
from xds.ports import Trail

PROGRAM = Path(__file__).with_name("appending_process.py")
PATIENT = "1^^^&1.2.3&ISO"


@pytest.fixture
def trail(database: Database) -> Trail:
    return DatabaseTrail(database, RECORDER.entries)


def head(database: Database) -> Head:
    return database.read_now(lambda reader: reader.log.head())


def kept(database: Database) -> list[Kept]:
    """Every line of the log, whose numbers, chain and tree are checked."""
    lines, now = database.read_now(lambda reader: (reader.log.lines(0, 100_000), reader.log.head()))
    assert [line.leaf.seq for line in lines] == list(range(now.size))
    chain, times = EMPTY.chain, [line.leaf.time for line in lines]
    for line in lines:
        assert line.leaf.commitment == commitment(line.salt or b"", line.payload or b"")
        chain = link(chain, leaf_hash(line.leaf))
        assert line.chain == chain
    assert times == sorted(times) and now.time == (times[-1] if times else 0)
    assert now.chain == chain
    assert root(now.edge) == root(grown((), 0, (leaf_hash(line.leaf) for line in lines)))
    return lines


def requests(database: Database) -> list[str]:
    return [line.leaf.request_id for line in kept(database)]


def test_the_log_begins_empty(database: Database) -> None:
    assert head(database) == EMPTY
    assert kept(database) == []


def test_records_are_there_when_append_returns(database: Database, trail: Trail) -> None:
    async def run() -> None:
        await trail.append(an_event("a", "1", "2"))
        assert head(database).size == 2
        await trail.append(an_event("b"))
        assert head(database).size == 3

    asyncio.run(run())
    lines = kept(database)
    assert [(line.leaf.request_id, line.leaf.number) for line in lines] == [("a", 0), ("a", 1), ("b", 0)]
    assert lines[2].payload == RECORDER.entries(an_event("b"))[0].payload
    assert len({line.salt for line in lines}) == 3


def test_what_arrives_together_is_one_sequence(database: Database, trail: Trail) -> None:
    async def run() -> None:
        await asyncio.gather(*(trail.append(an_event(f"{number}")) for number in range(200)))

    asyncio.run(run())
    assert requests(database) == [str(number) for number in range(200)]


def test_a_record_that_a_request_has_already_is_refused_alone(database: Database, trail: Trail) -> None:
    async def run() -> list[object]:
        await trail.append(an_event("taken"))
        appended = [trail.append(an_event(name)) for name in ("a", "taken", "c")]
        return await asyncio.gather(*appended, return_exceptions=True)

    results = asyncio.run(run())
    assert [type(result) for result in results] == [type(None), ValueError, type(None)]
    assert requests(database) == ["taken", "a", "c"]


def test_an_event_that_is_none_is_refused_alone(database: Database, trail: Trail) -> None:
    async def run() -> list[object]:
        events = an_event("a"), an_event("b", transaction="ITI-0"), an_event("c")
        return await asyncio.gather(*map(trail.append, events), return_exceptions=True)

    assert [type(result) for result in asyncio.run(run())] == [type(None), KeyError, type(None)]
    assert requests(database) == ["a", "c"]


def test_a_caller_that_goes_away_takes_nobody_with_it(database: Database, trail: Trail) -> None:
    async def run() -> None:
        gone = asyncio.create_task(trail.append(an_event("gone")))
        stays = asyncio.create_task(trail.append(an_event("stays")))
        await asyncio.sleep(0)
        gone.cancel()
        await stays

    asyncio.run(run())
    assert "stays" in requests(database)


def test_a_change_and_its_record_are_one(database: Database) -> None:
    def change(writer, request_id: str, fails: bool = False) -> None:
        writer.add_patient(PATIENT + request_id)
        writer.record([an_entry(request_id)])
        if fails:
            raise KeyError

    async def run() -> list[object]:
        changes = [("a", False), ("b", True), ("c", False), ("a", False), ("d", False)]
        writes = [database.write(lambda writer, each=each: change(writer, *each)) for each in changes]
        return await asyncio.gather(*writes, return_exceptions=True)

    results = asyncio.run(run())
    assert [type(result) for result in results] == [type(None), KeyError, type(None), ValueError, type(None)]
    assert requests(database) == ["a", "c", "d"]
    known = database.read_now(lambda reader: [reader.patient(PATIENT + name) is not None for name in "abcd"])
    assert known == [True, False, True, True]


def test_reads_and_changes_of_several_processes_are_one_sequence(url: str, database: Database) -> None:
    processes = [started(PROGRAM, url, name, 150) for name in ("one", "two")]
    for number in range(50):
        database.write_now(lambda writer, number=number: writer.record([an_entry(f"here.{number}")]))
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    found = requests(database)
    assert len(found) == 350 and len(set(found)) == 350


def test_what_was_acknowledged_before_a_kill_is_there_and_sealed(url: str, database: Database) -> None:
    process = started(PROGRAM, url, "killed", 0)
    assert process.stdout is not None
    acknowledged = {line.strip() for line in islice(process.stdout, 100)}
    process.kill()
    acknowledged |= set(process.stdout.read().rpartition("\n")[0].split())
    process.communicate(timeout=60)
    assert acknowledged <= set(requests(database))
    database.write_now(lambda writer: writer.record([an_entry("after")]))
    assert requests(database)[-1] == "after"


def test_a_clock_that_steps_back_is_kept_as_it_was_unless_it_is_a_trifle(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for microseconds in (5_000_000, 4_500_000, 1_000_000, 2_000_000):
        monkeypatch.setattr("xds.db.log.time_ns", lambda at=microseconds: at * 1000)
        database.write_now(lambda writer, at=microseconds: writer.record([an_entry(str(at))]))
    lines = database.read_now(lambda reader: reader.log.lines(0, 9))
    assert [line.leaf.time for line in lines] == [5_000_000, 5_000_000, 1_000_000, 2_000_000]


def test_a_closed_log_takes_nothing(url: str) -> None:
    database = open_database(url)
    trail = DatabaseTrail(database, RECORDER.entries)
    database.close()
    with pytest.raises(Unavailable):
        asyncio.run(trail.append(an_event("a")))
