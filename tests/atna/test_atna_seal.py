"""Checkpoints are made, anchored and watched."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from atna_log import SIGNER, append, change

from xds.atna.anchor import Anchor, FileAnchor, FolderAnchor, HostAnchor, anchor_at
from xds.atna.keeper import keep
from xds.atna.seal import Sealer
from xds.atna.watch import LogWatch
from xds.audit.bundle import export
from xds.audit.checkpoint import Signer, new_signing_key, read_note, split_notes
from xds.audit.verify import verify
from xds.db import Database, open_database
from xds.errors import Misconfigured, Unavailable
from xds.model.audit import EMPTY, LogSelection
from xds.ports import Claim


def clock() -> datetime:
    return datetime.now(UTC)


def seal(database: Database, *anchors: object) -> object:
    return asyncio.run(Sealer(database, lambda: SIGNER, anchors, clock).seal())


def test_a_checkpoint_is_made_when_there_is_something_new(database: Database) -> None:
    assert seal(database) is None
    append(database, 3)
    first = seal(database)
    assert first is not None and read_note(first.text, SIGNER.key).size == 3
    assert seal(database) == first
    append(database, 2)
    assert seal(database).size == 5


def test_what_was_sealed_and_anchored_is_verified(database: Database, tmp_path: Path) -> None:
    folder, file = FolderAnchor(tmp_path / "anchors"), FileAnchor(tmp_path / "anchors.txt")
    for _ in range(3):
        append(database, 4)
        seal(database, folder, file)
    lines, notes = database.read_now(lambda reader: (reader.log.lines(0, 99), reader.log.notes()))
    assert all(note.anchored for note in notes)
    kept = [path.read_text() for path in sorted((tmp_path / "anchors").iterdir())]
    assert kept == list(split_notes((tmp_path / "anchors.txt").read_text())) == [note.text for note in notes]
    report = verify(export(SIGNER.key.name, EMPTY, lines), kept, SIGNER.key, kept)
    assert (report.sound, report.anchored) == (True, 12)


def test_what_was_appended_is_indexed_while_the_server_runs(database: Database) -> None:
    append(database, 12)

    async def run() -> None:
        running = asyncio.create_task(Sealer(database, lambda: SIGNER, (), clock).run(60, 1000))
        while database.read_now(lambda reader: reader.log.indexed_below()) < 12:
            assert not running.done()
            await asyncio.sleep(0)
        running.cancel()

    asyncio.run(asyncio.wait_for(run(), 10))
    assert len(database.read_now(lambda reader: reader.log.find(LogSelection(), 0, 99))) == 12


def test_one_anchor_is_enough_and_one_that_fails_is_tried_with_the_next(database: Database, tmp_path: Path) -> None:
    (tmp_path / "no folder").touch()
    broken = FolderAnchor(tmp_path / "no folder")
    append(database, 1)
    assert seal(database, broken).anchored is None
    assert database.read_now(lambda reader: reader.log.newest_anchored()) is None
    sealed = seal(database, broken, FileAnchor(tmp_path / "anchors.txt"))
    anchored = database.read_now(lambda reader: reader.log.newest_anchored())
    assert anchored == sealed and anchored.size == 1


def test_a_folder_never_loses_a_checkpoint(tmp_path: Path) -> None:
    async def run() -> None:
        anchor = FolderAnchor(tmp_path)
        for text in ("one", "one", "other"):
            await anchor.keep(7, text)

    asyncio.run(run())
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == ["one", "other"]


def test_places_of_anchors(tmp_path: Path) -> None:
    assert isinstance(anchor_at(tmp_path / "new"), FolderAnchor)
    assert isinstance(anchor_at(tmp_path / "new.txt"), FileAnchor)
    assert isinstance(anchor_at("https://anchor.example/"), HostAnchor)


def test_another_host_keeps_checkpoints_and_must_be_the_right_one(certificates) -> None:
    received: list[str] = []

    async def keep(request: web.Request) -> web.Response:
        received.append(await request.text())
        return web.Response(status=500 if "refuse" in received[-1] else 204)

    async def run() -> list[str]:
        app = web.Application()
        app.router.add_post("/log", keep)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificates.server)
        await site.start()
        port = runner.addresses[0][1]
        url = f"https://127.0.0.1:{port}/log"
        await anchor_at(url, certificates.client).keep(1, "note")
        failures = []
        for place, context, text in (
            (url, certificates.stranger, "note"),
            (url, certificates.client, "refuse"),
            ("https://127.0.0.1:1/log", certificates.client, "note"),
        ):
            with pytest.raises(Unavailable) as caught:
                await anchor_at(place, context).keep(1, text)
            failures.append(str(caught.value))
        await runner.cleanup()
        return failures

    failures = asyncio.run(run())
    assert received == ["note", "refuse"]
    assert "500" in failures[1] and all("can't be reached" in failures[at] for at in (0, 2))


def test_data_stops_when_records_are_without_an_anchor_for_too_long(database: Database, tmp_path: Path) -> None:
    now, anchor = clock(), FileAnchor(tmp_path / "anchors.txt")
    watch = LogWatch(database, [anchor], SIGNER.key.name, timedelta(hours=4), lambda: now)
    assert watch.refusal is not None, "nothing is given before the first look"

    def look(later: timedelta) -> tuple[bool, float]:
        nonlocal now
        now = clock() + later
        asyncio.run(watch.look())
        return watch.refusal is not None, watch.age.total_seconds() // 60

    assert look(timedelta(days=9)) == (False, 0), "a log in which nothing happened needs no anchor"
    append(database, 2)
    seal(database)
    assert look(timedelta(hours=3)) == (False, 180)
    assert look(timedelta(hours=4, minutes=1)) == (True, 241)
    seal(database, anchor)
    assert look(timedelta(hours=9)) == (False, 0)
    append(database, 1)
    assert look(timedelta(hours=5))[0]
    without = LogWatch(database, [], SIGNER.key.name, timedelta(hours=4), lambda: now)
    asyncio.run(without.look())
    assert "no checkpoint" in (without.refusal or "")
    seal(database)
    asyncio.run(without.look())
    assert without.refusal is None, "without anchors a checkpoint is enough"


def test_a_clock_that_is_set_back_hides_no_age(database: Database) -> None:
    passed = 0.0
    grace = timedelta(hours=4)
    watch = LogWatch(database, [], SIGNER.key.name, grace, lambda: clock() - timedelta(days=1), clock=lambda: passed)
    append(database, 1)
    asyncio.run(watch.look())
    passed = grace.total_seconds() + 1
    assert watch.refusal is None
    asyncio.run(watch.look())
    assert "for too long" in (watch.refusal or "") and watch.age > grace


def test_a_log_that_can_not_be_looked_at_stops_data_and_the_look_goes_on(database: Database, tmp_path: Path) -> None:
    passed = 0.0
    watch = LogWatch(database, [], SIGNER.key.name, timedelta(hours=4), clock, clock=lambda: passed)

    async def run() -> None:
        nonlocal passed
        await watch.look()
        assert watch.refusal is None
        running = asyncio.create_task(watch.run(timedelta(0)))
        change(tmp_path / "log.db", "ALTER TABLE log_checkpoint RENAME TO away")
        await asyncio.sleep(0)
        passed = timedelta(hours=5).total_seconds()
        await until(lambda: watch.refusal is not None)
        change(tmp_path / "log.db", "ALTER TABLE away RENAME TO log_checkpoint")
        await until(lambda: watch.refusal is None)
        running.cancel()

    asyncio.run(run())


@pytest.mark.parametrize("kind", [FileAnchor, FolderAnchor])
@pytest.mark.parametrize("later", [0, 9], ids=["older", "other"])
def test_an_old_backup_that_was_put_back_is_found_out(kind, later: int, tmp_path: Path) -> None:
    anchor, file = kind(tmp_path / "anchors"), tmp_path / "log.db"
    database = open_database(f"sqlite:///{file}", create=True)
    append(database, 2)
    seal(database, anchor)
    database.close()
    backup = file.read_bytes()
    database = open_database(f"sqlite:///{file}")
    append(database, 3)
    seal(database, anchor)
    assert refusal(database, anchor) is None
    database.close()
    file.write_bytes(backup)
    database = open_database(f"sqlite:///{file}")
    append(database, later)
    kept = asyncio.run(anchor.newest(SIGNER.key.name))
    sealed = seal(database, anchor)
    assert "an older copy was put back" in (refusal(database, anchor) or "")
    assert asyncio.run(anchor.newest(SIGNER.key.name)) == kept, "the anchor is left as it is"
    assert sealed is not None and (sealed.anchored is None) == bool(later)
    assert refusal(database, kind(tmp_path / "new anchors")) is None or later
    database.close()


def refusal(database: Database, *anchors: Anchor) -> str | None:
    watch = LogWatch(database, anchors, SIGNER.key.name, timedelta(hours=4), clock)
    asyncio.run(watch.look())
    return watch.refusal


def test_what_is_torn_or_foreign_in_an_anchor_is_no_checkpoint(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "anchors.txt"
    anchor = FileAnchor(path)
    append(database, 2)
    seal(database, anchor)
    note = path.read_text()
    path.write_text(note + note.replace("xds.example/log", "other.example/log") + note[:40])
    assert asyncio.run(anchor.newest(SIGNER.key.name)) == note[:-1]
    assert refusal(database, anchor) is None
    append(database, 1)
    assert seal(database, anchor).anchored
    assert list(split_notes(path.read_text()))[-1].startswith("xds.example/log\n3\n")
    assert refusal(database, anchor) is None


def test_the_key_may_be_away_for_a_while_and_no_other_takes_its_place(database: Database) -> None:
    def away() -> Signer:
        raise Misconfigured("the key is away")

    def sealing(signer) -> object:
        return asyncio.run(Sealer(database, signer, (), clock).seal())

    append(database, 1)
    sealing(lambda: SIGNER)
    append(database, 1)
    for signer in (
        away,
        lambda: Signer(new_signing_key(), SIGNER.key.name),
        lambda: Signer(new_signing_key(), "other.example/log"),
    ):
        with pytest.raises(Misconfigured):
            sealing(signer)
    assert sealing(lambda: SIGNER).size == 2


def test_a_running_sealer_seals_by_number_and_by_time(database: Database) -> None:
    async def run() -> None:
        running = asyncio.create_task(Sealer(database, lambda: SIGNER, (), clock).run(3600, 5))
        await until(lambda: running.done() or True)
        append(database, 6)
        await until(lambda: database.read_now(lambda reader: reader.log.newest_note()) is not None)
        running.cancel()

    asyncio.run(run())
    assert database.read_now(lambda reader: reader.log.newest_note()).size == 6


def test_a_record_that_was_spoiled_stops_neither_sealing_nor_indexing(database: Database, tmp_path: Path) -> None:
    append(database, 1)
    change(tmp_path / "log.db", "UPDATE log_record SET payload = X'7B2272756C65223A22FF227D'")

    async def run() -> None:
        running = asyncio.create_task(Sealer(database, lambda: SIGNER, (), clock).run(3600, 2))
        await until(lambda: running.done() or database.read_now(lambda reader: reader.log.indexed_below()) == 1)
        append(database, 3)
        await until(lambda: running.done() or database.read_now(lambda reader: reader.log.newest_note()).size == 4)
        assert not running.done()
        running.cancel()

    asyncio.run(run())


def test_whatever_keeps_the_claim_away_it_is_asked_for_again(database: Database) -> None:
    worked, asked, failures = asyncio.Event(), [], [RuntimeError("unforeseen")]

    def claim() -> Claim | None:
        asked.append(len(failures))
        if failures:
            raise failures.pop()
        return database.claim()

    async def work() -> None:
        worked.set()

    async def run() -> None:
        keeping = asyncio.create_task(keep(claim, lambda: [work()]))
        async with asyncio.timeout(20):
            await worked.wait()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)

    asyncio.run(run())
    assert worked.is_set() and asked == [1, 0]
    assert database.claim() is not None, "the claim was not let go of at the end"


async def until(holds) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)
