"""What employees did, as every database counts it: in columns, and before there are any."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from trail_entries import an_entry

from xds.db import Database
from xds.model.audit import Entry
from xds.model.conduct import Conduct, EmployeeDay, Insistence, Namesake, Span, Who

DAY = date(2026, 3, 28)
"""The next day has 23 hours."""
NURSE = Who("1^^^&1.2&ISO", "C. Smit", "00010990", "De Uiver", "2.9|30.000", "verpleegkundige")
PAYLOAD = (
    b'{"user":{"person":{"role":{"code":"30.000","scheme":"2.9","display":"verpleegkundige"},'
    b'"organisation_name":"De Uiver","name":"C. Smit"}},"rule":"%s"}'
)


def look(number: int, hour: float, patient: int | None = 1, day: date = DAY, **changes: object) -> Entry:
    """A look of the nurse at an hour of a day, by Dutch clocks in winter."""
    started = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour - 1)
    rule = str(changes.pop("rule", "consent")).encode()
    given = {
        "payload": PAYLOAD % rule, "started": int(started.timestamp()) * 1_000_000, "employee": NURSE.employee,
        "organisation": NURSE.organisation, "patient": None if patient is None else bytes([patient]) * 16,
    }  # fmt: skip
    return an_entry(f"r{number}", **(given | changes))


def conduct(database: Database, first: date = DAY, last: date = DAY, sweep: int = 3, within: int = 3600) -> Conduct:
    span = Span(first, last, 23, 6, sweep, within)
    return database.read_now(lambda reader: reader.log.conduct(span))


@pytest.fixture(params=["in columns", "without columns", "partly in columns"])
def record(request: pytest.FixtureRequest, database: Database):
    def write(*entries: Entry) -> None:
        database.write_now(lambda writer: writer.record(entries))
        indexed = {"in columns": len(entries), "without columns": 0, "partly in columns": len(entries) // 2}
        if indexed[request.param]:
            database.write_now(lambda writer: writer.log.index(indexed[request.param]))

    return write


def test_a_day_is_counted_by_dutch_clocks(database, record):
    record(
        look(1, 23.5, 1, DAY - timedelta(1)),
        look(2, 0.5, 1),
        look(3, 5.9, 2),
        look(4, 9.0, 1),
        look(5, 9.9, 3, outcome=4, rule="treatment-relation"),
        look(6, 9.95, 3, outcome=4, rule="treatment-relation", transaction="ITI-43"),
        look(7, 10.0, 4, emergency=True),
        look(8, 11.0, None, outcome=4),
        look(9, 12.0, 9, transaction="ITI-41"),
        look(10, 12.0, 9, employee=""),
        look(11, 0.5, 1, DAY + timedelta(1)),
    )

    found = conduct(database)

    assert found.earlier == 1
    assert found.days == (EmployeeDay(NURSE, DAY, 7, 4, 2, 9, 2, 3, 1, 1, 1, 1),)
    everything = conduct(database, DAY - timedelta(1), DAY + timedelta(1))
    assert [(each.day.day, each.records, each.night) for each in everything.days] == [
        (27, 1, 1),
        (28, 7, 2),
        (29, 1, 1),
    ]
    assert conduct(database, date(2026, 1, 1), date(2026, 1, 2)) == Conduct(0, (), (), ())


def test_hours_follow_the_turn_to_summer_time(database, record):
    record(*(look(number, number / 2, number, DAY + timedelta(1)) for number in range(1, 48)))

    (day,) = conduct(database, DAY, DAY + timedelta(1)).days

    # Of 24 hours by winter time the last one is of the next day.
    assert (day.day, day.records, day.patients, day.hour_patients) == (DAY + timedelta(1), 45, 45, 2)
    assert day.night == 9 + 2


def test_an_employee_of_two_organisations_is_two(database, record):
    record(look(1, 9), look(2, 9, organisation="00000002"), look(3, 9, employee="2^^^&1.2&ISO"))

    found = {(each.who.employee[0], each.who.organisation) for each in conduct(database).days}

    assert found == {("1", "00010990"), ("1", "00000002"), ("2", "00010990")}


def test_breaking_the_glass_after_a_refusal_is_told_apart(database, record):
    record(
        look(1, 2.0, 1, outcome=4),
        look(2, 2.5, 1, outcome=4),
        look(3, 2.9, 1, emergency=True),
        look(4, 3.0, 1, emergency=True),
        look(5, 9.0, 2, outcome=4),
        look(6, 10.5, 2, emergency=True),
        look(7, 9.0, 3, emergency=True),
        look(8, 9.1, 3, outcome=4),
        look(9, 9.0, 4, outcome=4),
        look(10, 9.1, 4, emergency=True, employee="2^^^&1.2&ISO"),
    )

    assert conduct(database).insistences == (Insistence(NURSE, DAY, "01" * 16, True, (0, 1, 2)),)


def test_one_request_about_many_patients_is_told_apart_from_many_requests(database, record):
    record(
        *(look(1, 9.0, number + 1)._replace(number=number) for number in range(3)),
        *(look(10 + number, 10.0, number) for number in range(5)),
        *(look(20, 11.0, number + 1)._replace(number=number) for number in range(2)),
    )

    (sweep,) = conduct(database).sweeps

    assert (sweep.who, sweep.day, sweep.patients, sweep.seq) == (NURSE, DAY, 3, 2)


def test_looks_of_who_may_be_related_are_counted_by_day_and_patient(database, record):
    record(
        look(1, 9.0, 1),
        look(2, 10.0, 1, outcome=4),
        look(3, 11.0, 2),
        look(4, 12.0, 3),
        look(5, 9.0, 1, employee="2^^^&1.2&ISO"),
        look(6, 9.0, 3, DAY + timedelta(1)),
        look(7, 10.0, None),
    )
    asked = []

    def kin(people):
        asked.extend(people)
        return {NURSE: {"01" * 16, "03" * 16, "99" * 16}}

    span = Span(DAY, DAY + timedelta(1), 23, 6, 3, 3600)
    found = database.read_now(lambda reader: reader.log.conduct(span, kin)).namesakes

    assert sorted(found, key=lambda each: (each.day, each.patient)) == [
        Namesake(NURSE, DAY, "01" * 16, 2),
        Namesake(NURSE, DAY, "03" * 16, 1),
        Namesake(NURSE, DAY + timedelta(1), "03" * 16, 1),
    ]
    assert {who.employee for who in asked} == {NURSE.employee, "2^^^&1.2&ISO"}
    assert database.read_now(lambda reader: reader.log.conduct(span)).namesakes == ()
