"""The participant register and the assertions that were used, on every database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from xds.db import Database, open_database
from xds.model.party import NormStatus, Organisation, Participant

HOSPITAL = Organisation("00010990", "Ziekenhuis De Uiver", "V4")
FIRST, SECOND, THIRD = "01" * 32, "02" * 32, "03" * 32
SINCE = date(2026, 1, 31)
NORMS = NormStatus(date(2025, 2, 1), None, date(2025, 3, 1))


def added(database: Database, certificate: str = FIRST) -> int:
    return database.write_now(
        lambda writer: writer.add_participant(HOSPITAL, certificate, ("1.2.3", "1.2.4"), SINCE, NORMS)
    )


def found(database: Database, certificate: str) -> Participant | None:
    return database.read_now(lambda reader: reader.participant(certificate))


def test_a_participant_is_found_by_its_certificate(database):
    number = added(database)

    assert found(database, FIRST) == Participant(number, HOSPITAL, FIRST, ("1.2.3", "1.2.4"), SINCE, NORMS, False)
    assert found(database, SECOND) is None


def test_a_certificate_is_replaced_with_overlap(database):
    number = added(database)
    database.write_now(lambda writer: writer.add_certificate(number, SECOND))

    assert found(database, FIRST).id == found(database, SECOND).id == number
    assert [each.certificate for each in database.read_now(lambda reader: reader.participants())] == [FIRST, SECOND]
    assert database.write_now(lambda writer: writer.remove_certificate(number, FIRST))
    assert not database.write_now(lambda writer: writer.remove_certificate(number, FIRST))
    assert found(database, FIRST) is None
    assert found(database, SECOND).certificate == SECOND


def test_a_certificate_has_one_participant(database):
    added(database)
    other = added(database, SECOND)

    for change in (
        lambda writer: writer.add_certificate(other, FIRST),
        lambda writer: writer.add_participant(HOSPITAL, FIRST, (), SINCE, NORMS),
        lambda writer: writer.add_certificate(99, THIRD),
    ):
        with pytest.raises(ValueError):
            database.write_now(change)
    assert len(database.read_now(lambda reader: reader.participants())) == 2


def test_suspending_the_sources_and_the_norms(database):
    number = added(database)

    assert database.write_now(lambda writer: writer.suspend_participant(number, True))
    assert found(database, FIRST).suspended
    assert database.write_now(lambda writer: writer.suspend_participant(number, False))
    assert not found(database, FIRST).suspended
    norms = NormStatus(None, date(2026, 4, 1), None)
    assert database.write_now(lambda writer: writer.set_norms(number, norms))
    assert found(database, FIRST).norms == norms
    assert database.write_now(lambda writer: writer.set_source_ids(number, ("1.2.5",)))
    assert found(database, FIRST).source_ids == ("1.2.5",)
    assert database.write_now(lambda writer: writer.set_repository(number, "2.999.1"))
    assert found(database, FIRST).repository == "2.999.1"
    assert database.write_now(lambda writer: writer.set_repository(number, None))
    assert found(database, FIRST).repository is None
    assert not database.write_now(lambda writer: writer.set_source_ids(number + 1, ()))
    assert not database.write_now(lambda writer: writer.set_repository(number + 1, "2.999.1"))
    assert not database.write_now(lambda writer: writer.suspend_participant(number + 1, True))
    assert not database.write_now(lambda writer: writer.set_norms(number + 1, norms))


def test_the_first_to_claim_an_assertion_owns_it(database, url):
    one, two = added(database), added(database, SECOND)
    expires = datetime.now(UTC) + timedelta(minutes=10)

    def claim(at: Database, participant: int) -> tuple[int, bool]:
        return at.write_now(lambda writer: writer.claim_assertion("ab" * 32, participant, expires))

    assert claim(database, one) == (one, True)
    assert claim(database, one) == (one, False)
    other_worker = open_database(url)
    try:
        assert claim(other_worker, two) == (one, False)
    finally:
        other_worker.close()


def test_claims_are_forgotten_after_their_time(database):
    number = added(database)
    expires = datetime(2026, 1, 1, tzinfo=UTC)

    def claimed_again(before: datetime) -> bool:
        def change(writer):
            writer.forget_assertions(before)
            return writer.claim_assertion("ab" * 32, number, expires)

        return database.write_now(change)[1]

    assert claimed_again(expires)
    assert not claimed_again(expires)
    assert claimed_again(expires + timedelta(seconds=2))
