"""Full disks, cut connections, full queues; and what keeps queries fast and files safe."""

from __future__ import annotations

import asyncio
import resource
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from xds.db import Database, open_database
from xds.db.kinds import KINDS
from xds.errors import Unavailable

PATIENT = "1^^^&1.2&ISO"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{path}", create=True)
    yield database
    database.close()


@pytest.fixture
def file_size_limit() -> Iterator[Any]:
    """Set the size at which the disk seems full to files of this process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (before[0] if size is None else size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def add_many(database: Database, prefix: str) -> list[Any]:
    async def run() -> list[Any]:
        changes = (database.write(lambda w, n=n: w.add_patient(f"{prefix}{n:0500}^^^&1.2&ISO")) for n in range(200))
        return await asyncio.gather(*changes, return_exceptions=True)

    return asyncio.run(run())


def test_a_full_disk_is_unavailable_and_nothing_acknowledged_is_lost(
    database: Database, path: Path, file_size_limit: Any
) -> None:
    database.write_now(lambda writer: writer.add_patient(PATIENT))
    file_size_limit(path.with_name("index.db-wal").stat().st_size + 200_000)
    answers: list[Any] = []
    while not any(isinstance(answer, Exception) for answer in answers[-200:]):
        answers += add_many(database, f"{len(answers)}x")
        assert len(answers) < 10_000
    failures = [answer for answer in answers if answer is not True]
    assert all(isinstance(answer, Unavailable) for answer in failures), failures
    assert database.read_now(lambda reader: reader.patient(PATIENT)) is not None, "reading goes on"
    file_size_limit(None)
    assert add_many(database, "later") == [True] * 200
    for start in range(0, len(answers), 200):
        for number, answer in enumerate(answers[start : start + 200]):
            name = f"{start}x{number:0500}^^^&1.2&ISO"
            known = database.read_now(lambda reader, name=name: reader.patient(name))
            assert (known is not None) is (answer is True)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_taken_away_is_unavailable_until_it_is_back(database: Database, path: Path, replaced) -> None:
    database.write_now(lambda writer: writer.add_patient(PATIENT))
    files = list(path.parent.iterdir())
    away = path.parent / "away"
    away.mkdir()
    for file in files:
        file.rename(away / file.name)
    if replaced:
        open_database(f"sqlite:///{path}", create=True).close()
    for _ in range(2):
        with pytest.raises(Unavailable):
            database.read_now(lambda reader: reader.patient(PATIENT))
        with pytest.raises(Unavailable):
            database.write_now(lambda writer: writer.add_patient("2^^^&1.2&ISO"))
        with pytest.raises(Unavailable):
            database.check_now()
    for file in files:
        (away / file.name).replace(file)
    assert database.read_now(lambda reader: reader.patient(PATIENT)) is not None
    assert database.write_now(lambda writer: writer.add_patient(PATIENT)) is False


def test_a_cut_connection_is_replaced(postgres_url: str) -> None:
    database = open_database(postgres_url, create=True)
    database.write_now(lambda writer: writer.add_patient(PATIENT))
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        admin.execute(f"{cut} AND pid <> pg_backend_pid()")
    assert database.read_now(lambda reader: reader.patient(PATIENT)) is not None
    assert database.write_now(lambda writer: writer.add_patient(PATIENT)) is False
    database.close()


def test_after_a_cut_connection_nothing_is_taken_for_known(postgres_url: str) -> None:
    """What answers then may be a standby that lags behind, and gives a number to another code."""
    database = open_database(postgres_url, create=True)
    lost = database.write_now(lambda writer: writer.codes.intern(("lost", "scheme")))
    assert database.write_now(lambda writer: writer.codes.intern(("lost", "scheme"))) == lost
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute("DELETE FROM code WHERE id = %s", (lost,))
        owner.execute("SELECT setval(pg_get_serial_sequence('code', 'id'), %s, false)", (lost,))
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    other = open_database(postgres_url)
    assert other.write_now(lambda writer: writer.codes.intern(("other", "scheme"))) == lost
    other.close()
    assert database.write_now(lambda writer: writer.codes.intern(("lost", "scheme"))) > lost
    database.close()


def test_a_connection_cut_in_a_change_undoes_it(postgres_url: str) -> None:
    database = open_database(postgres_url, create=True)

    def change(writer: Any) -> None:
        writer.add_patient(PATIENT)
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            admin.execute(f"{cut} AND pid <> pg_backend_pid()")

    with pytest.raises(Unavailable):
        database.write_now(change)
    assert database.read_now(lambda reader: reader.patient(PATIENT)) is None
    assert database.write_now(lambda writer: writer.add_patient(PATIENT)) is True
    database.close()


def test_who_writes_waits_for_another_process_and_a_full_queue_is_unavailable(database: Database) -> None:
    database.write_now(lambda writer: writer.add_patient(PATIENT))
    other = database._backend.driver_connection()

    async def run() -> tuple[list[Any], list[Any]]:
        other.execute("BEGIN IMMEDIATE")
        changes = [asyncio.ensure_future(database.write(lambda w: w.add_patient(PATIENT))) for _ in range(3000)]
        refused, waiting = await asyncio.wait(changes, return_when=asyncio.FIRST_EXCEPTION, timeout=30)
        assert await database.read(lambda reader: reader.patient(PATIENT)) is not None, "reading goes on"
        other.execute("COMMIT")
        return [task.exception() for task in refused], await asyncio.gather(*waiting)

    refused, added = asyncio.run(run())
    other.close()
    assert refused and all(isinstance(error, Unavailable) and "busy" in str(error) for error in refused)
    assert added == [False] * (3000 - len(refused))


def test_who_waited_to_write_sees_what_was_written_meanwhile(postgres_url: str) -> None:
    """A server may have another isolation than usual, by which a transaction sees what was there when it began."""
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        name = owner.execute("SELECT current_database()").fetchone()[0]
        owner.execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'repeatable read'")
        one, other = open_database(postgres_url, create=True), open_database(postgres_url)

        def waits() -> bool:
            locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            return owner.execute(locks).fetchone() == (1,)

        with ThreadPoolExecutor(1) as thread:

            def change(writer: Any) -> Any:
                waiting = thread.submit(other.write_now, lambda writer: writer.patient(PATIENT))
                while not waits():
                    assert not waiting.done()
                writer.add_patient(PATIENT)
                return waiting

            assert one.write_now(change).result(20) is not None
        one.close()
        other.close()


def test_closing_ends_the_commit_under_way_and_tells_the_rest(path: Path) -> None:
    database = open_database(f"sqlite:///{path}", create=True)

    async def run() -> list[Any]:
        def change(number: int) -> Any:
            return database.write(lambda writer: writer.add_patient(f"{number}^^^&1.2&ISO"))

        first = asyncio.ensure_future(change(0))
        await asyncio.sleep(0)
        closing = asyncio.get_running_loop().run_in_executor(None, database.close)
        more = [asyncio.ensure_future(change(number)) for number in range(1, 200)]
        answers = await asyncio.gather(first, *more, return_exceptions=True)
        await closing
        return answers

    answers = asyncio.run(run())
    assert all(answer is True or (isinstance(answer, Unavailable) and "closed" in str(answer)) for answer in answers)
    reopened = open_database(f"sqlite:///{path}")
    for number, answer in enumerate(answers):
        known = reopened.read_now(lambda reader, number=number: reader.patient(f"{number}^^^&1.2&ISO"))
        assert (known is not None) is (answer is True)
    reopened.close()


def test_closing_finishes_what_is_queued(path: Path) -> None:
    database = open_database(f"sqlite:///{path}", create=True)
    threads = [threading.Thread(target=database.write_now, args=(lambda w: w.add_patient(PATIENT),)) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    database.close()
    database.close()
    reopened = open_database(f"sqlite:///{path}")
    assert reopened.read_now(lambda reader: reader.patient(PATIENT)) is not None
    reopened.close()


def test_the_files_are_their_owners_only_and_durable(database: Database, path: Path) -> None:
    database.write_now(lambda writer: writer.add_patient(PATIENT))
    assert {file.name for file in path.parent.iterdir()} == {
        "index.db",
        "index.db-wal",
        "index.db-shm",
    }
    assert all(file.stat().st_mode & 0o077 == 0 for file in path.parent.iterdir())
    assert database.not_durable() == []
    connection = database._backend.driver_connection()
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_settings_of_a_server_that_lose_commits_are_named(postgres_url: str) -> None:
    database = open_database(postgres_url, create=True)
    assert database.not_durable() == ["fsync is off", "full_page_writes is off"]
    database.close()


SEARCHED = [
    (kind, criterion.field)
    for kind in KINDS
    for criterion in kind.criteria
    if criterion.field in {"patient", "uuids", "unique_ids", "logical_ids", "sources", "targets", "ends"}
]


@pytest.mark.parametrize("length_class", [1, 64, 0])
@pytest.mark.parametrize(("kind", "field"), SEARCHED, ids=lambda value: getattr(value, "name", value))
def test_what_narrows_a_selection_has_an_index(database: Database, kind: Any, field: str, length_class: int) -> None:
    sql = database._backend.statements.selecting(kind, ((field, length_class),), (), True)
    connection = database._backend.driver_connection()
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", ["[]"] * sql.count("?"))]
    connection.close()
    assert not [step for step in plan if step.startswith(f"SCAN {kind.name}")], plan
    assert [step for step in plan if step.startswith(f"SEARCH {kind.name}") and "USING INDEX" in step], plan
