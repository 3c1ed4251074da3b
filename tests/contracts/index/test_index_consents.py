"""The consent register: what was recorded comes back, in one SELECT, on every database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from consent_samples import HOLDER, HOSPITAL, NOW, PRACTICE, category, deny, organisation, permit, relation
from index_objects import MARIA, SOFIE, an_entry, coded, register

from xds.db import Database
from xds.model.coded import Author, Coded
from xds.model.consent import (
    ORGANISATION_KINDS,
    Candidate,
    Channel,
    ClientFacts,
    Consent,
    Decision,
    Emergency,
    Giver,
    Ground,
    PolicyText,
)
from xds.model.selection import EntrySelection

LATER = NOW + timedelta(days=1)
EMERGENCY = Emergency("1@2.999", HOSPITAL.ura, "spoed", "_1", NOW)
BY_PARENT = {"given_by": frozenset({Giver.PARENT}), "channel": Channel.PAPER, "until": LATER}


def write(database: Database, act: Callable[[Any, int], Any], patient: str = MARIA) -> Any:
    """What `act` does with the register and the key of a patient, who becomes known."""

    def change(writer: Any) -> Any:
        writer.add_patient(patient)
        return act(writer.consents, writer.patient(patient))

    return database.write_now(change)


def facts(database: Database, *patients: str) -> list[ClientFacts]:
    def ask(reader: Any) -> list[ClientFacts]:
        keys = [reader.patient(patient) for patient in patients or (MARIA,)]
        found = reader.consents.facts(keys)
        return [found[key] for key in keys]

    return database.read_now(ask)


def versions(database: Database, patient: str = MARIA) -> list[Consent]:
    return database.read_now(lambda reader: reader.consents.versions(reader.patient(patient)))


def say(database: Database, *words: Consent, patient: str = MARIA) -> list[Consent]:
    """Record words; they come back with the numbers that they were given."""
    add = lambda register, key: [replace(word, number=register.add_consent(key, word)) for word in words]  # noqa: E731
    return write(database, add, patient)


def test_nothing_is_known_of_a_new_client(database: Database) -> None:
    write(database, lambda register, patient: None)

    assert facts(database) == [ClientFacts(MARIA)]
    assert database.read_now(lambda reader: reader.consents.facts([])) == {}


def test_all_that_was_recorded_comes_back(database: Database) -> None:
    words = say(
        database,
        permit(category("jgz"), "GGC002", organisation(HOLDER), **BY_PARENT),
        deny(organisation(PRACTICE.ura), in_emergency=True),
    )
    treating = relation(HOSPITAL, until=LATER)

    def act(register: Any, patient: int) -> Any:
        register.set_birth_date(patient, date(2014, 2, 28))
        register.add_emergency(patient, EMERGENCY)
        register.add_notice(patient, "jgz", "brief", NOW)
        register.add_notice(patient, "jgz", "brief", LATER)
        assert register.join("JGZ", NOW) is True
        assert register.join("JGZ", LATER) is False
        return replace(treating, number=register.add_relation(patient, treating, "portal", NOW))

    treating = write(database, act)

    (found,) = facts(database)
    assert sorted(found.consents, key=lambda word: word.number) == words
    assert replace(found, consents=()) == ClientFacts(
        MARIA, date(2014, 2, 28), (), (treating,), (EMERGENCY,), {"jgz": LATER}, {"JGZ": NOW}
    )
    assert versions(database) == words


def test_a_later_word_or_relation_takes_the_place_of_the_earlier_which_is_kept(database: Database) -> None:
    first = permit(category("jgz"))
    words = say(database, first, permit(category("jgz"), "GGC002"), replace(first, decision=Decision.WITHDRAWN))
    write(database, lambda register, patient: register.add_relation(patient, relation(HOSPITAL), "portal", NOW))
    ended = relation(HOSPITAL, until=NOW)
    write(database, lambda register, patient: register.add_relation(patient, ended, "portal", NOW))
    write(database, lambda register, patient: register.add_relation(patient, relation(PRACTICE), "portal", NOW))

    (found,) = facts(database)
    assert {word.number for word in found.consents} == {words[1].number, words[2].number}
    assert sorted((each.ura, each.until) for each in found.relations if each.until) == [(HOSPITAL.ura, NOW)]
    assert len(found.relations) == 2
    assert versions(database) == words
    assert database.read_now(lambda reader: len(reader.consents.relations(reader.patient(MARIA)))) == 2
    kept = database.read_now(lambda reader: reader.consents.relation_versions(reader.patient(MARIA)))
    assert [(each.ura, each.until, at) for each, at in kept] == [
        (HOSPITAL.ura, None, NOW), (HOSPITAL.ura, NOW, NOW), (PRACTICE.ura, None, NOW),
    ]  # fmt: skip


def test_each_client_has_her_own(database: Database) -> None:
    (hers,) = say(database, permit(category("jgz")))
    (other,) = say(database, deny(category("jgz")), patient=SOFIE)

    maria, sofie = facts(database, MARIA, SOFIE)
    assert (maria.patient_id, maria.consents) == (MARIA, (hers,))
    assert (sofie.patient_id, sofie.consents) == (SOFIE, (other,))
    keys = database.read_now(lambda reader: [reader.patient(MARIA), reader.patient(SOFIE)])
    assert database.read_now(lambda reader: reader.consents.clients_after(0, 10)) == keys
    assert database.read_now(lambda reader: reader.consents.clients_after(keys[0], 1)) == keys[1:]


def test_emergencies_are_found_by_when_they_were(database: Database) -> None:
    write(database, lambda register, patient: register.add_emergency(patient, EMERGENCY))
    write(database, lambda register, patient: register.add_emergency(patient, replace(EMERGENCY, opened_at=LATER)))

    found = database.read_now(lambda reader: reader.consents.emergencies(NOW, LATER))
    assert found == [(MARIA, EMERGENCY)]


def test_what_is_undone_is_not_there(database: Database) -> None:
    def change(writer: Any) -> None:
        writer.add_patient(MARIA)
        writer.consents.add_consent(writer.patient(MARIA), permit(category("jgz")))
        raise KeyError

    try:
        database.write_now(change)
    except KeyError:
        write(database, lambda register, patient: None)
    assert versions(database) == []


def test_documents_that_are_alike_have_one_candidate(database: Database) -> None:
    authors = (
        Author(institution=(f"Ziekenhuis^^^^^&2.16.528.1.1007.3.3&ISO^^^^{HOLDER}", "Zonder^^^^^&2.999&ISO^^^^1")),
        Author(institution=(f"Ziekenhuis^^^^^&2.16.528.1.1007.3.3&ISO^^^^{HOLDER}", "^^^^^&2.999")),
        Author(institution=("Praktijk^^^^^&2.16.528.1.1007.3.3&ISO^^^^00000002",)),
    )
    full = {
        "authors": authors,
        "healthcare_facility_type_code": Coded("V6", ORGANISATION_KINDS),
        "event_code_list": (coded("e1"), coded("e2")),
        "confidentiality_code": (coded("N"),),
    }
    register(database, an_entry(**full), an_entry(**full), an_entry(class_code=None, type_code=None))
    register(database, an_entry(healthcare_facility_type_code=Coded("V6", "2.999")))

    def ask(reader: Any) -> list[Candidate]:
        return reader.consents.candidates(reader.entries(EntrySelection(patient=MARIA)))

    first, second, bare, other = database.read_now(ask)
    assert first is second
    assert first == Candidate(
        (HOLDER, "00000002"), "V6", coded("class").key, coded("type").key,
        (coded("e1").key, coded("e2").key), (coded("N").key,),
    )  # fmt: skip
    assert bare == Candidate()
    assert other.kind is None
    assert database.read_now(ask)[0] is first


def test_codes_that_are_given_out_in_a_transaction_are_known_in_it(database: Database) -> None:
    def change(writer: Any) -> Candidate:
        writer.add_patient(MARIA)
        entry = an_entry(type_code=coded("fresh"))
        writer.insert([(entry, b"")], writer.patient(MARIA))
        (candidate,) = writer.consents.candidates(writer.entries(EntrySelection(uuids=(entry.entry_uuid,))))
        return candidate

    assert database.write_now(change).type_code == coded("fresh").key
    fresh = coded("fresher")
    database.write_now(lambda writer: writer.insert([(an_entry(type_code=fresh), b"")], writer.patient(MARIA)))
    found = database.write_now(lambda writer: writer.consents.candidates(writer.entries(EntrySelection(patient=MARIA))))
    assert [each.type_code for each in found] == [coded("fresh").key, fresh.key]


def test_of_clients_that_are_one_the_word_that_permits_least_stays(database: Database) -> None:
    jgz, verloskunde, kraamzorg, gp = (category(code) for code in ("jgz", "verloskunde", "kraamzorg", "RPZAC001"))
    say(database, deny(jgz), permit(verloskunde), permit(kraamzorg), permit(gp))
    withdrawn = Decision.WITHDRAWN
    say(database, permit(jgz), deny(verloskunde), replace(permit(kraamzorg), decision=withdrawn), patient=SOFIE)
    write(database, lambda register, patient: register.set_birth_date(patient, date(1995, 1, 2)), SOFIE)
    write(database, lambda register, patient: register.add_emergency(patient, EMERGENCY), SOFIE)
    published = relation(PRACTICE, ground=Ground.PUBLISHED)
    write(database, lambda register, patient: register.add_relation(patient, published, "x", NOW), SOFIE)

    database.write_now(lambda writer: writer.merge_patient(SOFIE, MARIA))

    (found,) = facts(database)
    assert {word.subject.consumer.code: word.decision for word in found.consents} == {
        "jgz": Decision.DENY,
        "verloskunde": Decision.DENY,
        "kraamzorg": withdrawn,
        "RPZAC001": Decision.PERMIT,
    }
    assert [word.channel for word in found.consents if word.subject.consumer == jgz] == [Channel.MERGE]
    assert len(versions(database)) == 8
    assert found.birth_date == date(1995, 1, 2)
    assert found.emergencies == (EMERGENCY,) and [each.ura for each in found.relations] == [PRACTICE.ura]
    assert datetime(1970, 1, 1, tzinfo=UTC) < found.relations[0].since


def test_of_clients_that_are_one_nothing_of_an_objection_is_lost(database: Database) -> None:
    say(database, deny(category("jgz"), in_emergency=True), deny(category("kraamzorg")))
    over = replace(deny(category("jgz")), until=LATER)
    say(database, over, replace(deny(category("kraamzorg")), in_emergency=True), patient=SOFIE)
    ended = relation(PRACTICE, until=NOW)
    write(database, lambda register, patient: register.add_relation(patient, ended, "x", NOW))
    published = relation(PRACTICE, since=LATER, ground=Ground.PUBLISHED)
    write(database, lambda register, patient: register.add_relation(patient, published, "x", LATER), SOFIE)

    database.write_now(lambda writer: writer.merge_patient(SOFIE, MARIA))

    (found,) = facts(database)
    assert {word.subject.consumer.code: (word.until, word.in_emergency) for word in found.consents} == {
        "jgz": (None, True),
        "kraamzorg": (None, True),
    }
    assert [(each.ground, each.until) for each in found.relations] == [(Ground.REGISTERED, NOW)]


def test_each_policy_that_was_in_force_is_kept(database: Database) -> None:
    first, second = PolicyText(NOW, b"first"), PolicyText(LATER, b"second")
    again = PolicyText(LATER + timedelta(days=1), b"first")

    def keep(policy: PolicyText) -> bool:
        return database.write_now(lambda writer: writer.consents.put_in_force(policy))

    assert [keep(each) for each in (first, first._replace(since=LATER), second, again)] == [True, False, True, True]
    assert database.read_now(lambda reader: reader.consents.policies()) == [first, second, again]
