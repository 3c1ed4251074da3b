"""What auditors keep, in every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from xds.db import Database
from xds.model.desk import Export, SavedSearch

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ASKED = Export(0, "anna", "00001234", "uitkomst=4", "csv", 120, 60, NOW)


def test_searches_are_of_who_saved_them_and_of_all_when_shared(database: Database) -> None:
    def save(writer) -> list[int]:
        new = [("anna", "b", False), ("anna", "a", True), ("bob", "c", False)]
        return [writer.desk.save_search(SavedSearch(0, account, name, "van=2026-01-01", shared))
                for account, name, shared in new]  # fmt: skip

    first, second, third = database.write_now(save)
    mine = database.read_now(lambda reader: reader.desk.searches("anna"))
    assert [each.id for each in mine] == [second, first]
    assert mine[0] == SavedSearch(second, "anna", "a", "van=2026-01-01", True)
    assert [each.id for each in database.read_now(lambda reader: reader.desk.searches("bob"))] == [second, third]
    assert database.write_now(lambda writer: writer.desk.delete_search(second, "bob")) is False
    assert database.write_now(lambda writer: writer.desk.delete_search(second, "anna")) is True
    assert [each.id for each in database.read_now(lambda reader: reader.desk.searches("bob"))] == [third]


def test_an_export_is_approved_once(database: Database) -> None:
    number = database.write_now(lambda writer: writer.desk.ask_export(ASKED))
    assert database.read_now(lambda reader: reader.desk.export(number)) == ASKED._replace(id=number)
    assert database.read_now(lambda reader: reader.desk.export(number + 1)) is None
    assert database.write_now(lambda writer: writer.desk.approve_export(number, "bob")) is True
    assert database.write_now(lambda writer: writer.desk.approve_export(number, "carla")) is False
    assert database.read_now(lambda reader: reader.desk.export(number)).approver == "bob"


def test_how_far_an_export_is_can_be_read_by_every_process(database: Database) -> None:
    number = database.write_now(lambda writer: writer.desk.ask_export(ASKED))
    database.write_now(lambda writer: writer.desk.set_sent(number, 40, NOW + timedelta(seconds=5)))
    found = database.read_now(lambda reader: reader.desk.export(number))
    assert found == ASKED._replace(id=number, sent=40, sent_at=NOW + timedelta(seconds=5))


def test_exports_come_newest_first_since_a_moment(database: Database) -> None:
    for hours in (0, 5, 2):
        database.write_now(
            lambda writer, hours=hours: writer.desk.ask_export(ASKED._replace(asked=NOW + timedelta(hours=hours)))
        )
    since = database.read_now(lambda reader: reader.desk.exports(NOW + timedelta(hours=1)))
    assert [(each.asked - NOW) / timedelta(hours=1) for each in since] == [5, 2]
