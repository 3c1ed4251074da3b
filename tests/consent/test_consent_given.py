"""What a client's consents answer: conflicts, periods, age, new categories, generic and specified."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from consent_samples import (
    GP,
    HANDOVER,
    HOLDER,
    HOSPITAL,
    LONG_AGO,
    NOW,
    POLICY,
    PRACTICE,
    RECENTLY,
    YOUTH,
    category,
    client,
    consent,
    decide,
    deny,
    document,
    organisation,
    permit,
    requester,
    sees,
)

from xds.consent.given import person_code
from xds.consent.policy import Form
from xds.model.consent import ANYONE, Decision, Giver, Scope, ScopeKind
from xds.model.party import Organisation

MIDWIFE = requester(PRACTICE, "03.000")
ME = Scope(ScopeKind.PERSON, person_code(MIDWIFE.user))
GENERIC = replace(POLICY, form=Form.GENERIC)
BOTH = frozenset({Giver.CLIENT, Giver.PARENT})
CHILD, PARENT = frozenset({Giver.CLIENT}), frozenset({Giver.PARENT})


@pytest.mark.parametrize(
    ("consents", "permitted"),
    [
        # An organisation over its category, a category over all, a person over an organisation.
        ((permit(organisation(PRACTICE.ura)), deny(category("verloskunde"))), True),
        ((deny(organisation(PRACTICE.ura)), permit(category("verloskunde"))), False),
        ((deny(ANYONE), permit(category("verloskunde"))), True),
        ((deny(category("verloskunde")), permit(ANYONE)), False),
        ((permit(ME), deny(organisation(PRACTICE.ura))), True),
        ((deny(ME), permit(organisation(PRACTICE.ura))), False),
        # Of two categories, the one with fewer kinds of organisations.
        ((permit(category("verloskunde")), deny(category("RPZAC103"))), True),
        ((deny(category("verloskunde")), permit(category("RPZAC103"))), False),
        # One category of data over all, one holder over all.
        ((permit(category("verloskunde")), deny(category("verloskunde"), "GGC002")), False),
        ((deny(category("verloskunde")), permit(category("verloskunde"), "GGC002")), True),
        ((permit(category("verloskunde")), deny(category("verloskunde"), None, organisation(HOLDER))), False),
        ((deny(category("verloskunde")), permit(category("verloskunde"), None, organisation(HOLDER))), True),
        ((deny(category("verloskunde"), None, category("RPZAC104")),
          permit(category("verloskunde"), None, organisation(HOLDER))), True),
        # Neither is more specific: a tie, so the objection.
        ((permit(organisation(PRACTICE.ura)), deny(ANYONE, "GGC002")), False),
        ((deny(organisation(PRACTICE.ura)), permit(category("verloskunde"), "GGC002", organisation(HOLDER))), False),
        ((permit(category("verloskunde"), None, organisation(HOLDER)), deny(category("verloskunde"), "GGC002")), False),
        # What settles a tie is a word that is more specific than both.
        ((permit(organisation(PRACTICE.ura)), deny(ANYONE, "GGC002"),
          permit(organisation(PRACTICE.ura), "GGC002")), True),
        # About others: nothing.
        ((permit(organisation(GP.ura)),), False),
        ((permit(category("jgz")),), False),
        ((permit(organisation(PRACTICE.ura), "GGC013"),), False),
        ((permit(organisation(PRACTICE.ura), None, organisation("00000077")),), False),
        ((permit(organisation(PRACTICE.ura), None, category("kraamzorg")),), False),
        ((permit(organisation(PRACTICE.ura)), deny(organisation(PRACTICE.ura), "GGC013")), True),
    ],
)  # fmt: skip
def test_the_specific_goes_over_the_general_and_an_objection_over_a_tie(consents, permitted):
    for order in (consents, consents[::-1]):
        assert sees(MIDWIFE, client(*order), document()) == [permitted]


@pytest.mark.parametrize("word", [
    consent(Decision.WITHDRAWN, organisation(PRACTICE.ura)),
    permit(organisation(PRACTICE.ura), since=NOW + timedelta(seconds=1)),
    permit(organisation(PRACTICE.ura), until=NOW),
])  # fmt: skip
def test_a_word_that_is_withdrawn_or_outside_its_period_does_not_count(word):
    (refused,) = decide(MIDWIFE, client(word), document())
    assert (refused.permitted, refused.version) == (False, str(word.number))
    assert sees(MIDWIFE, client(word, permit(category("verloskunde"))), document()) == [True]
    assert sees(MIDWIFE, client(replace(word, decision=Decision.DENY, until=NOW)), document()) == [False]


def test_a_document_of_several_holders_needs_a_permit_for_each():
    shared = document(holders=(HOLDER, "00000077"))
    one = permit(organisation(PRACTICE.ura), None, organisation(HOLDER))
    other = permit(organisation(PRACTICE.ura), None, organisation("00000077"))

    assert sees(MIDWIFE, client(one), shared) == [False]
    assert sees(MIDWIFE, client(one, other), shared) == [True]
    assert sees(
        MIDWIFE, client(permit(organisation(PRACTICE.ura)), replace(other, decision=Decision.DENY)), shared
    ) == [False]


def test_of_a_document_whose_holder_is_not_known_an_objection_about_a_holder_counts():
    all_permitted = permit(organisation(PRACTICE.ura))
    unknown = document(holders=())

    assert sees(MIDWIFE, client(all_permitted), unknown) == [True]
    assert sees(MIDWIFE, client(permit(organisation(PRACTICE.ura), None, organisation(HOLDER))), unknown) == [False]
    for objection in (organisation(HOLDER), category("RPZAC104")):
        facts = client(all_permitted, deny(organisation(PRACTICE.ura), None, objection))
        assert sees(MIDWIFE, facts, document(holders=(), kind=None)) == [False]


@pytest.mark.parametrize(
    ("birth_date", "givers", "permitted"),
    [
        (date(2014, 6, 2), PARENT, True),  # the day before the 12th birthday
        (date(2014, 6, 2), CHILD, False),
        (date(2014, 6, 1), PARENT, False),  # 12 today
        (date(2014, 6, 1), CHILD, False),
        (date(2014, 6, 1), BOTH, True),
        (date(2010, 6, 2), BOTH, True),
        (date(2010, 6, 1), PARENT, False),  # 16 today
        (date(2010, 6, 1), CHILD, True),
        (date(2010, 6, 1), BOTH, True),
        (None, CHILD, True),
        (None, PARENT, False),
    ],
)
def test_a_permit_counts_while_its_givers_may_give_it(birth_date, givers, permitted):
    facts = client(permit(organisation(YOUTH.ura), given_by=givers), birth_date=birth_date)
    asking = requester(YOUTH, "01.070")

    assert sees(asking, facts, document(HANDOVER)) == [permitted]
    objection = deny(organisation(YOUTH.ura), "GGC002", given_by=PARENT)
    assert sees(asking, replace(facts, consents=(*facts.consents, objection)), document(HANDOVER)) == [False]


class TestNewCategory:
    ASKING = requester(YOUTH, "01.070")
    JOINED = NOW - timedelta(days=2)

    @pytest.mark.parametrize("form", [POLICY, GENERIC])
    def test_it_has_no_access_until_the_client_was_informed(self, form):
        word = permit(ANYONE) if form is GENERIC else permit(category("RPZAC103"))
        facts = client(word, joined={"G3": LONG_AGO, "JGZ": self.JOINED})
        (refused,) = decide(self.ASKING, facts, document(HANDOVER), policy=form)

        assert not refused.permitted and "nog niet geïnformeerd" in refused.reason
        assert sees(MIDWIFE, facts, document(), policy=form) == [True]
        told = replace(facts, informed={"jgz": NOW - timedelta(days=1)})
        assert sees(self.ASKING, told, document(HANDOVER), policy=form) == [True]
        assert sees(self.ASKING, replace(facts, informed={"jgz": LONG_AGO}), document(HANDOVER), policy=form) == [False]

    def test_a_consent_that_was_given_since_counts_and_so_does_one_for_the_organisation(self):
        joined = {"JGZ": self.JOINED}
        later = permit(category("jgz"), recorded_at=NOW - timedelta(days=1))

        assert sees(self.ASKING, client(later, joined=joined), document(HANDOVER)) == [True]
        assert sees(self.ASKING, client(permit(organisation(YOUTH.ura)), joined=joined), document(HANDOVER)) == [True]

    def test_one_more_of_a_category_that_takes_part_is_not_new(self):
        practice = requester(Organisation("00000002", "Geboortecentrum", "GC"), "03.000")
        facts = client(permit(category("verloskunde")), joined={"G3": LONG_AGO, "GC": self.JOINED})

        assert sees(practice, facts, document()) == [True]

    def test_one_of_which_no_organisation_joined_has_none(self):
        assert sees(self.ASKING, client(permit(category("jgz")), joined={}), document(HANDOVER)) == [False]

    @pytest.mark.parametrize(("joined", "permitted"), [({}, False), ({"X1": LONG_AGO}, True), ({"X1": NOW}, False)])
    def test_a_kind_of_no_category_is_one_of_its_own(self, joined, permitted):
        asking = requester(Organisation("00000002", "Anders", "X1"), "03.000")

        assert sees(asking, client(permit(ANYONE), joined=joined), document(), policy=GENERIC) == [permitted]

    def test_an_objection_is_not_undone_by_it(self):
        facts = client(deny(ANYONE), permit(category("jgz")), joined={"JGZ": self.JOINED})

        assert sees(self.ASKING, facts, document(HANDOVER)) == [False]


def test_a_generic_permit_counts_in_a_deployment_that_allows_it():
    facts = client(permit(ANYONE))

    assert sees(MIDWIFE, facts, document()) == [False]
    assert sees(MIDWIFE, facts, document(), policy=GENERIC) == [True]
    assert sees(MIDWIFE, client(permit(ANYONE), deny(ANYONE, "GGC002")), document(), policy=GENERIC) == [False]


def test_of_several_permits_the_newest_is_named():
    older, newer = permit(category("RPZAC104")), permit(category("RPZAC104"), "GGC002", recorded_at=RECENTLY)
    (verdict,) = decide(requester(HOSPITAL, "01.046"), client(older, newer), document())

    assert verdict.version == str(newer.number)
