"""What may be written in the consent register, and which notices that makes due; on a real database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from consent_samples import (
    GP,
    HANDOVER,
    HOSPITAL,
    LONG_AGO,
    NOW,
    POLICY,
    PRACTICE,
    YOUTH,
    category,
    consent,
    deny,
    document,
    organisation,
    permit,
    relation,
    requester,
    sees,
)
from samples import OTHER_PATIENT, PATIENT

from xds.consent.change import Outcome, born, end_relation, notify, published, record, relate
from xds.consent.notices import notices_due
from xds.consent.policy import Form
from xds.db import Database, open_database
from xds.model.consent import (
    ANYONE,
    ChangeKind,
    Channel,
    ClientFacts,
    ConsentChange,
    Decision,
    Giver,
    Ground,
    Scope,
    ScopeKind,
)

CHILD, PARENT = frozenset({Giver.CLIENT}), frozenset({Giver.PARENT})
BOTH = CHILD | PARENT
LATER = NOW + timedelta(days=10)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/xds.db", create=True)
    database.write_now(lambda writer: writer.add_patient(PATIENT))
    yield database
    database.close()


@pytest.fixture
def write(database: Database) -> Callable[..., Outcome]:
    return lambda act, *arguments: database.write_now(lambda writer: act(writer, *arguments))


def facts(database: Database) -> ClientFacts:
    def ask(reader: Any) -> ClientFacts:
        (found,) = reader.consents.facts([reader.patient(PATIENT)]).values()
        return found

    return database.read_now(ask)


def test_a_word_is_recorded_with_its_number_and_told_to_the_log(database, write):
    change = write(record, POLICY, PATIENT, permit(category("jgz"), "GGC012"))

    (word,) = facts(database).consents
    assert change == ConsentChange(
        ChangeKind.CONSENT, PATIENT, word.number, "portal", word.recorded_at,
        "Toestemming vastgelegd (via een portaal): uitslagen van alle zorgaanbieders die meedoen, te bekijken door "
        "jeugdgezondheidszorg.",
    )  # fmt: skip
    assert "999911120" not in change.text


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (permit(category("onbekend")), "no category of organisations 'onbekend'"),
        (permit(category("jgz"), None, category("onbekend")), "holder: there is no category"),
        (permit(category("jgz"), "GGC999"), "no category of data 'GGC999'"),
        (permit(organisation(" ")), "has no number"),
        (permit(Scope(ScopeKind.PERSON, "1")), "number@authority"),
        (permit(category("jgz"), None, Scope(ScopeKind.PERSON, "1@2.999")), "not a person"),
        (permit(category("jgz"), since=NOW, until=NOW), "ends before it begins"),
        (permit(category("jgz"), in_emergency=True), "only an objection"),
        (permit(ANYONE), "here a permit is specified"),
        (permit(category("jgz"), given_by=frozenset()), "nobody may not decide"),
        (permit(category("jgz"), given_by=PARENT), "birth date is not known"),
        (consent(Decision.WITHDRAWN, category("jgz")), "nothing to withdraw"),
        (permit(category("jgz"), channel=Channel.MERGE), "channel merge"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(database, write, word, said):
    wrong = write(record, POLICY, PATIENT, word)

    assert isinstance(wrong, tuple) and not isinstance(wrong, ConsentChange)
    assert any(said in each for each in wrong), wrong
    assert facts(database).consents == ()


def test_everything_wrong_is_named_at_once(write):
    wrong = write(record, POLICY, PATIENT, permit(category("x"), "y", category("z"), since=NOW, until=NOW))

    assert len(wrong) == 4


def test_an_unknown_patient_is_said_to_be(write):
    for act in (
        (record, POLICY, OTHER_PATIENT, permit(category("jgz"))),
        (relate, OTHER_PATIENT, relation(HOSPITAL), "portal", NOW),
        (end_relation, OTHER_PATIENT, HOSPITAL.ura, "portal", NOW),
        (notify, POLICY, OTHER_PATIENT, "jgz", "portal", NOW),
        (born, OTHER_PATIENT, date(1995, 1, 1), "portal", NOW),
    ):
        assert write(*act) == ("the patient is not known",)


def test_a_generic_permit_is_recorded_where_the_deployment_allows_it(database, write):
    assert isinstance(write(record, replace(POLICY, form=Form.GENERIC), PATIENT, permit(ANYONE)), ConsentChange)
    assert isinstance(write(record, POLICY, PATIENT, deny(ANYONE)), ConsentChange)


def test_a_withdrawal_works_on_the_next_request(database, write):
    asking = requester(PRACTICE, "03.000")
    write(relate, PATIENT, relation(PRACTICE), "portal", NOW)
    write(record, POLICY, PATIENT, permit(organisation(PRACTICE.ura)))
    assert sees(asking, facts(database), document()) == [True]

    write(record, POLICY, PATIENT, consent(Decision.WITHDRAWN, organisation(PRACTICE.ura)))

    assert sees(asking, facts(database), document()) == [False]
    assert write(record, POLICY, PATIENT, consent(Decision.WITHDRAWN, organisation(PRACTICE.ura))) == (
        "there is nothing to withdraw on this subject",
    )


@pytest.mark.parametrize(
    ("birth_date", "givers", "permits", "objects"),
    [
        (date(2020, 1, 1), PARENT, True, True),
        (date(2020, 1, 1), CHILD, False, False),
        (date(2020, 1, 1), BOTH, True, True),
        (date(2013, 1, 1), PARENT, False, True),
        (date(2013, 1, 1), CHILD, False, True),
        (date(2013, 1, 1), BOTH, True, True),
        (date(2000, 1, 1), PARENT, False, False),
        (date(2000, 1, 1), CHILD, True, True),
    ],
)
def test_who_decides_for_a_child_follows_from_its_age(write, birth_date, givers, permits, objects):
    assert isinstance(write(born, PATIENT, birth_date, "portal", NOW), ConsentChange)

    def may(word):
        return isinstance(write(record, POLICY, PATIENT, replace(word, given_by=givers)), ConsentChange)

    assert may(permit(category("jgz"))) is permits
    assert may(deny(category("jgz"))) is objects
    # Withdrawing an objection allows more, withdrawing a permit allows less.
    if objects:
        assert may(consent(Decision.WITHDRAWN, category("jgz"))) is permits
    if permits:
        assert may(permit(category("kraamzorg"))) and may(consent(Decision.WITHDRAWN, category("kraamzorg"))) is objects


def test_an_objection_stands_until_what_takes_its_place_begins(database, write):
    hospital = organisation(HOSPITAL.ura)
    database.write_now(lambda writer: writer.consents.join(HOSPITAL.kind, LONG_AGO))
    for word in (permit(category("RPZAC104")), deny(hospital, until=LATER)):
        assert isinstance(write(record, POLICY, PATIENT, word), ConsentChange)
    write(relate, PATIENT, relation(HOSPITAL, since=NOW), "portal", NOW)
    next_year = NOW + timedelta(days=365)
    for word in (permit(hospital, since=next_year), deny(hospital, since=next_year)):
        assert write(record, POLICY, PATIENT, word) == (
            "the client objects on this subject: what takes the place of that begins at once",
        )
    asking = requester(HOSPITAL, "01.046")
    shown = [sees(asking, facts(database), document(), now=now) for now in (NOW, LATER)]
    assert shown == [[False], [True]], "the objection counts for as long as it was to"
    over = replace(permit(hospital, since=next_year), recorded_at=LATER)
    assert isinstance(write(record, POLICY, PATIENT, over), ConsentChange)


def test_a_birth_date_is_not_in_the_future(write):
    assert write(born, PATIENT, date(2027, 1, 1), "portal", NOW) == ("the birth date is in the future",)
    half_past_midnight = datetime(2026, 6, 30, 22, 30, tzinfo=UTC)
    assert isinstance(write(born, PATIENT, date(2026, 7, 1), "portal", half_past_midnight), ConsentChange)
    assert not isinstance(write(born, PATIENT, date(2026, 7, 2), "portal", half_past_midnight), ConsentChange)


class TestRelations:
    def test_one_that_is_registered_and_ended(self, database, write):
        write(record, POLICY, PATIENT, permit(organisation(HOSPITAL.ura)))
        asking = requester(HOSPITAL, "01.046")
        change = write(relate, PATIENT, relation(HOSPITAL, since=NOW), "portal", NOW)
        assert change.text == "Behandelrelatie van de organisatie met nummer 00000003 vanaf 1 juni 2026."
        assert sees(asking, facts(database), document(), now=LATER) == [True]

        ended = write(end_relation, PATIENT, HOSPITAL.ura, "portal", LATER)

        assert ended.text.endswith("vanaf 1 juni 2026 tot 11 juni 2026.")
        assert sees(asking, facts(database), document(), now=LATER) == [False]
        assert write(end_relation, PATIENT, HOSPITAL.ura, "portal", LATER + timedelta(days=1)) == (
            "the organisation has no treatment relation with the client",
        )

    def test_one_that_is_wrong(self, write):
        assert write(relate, PATIENT, relation(HOSPITAL, since=NOW, until=LONG_AGO), "portal", NOW) == (
            "the relation ends before it begins",
        )
        assert write(relate, PATIENT, relation(replace(HOSPITAL, ura="")), "portal", NOW) == (
            "the organisation has no URA",
        )

    def test_a_publication_shows_one_until_it_is_ended(self, database, write):
        def publish(at, *uras):
            return database.write_now(lambda writer: published(writer.consents, writer.patient(PATIENT), uras, at))

        publish(NOW, HOSPITAL.ura, HOSPITAL.ura, GP.ura)
        publish(NOW + timedelta(hours=1), HOSPITAL.ura)
        first = {each.ura: each for each in facts(database).relations}
        assert {ura: (each.ground, each.since) for ura, each in first.items()} == {
            HOSPITAL.ura: (Ground.PUBLISHED, NOW),
            GP.ura: (Ground.PUBLISHED, NOW),
        }
        publish(LATER, HOSPITAL.ura)
        assert {each.ura: each.since for each in facts(database).relations}[HOSPITAL.ura] == LATER

        write(end_relation, PATIENT, HOSPITAL.ura, "portal", LATER)
        publish(LATER + timedelta(days=2), HOSPITAL.ura)
        assert {each.ura: each.until for each in facts(database).relations}[HOSPITAL.ura] == LATER


def test_a_category_that_joins_makes_notices_due_until_they_are_sent(database, write):
    database.write_now(lambda writer: writer.consents.join("G3", LONG_AGO))
    write(record, POLICY, PATIENT, permit(category("RPZAC103")))
    assert notices_due(POLICY, facts(database), NOW) == []

    database.write_now(lambda writer: [writer.consents.join(kind, NOW) for kind in ("GC", "JGZ", "V6", "??")])

    assert notices_due(POLICY, facts(database), NOW) == ["jgz"]
    assert sees(requester(YOUTH, "01.070"), facts(database), document(HANDOVER)) == [False]
    write(relate, PATIENT, relation(YOUTH), "portal", NOW)
    change = write(notify, POLICY, PATIENT, "jgz", "brief 12", NOW)
    assert change.text == "De cliënt is geïnformeerd over de aangesloten jeugdgezondheidszorg."
    assert notices_due(POLICY, facts(database), NOW) == []
    assert sees(requester(YOUTH, "01.070"), facts(database), document(HANDOVER)) == [True]
    assert write(notify, POLICY, PATIENT, "onbekend", "brief", NOW) == (
        "there is no category of organisations 'onbekend'",
    )


@pytest.mark.parametrize("word", [
    deny(category("jgz")),
    permit(organisation(YOUTH.ura)),
    permit(category("kraamzorg")),
    permit(category("jgz"), until=NOW),
    permit(category("jgz"), recorded_at=NOW),
    consent(Decision.WITHDRAWN, category("jgz")),
])  # fmt: skip
def test_no_notice_is_due_where_none_would_let_the_category_see_more(word):
    joined = {"JGZ": NOW}
    assert notices_due(POLICY, ClientFacts(PATIENT, consents=(word,), joined=joined), NOW) == []
    assert notices_due(POLICY, ClientFacts(PATIENT, consents=(permit(ANYONE),), joined=joined), NOW) == ["jgz"]
