from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from xds.model.dutch_time import dutch_day, dutch_midnight, dutch_time, read_day


@pytest.mark.parametrize(
    ("utc", "local"),
    [
        ((2026, 1, 1, 12), (2026, 1, 1, 13)),
        ((2026, 3, 29, 0), (2026, 3, 29, 1)),
        ((2026, 3, 29, 1), (2026, 3, 29, 3)),
        ((2026, 10, 25, 0), (2026, 10, 25, 2)),
        ((2026, 10, 25, 1), (2026, 10, 25, 2)),
        ((2026, 12, 31, 23), (2027, 1, 1, 0)),
    ],
)
def test_summer_time_is_between_the_last_sundays_of_march_and_october(utc, local):
    found = dutch_time(datetime(*utc, tzinfo=UTC))

    assert (found.year, found.month, found.day, found.hour) == local


@pytest.mark.parametrize(
    ("day", "hour"), [((2026, 3, 29), 23), ((2026, 3, 30), 22), ((2026, 10, 25), 22), ((2026, 10, 26), 23)]
)
def test_a_day_begins_at_midnight_there(day, hour):
    begins = dutch_midnight(date(*day))

    assert begins.hour == hour
    assert dutch_time(begins).date() == date(*day) and dutch_time(begins).hour == 0


def test_a_day_in_words():
    assert dutch_day(datetime(2026, 2, 28, 23, 30, tzinfo=UTC)) == "1 maart 2026"


@pytest.mark.parametrize(
    "typed",
    ["25-11-2026", "25/11/2026", "25.11.2026", " 25 november 2026", "25 nov. 2026", "25 NOV 2026", "2026-11-25"],
)
def test_a_day_is_read_as_people_type_it(typed: str) -> None:
    assert read_day(typed) == date(2026, 11, 25)


@pytest.mark.parametrize(
    "typed", ["", "gisteren", "31-02-2026", "11-25-2026", "25-11-26", "25 foo 2026", "٢٥-١١-٢٠٢٦", "0-0-0000"]
)
def test_what_is_no_day_is_not_read_as_one(typed: str) -> None:
    with pytest.raises(ValueError):
        read_day(typed)
