"""Who looks at the pages: accounts, second factors and sessions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from samples import PATIENT

from xds.db import Database
from xds.model.party import NormStatus, Organisation
from xds.model.viewer import Attempts, Auditor, Relation, Role, Session, Visit

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ANNA = Auditor(0, "anna", "Anna Jansen", Role.AUDITOR, "00010990", "ab" * 32, None, b"geheim")
BOB = Auditor(0, "bob", "Bob", Role.ADMINISTRATOR, None, None, "https://idp.example bob")


def added(database: Database, auditor: Auditor) -> Auditor:
    number = database.write_now(lambda writer: writer.viewers.add_auditor(auditor))
    return replace(auditor, id=number)


def session(**changes: object) -> Session:
    return replace(Session(0, "ab" * 32, 4, NOW, NOW, NOW + timedelta(hours=8)), **changes)


def begun(database: Database, token: bytes, new: Session) -> int:
    return database.write_now(lambda writer: writer.viewers.begin_session(token, new))


def found(database: Database, token: bytes) -> Session | None:
    return database.read_now(lambda reader: reader.viewers.session(token))


def test_an_auditor_is_found_by_certificate_and_by_subject(database: Database) -> None:
    bob, anna = added(database, BOB), added(database, ANNA)

    assert database.read_now(lambda reader: reader.viewers.auditor_with("ab" * 32)) == anna
    assert database.read_now(lambda reader: reader.viewers.auditor_known_as("https://idp.example bob")) == bob
    assert database.read_now(lambda reader: reader.viewers.auditor_with("cd" * 32)) is None
    assert database.read_now(lambda reader: reader.viewers.auditor_known_as("https://idp.example anna")) is None
    assert database.read_now(lambda reader: reader.viewers.auditors()) == [anna, bob]


@pytest.mark.parametrize(
    "same", [{"account": "anna"}, {"certificate": "ab" * 32}, {"subject": "https://idp.example bob"}]
)
def test_what_an_auditor_is_known_by_is_of_one(database: Database, same: dict[str, str]) -> None:
    added(database, ANNA)
    added(database, BOB)
    other = replace(Auditor(0, "carla", "Carla", Role.AUDITOR, None), **same)

    with pytest.raises(ValueError):
        added(database, other)


def test_an_auditor_is_suspended_and_let_in_again(database: Database) -> None:
    anna = added(database, ANNA)

    for suspended in (True, False):
        assert database.write_now(lambda writer, it=suspended: writer.viewers.suspend_auditor(anna.id, it))
        (listed,) = database.read_now(lambda reader: reader.viewers.auditors())
        assert listed.suspended is suspended
    assert not database.write_now(lambda writer: writer.viewers.suspend_auditor(anna.id + 1, True))


def test_attempts_are_kept_until_there_is_another_secret(database: Database) -> None:
    anna = added(database, ANNA)
    tried = Attempts(59_000_000, 3, NOW)

    database.write_now(lambda writer: writer.viewers.set_attempts(anna.id, tried))
    assert database.read_now(lambda reader: reader.viewers.attempts(anna.id)) == tried
    assert database.write_now(lambda writer: writer.viewers.set_secret(anna.id, b"een ander"))
    fresh = database.read_now(lambda reader: reader.viewers.attempts(anna.id))
    assert (fresh.step, fresh.failures) == (0, 0)
    assert database.read_now(lambda reader: reader.viewers.auditors())[0].secret == b"een ander"
    assert not database.write_now(lambda writer: writer.viewers.set_secret(anna.id + 1, b""))


def test_an_auditor_is_known_by_another_certificate(database: Database) -> None:
    anna, carla = added(database, ANNA), added(database, replace(ANNA, account="carla", certificate="ef" * 32))

    assert database.write_now(lambda writer: writer.viewers.set_certificate(anna.id, "cd" * 32))
    found = database.read_now(lambda reader: reader.viewers.auditor_with("cd" * 32))
    assert found == replace(anna, certificate="cd" * 32)
    assert database.read_now(lambda reader: reader.viewers.auditor_with("ab" * 32)) is None
    assert not database.write_now(lambda writer: writer.viewers.set_certificate(carla.id + 9, "ab" * 32))
    with pytest.raises(ValueError):
        database.write_now(lambda writer: writer.viewers.set_certificate(carla.id, "cd" * 32))


def test_a_session_knows_its_auditor_as_that_is_now(database: Database) -> None:
    anna = added(database, ANNA)
    number = begun(database, b"a", session(auditor=anna))

    assert found(database, b"a") == session(number=number, auditor=anna)
    database.write_now(lambda writer: writer.viewers.suspend_auditor(anna.id, True))
    assert found(database, b"a") == session(number=number, auditor=replace(anna, suspended=True))
    assert found(database, b"b") is None


def test_a_visit_lasts_while_its_portal_may_connect(database: Database) -> None:
    hospital = Organisation("00010990", "Ziekenhuis De Uiver", "V6")
    portal = database.write_now(
        lambda writer: writer.add_participant(hospital, "cd" * 32, (), NOW.date(), NormStatus())
    )
    visit = Visit(PATIENT, Relation.PARENT, b"1" * 16, portal, hospital.ura, hospital.name)
    number = begun(database, b"a", session(certificate=None, visit=visit))

    assert found(database, b"a") == session(number=number, certificate=None, visit=visit)
    database.write_now(lambda writer: writer.suspend_participant(portal, True))
    assert found(database, b"a") == session(number=number, certificate=None)


def test_sessions_are_used_ended_and_forgotten(database: Database) -> None:
    anna, bob = added(database, ANNA), added(database, BOB)
    numbers = [begun(database, bytes([each]), session(auditor=anna)) for each in range(3)]
    bobs = begun(database, b"bob", session(auditor=bob, ends=NOW + timedelta(minutes=1)))
    later = NOW + timedelta(minutes=5)

    assert [each.number for each in database.read_now(lambda reader: reader.viewers.sessions(NOW))] == [*numbers, bobs]
    database.write_now(lambda writer: writer.viewers.touch_session(numbers[0], later))
    assert found(database, b"\0") == session(number=numbers[0], auditor=anna, seen=later)
    assert [each.number for each in database.read_now(lambda reader: reader.viewers.sessions(later))] == numbers
    database.write_now(lambda writer: writer.viewers.forget_sessions(later, NOW))
    assert (found(database, b"bob"), found(database, b"\1") is None) == (None, False)
    database.write_now(lambda writer: writer.viewers.forget_sessions(later, later))
    assert (found(database, b"\0") is None, found(database, b"\1")) == (False, None)
    assert database.write_now(lambda writer: writer.viewers.end_session(numbers[0]))
    assert not database.write_now(lambda writer: writer.viewers.end_session(numbers[0]))
    begun(database, b"again", session(auditor=anna))
    assert database.write_now(lambda writer: writer.viewers.end_sessions_of(anna.id)) == 1


def test_two_sessions_have_not_one_token(database: Database) -> None:
    anna = added(database, ANNA)
    begun(database, b"a", session(auditor=anna))

    with pytest.raises(ValueError):
        begun(database, b"a", session(auditor=anna))
