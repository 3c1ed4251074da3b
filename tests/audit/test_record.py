"""What a record keeps of an event."""

from __future__ import annotations

import msgspec
import pytest
from logs import HOSPITAL, JANSEN, MARIA, PERMITTED, RECORDER, REFUSED, SOFIE, START, event, requester

from xds.audit.events import KINDS
from xds.audit.record import Recorder, decode
from xds.model.audit import Access, Document, Entry, Source
from xds.model.coded import Coded
from xds.model.party import Person
from xds.model.verdict import Checks


def only(entries: list[Entry]) -> Entry:
    (entry,) = entries
    return entry


def test_a_query_is_recorded_with_who_what_and_why() -> None:
    entry = only(RECORDER.entries(event(1)))
    record = decode(entry.payload)
    assert (record.event.code, record.action, record.kinds[0].code) == ("110112", "E", "ITI-18")
    assert (record.user.person.number, record.user.person.name) == ("123456789", "J. Jansen")
    assert (record.user.person.organisation, record.user.access_point) == ("00001234", "192.0.2.7")
    assert record.user.is_person and record.user.responsible is None
    assert record.purpose is not None and record.purpose.code == "TREATMENT"
    assert record.patient == str(MARIA)
    assert (record.checks, record.authorisation) == ("TTTF", "matrix 3")
    assert (record.treatment_relation, record.consent) == ("sender 7", "consent 12")
    assert record.documents == (Document("1.2.3", "urn:uuid:00000000-0000-4000-8000-000000000001", "2.999.5", "N"),)
    assert entry == Entry(
        "r-1", 0, entry.payload, int(START.timestamp() + 1) * 1_000_000, RECORDER.patient(str(MARIA)),
        "123456789^^^&2.16.528.1.1007.3.1&ISO", "00001234", "E", 0, "ITI-18", False,
    )  # fmt: skip


def test_a_surname_is_in_no_record_and_travels_as_a_keyed_hash() -> None:
    entry = only(RECORDER.entries(event(1, Access(MARIA, PERMITTED, surnames=frozenset({"zwaluwenberg"})))))

    assert entry.surnames == (RECORDER.surname("zwaluwenberg"),) and len(entry.surnames[0]) == 16
    assert entry._replace(surnames=()) == only(RECORDER.entries(event(1, Access(MARIA, PERMITTED))))
    assert Recorder(Source("s", "i"), b"o" * 32).surname("zwaluwenberg") != entry.surnames[0]


@pytest.mark.parametrize("transaction", KINDS)
def test_the_bytes_of_a_record_are_those_of_its_value(transaction: str) -> None:
    for who in (JANSEN, None, requester(emergency="buikpijn", responsible=JANSEN.user)):
        entry = only(RECORDER.entries(event(1, transaction=transaction, requester=who, outcome_text="x")))
        assert msgspec.json.encode(decode(entry.payload)) == entry.payload


def test_a_result_about_several_patients_is_several_records_of_one_request() -> None:
    entries = RECORDER.entries(event(1, Access(MARIA, PERMITTED), Access(SOFIE, REFUSED)))
    assert [(entry.request_id, entry.number) for entry in entries] == [("r-1", 0), ("r-1", 1)]
    assert [decode(entry.payload).patient for entry in entries] == [str(MARIA), str(SOFIE)]
    assert [decode(entry.payload).reason for entry in entries] == [PERMITTED.reason, REFUSED.reason]
    assert entries[0].patient != entries[1].patient


def test_a_request_without_a_person_names_the_system_or_the_address() -> None:
    unknown = only(RECORDER.entries(event(1, Access(None), requester=None, outcome=8)))
    assert (decode(unknown.payload).user.person.number, unknown.employee, unknown.organisation) == ("192.0.2.7", "", "")
    system = only(RECORDER.entries(event(1, requester=None, participant=JANSEN.participant)))
    record = decode(system.payload)
    assert (record.user.is_person, record.user.person.number) == (False, "ab" * 32)
    assert (system.employee, system.organisation) == ("", "00001234")


def test_breaking_the_glass_is_flagged() -> None:
    urgent = PERMITTED._replace(checks=Checks(True, None, None, True))
    for given in (event(1, Access(MARIA, urgent)), event(1, requester=requester(emergency="bloeding"))):
        entry = only(RECORDER.entries(given))
        assert entry.emergency
        assert [kind.code for kind in decode(entry.payload).kinds] == ["ITI-18", "110127"]


def test_a_mandated_user_is_recorded_with_the_one_who_answers() -> None:
    role = Coded("01.046", "2.16.840.1.113883.2.4.15.111", "Gynaecoloog")
    chief = Person("987654321", "2.16.528.1.1007.3.1", "A. de Wit", role)
    record = decode(only(RECORDER.entries(event(1, requester=requester(HOSPITAL, responsible=chief)))).payload)
    assert record.user.responsible is not None
    assert (record.user.responsible.number, record.user.responsible.organisation) == ("987654321", "00005678")


def test_patients_are_found_by_a_hash_that_needs_the_key() -> None:
    other = Recorder(Source("2.999.1", "xds.example"), b"x" * 32)
    assert RECORDER.patient(str(MARIA)) != other.patient(str(MARIA))
    assert RECORDER.patient(str(MARIA)) == RECORDER.patient(str(MARIA))
    with pytest.raises(ValueError, match="32 bytes"):
        Recorder(Source("2.999.1", "xds.example"), b"short")
