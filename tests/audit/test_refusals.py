from __future__ import annotations

from datetime import UTC, datetime, timedelta

from logs import RECORDER

from xds.audit.record import decode
from xds.audit.refusals import OTHERS, Refusals
from xds.model.audit import Event

START = datetime(2025, 3, 12, 13, 5, 1, tzinfo=UTC)


def refusals() -> Refusals:
    return Refusals(iter(map("t-{}".format, range(10_000))).__next__)


def counted(events: list[Event]) -> dict[tuple[str, str], int]:
    return {(event.address, event.outcome_text): int(event.things[0].details[0][1]) for event in events}


def test_refused_connections_are_one_record_for_each_peer_reason_and_minute() -> None:
    ours = refusals()
    for second in range(50):
        assert ours.note("192.0.2.1", "unknown CA", START + timedelta(seconds=second)) == []
        assert ours.note("192.0.2.2", "expired", START + timedelta(seconds=second)) == []
    over = ours.note("192.0.2.1", "unknown CA", START + timedelta(seconds=60))
    assert counted(over) == {("192.0.2.1", "unknown CA"): 50, ("192.0.2.2", "expired"): 50}
    assert {event.started for event in over} == {START.replace(second=0)}
    assert ours.due(START + timedelta(seconds=90)) == []
    assert counted(ours.due(START + timedelta(seconds=120))) == {("192.0.2.1", "unknown CA"): 1}
    assert ours.flush() == []


def test_very_many_peers_are_counted_together() -> None:
    ours = refusals()
    for number in range(5000):
        ours.note(f"2001:db8::{number:x}", "no certificate", START)
    found = counted(ours.flush())
    assert len(found) == 257 and found[OTHERS, "no certificate"] == 5000 - 256


def test_a_refused_connection_is_a_security_alert() -> None:
    ours = refusals()
    ours.note("192.0.2.1", "expired", START)
    (event,) = ours.flush()
    record = decode(RECORDER.entries(event)[0].payload)
    assert (record.event.code, record.kinds[0].code, record.outcome) == ("110113", "110126", 8)
    assert record.user.person.number == "192.0.2.1" and not record.user.is_person
