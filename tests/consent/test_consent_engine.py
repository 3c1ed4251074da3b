"""Who may see what: the order of the checks, and breaking the glass."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from consent_samples import (
    DOSSIER,
    GP,
    HANDOVER,
    HOLDER,
    HOSPITAL,
    LONG_AGO,
    MATERNITY,
    MEDICATION,
    NOW,
    POLICY,
    PRACTICE,
    RECENTLY,
    RESULT,
    YOUTH,
    category,
    client,
    decide,
    deny,
    document,
    organisation,
    permit,
    relation,
    requester,
    sees,
)

from xds.consent.engine import Judge, emergency_to_open
from xds.consent.explain import explain
from xds.consent.given import person_code
from xds.model.coded import Coded
from xds.model.consent import ANYONE, Emergency, Ground, Scope, ScopeKind
from xds.model.party import Organisation, Person

MIDWIFE = requester(PRACTICE, "03.000")
GYNAECOLOGIST = requester(HOSPITAL, "01.046")
YOUTH_DOCTOR = requester(YOUTH, "01.070")
EMERGENCY_DOCTOR = requester(HOSPITAL, "01.071", "ETREAT", emergency="bewusteloos binnengebracht")

EVA = client(
    permit(category("RPZAC104")),
    deny(category("RPZAC104"), "GGC013"),
    permit(category("verloskunde")),
    permit(organisation(GP.ura), "GGC012"),
    deny(category("jgz")),
)
NOOR = client(
    deny(ANYONE),
    permit(organisation(PRACTICE.ura)),
    permit(category("jgz"), "GGC002"),
)


@pytest.mark.parametrize(
    ("facts", "asking", "dossier", "result", "medication"),
    [
        (EVA, MIDWIFE, True, True, True),
        (EVA, GYNAECOLOGIST, True, True, False),
        (EVA, requester(GP, "01.015"), False, True, False),
        (EVA, requester(YOUTH, "01.019"), False, False, False),
        (NOOR, MIDWIFE, True, True, True),
        (NOOR, GYNAECOLOGIST, False, False, False),
        (NOOR, requester(GP, "01.015"), False, False, False),
        (NOOR, requester(YOUTH, "01.019"), True, False, False),
    ],
)
def test_two_clients_four_organisations_three_categories(facts, asking, dossier, result, medication):
    documents = document(DOSSIER), document(RESULT), document(MEDICATION)

    assert sees(asking, facts, *documents) == [dossier, result, medication]


def test_each_document_has_its_own_verdict_however_many_different_ones_there_are():
    asking = requester(GP, "01.015")
    for time in range(3):
        documents = [document(RESULT if n % 2 else DOSSIER, class_code=(f"{time}-{n}", "2.999.1")) for n in range(3000)]
        assert sees(asking, EVA, *documents) == [bool(n % 2) for n in range(3000)]


def test_nothing_is_permitted_without_a_word_of_the_client():
    (verdict,) = decide(MIDWIFE, client(), document())

    assert (verdict.permitted, verdict.rule, str(verdict.checks)) == (False, "consent", "TTFF")
    assert verdict.reason == "De cliënt heeft hiervoor geen toestemming gegeven."


def test_a_permit_names_its_consent_and_says_so_in_a_sentence():
    given = permit(category("verloskunde"), "GGC002")
    (verdict,) = decide(MIDWIFE, client(given), document())

    assert (verdict.permitted, verdict.rule, verdict.version) == (True, "consent", str(given.number))
    assert verdict.grounds.consent == str(given.number)
    assert verdict.grounds.authorisation == "2026-01"
    assert str(verdict.checks) == "TTTF"
    assert explain(POLICY, MIDWIFE, "Zwangerschapskaart", verdict) == (
        "Verloskundige van Verloskundigenpraktijk De Ooievaar mag 'Zwangerschapskaart' inzien. De cliënt heeft op "
        "2 mei 2026 toestemming gegeven: behandelgegevens van alle zorgaanbieders die meedoen, te bekijken door "
        f"verloskundigenpraktijken en geboortecentra. (regel consent, versie {given.number}, controles TTTF)"
    )


def test_the_holder_sees_its_own_documents_whatever_was_said():
    asking = requester(Organisation(HOLDER, "Ziekenhuis Oost", "V6"), "00.000")
    facts = client(deny(ANYONE, in_emergency=True), relations=())

    (verdict,) = decide(asking, facts, document(MEDICATION, "V"))

    assert (verdict.permitted, verdict.rule) == (True, "own-record")


def test_each_is_decided_in_order_and_equal_documents_alike():
    verdicts = decide(GYNAECOLOGIST, EVA, document(MEDICATION), document(DOSSIER), document(MEDICATION))

    assert [verdict.permitted for verdict in verdicts] == [False, True, False]


class TestAuthorisation:
    def test_a_role_sees_only_its_classes(self):
        facts = client(permit(category("jgz")))

        dossier, handover = decide(YOUTH_DOCTOR, facts, document(DOSSIER), document(HANDOVER))

        assert (dossier.permitted, dossier.rule, dossier.version) == (False, "authorisation", "2026-01")
        assert "jeugdarts" in dossier.reason and "het zwangerschapsdossier" in dossier.reason
        assert str(dossier.checks) == "FTFF"
        assert handover.permitted

    def test_a_role_of_another_scheme_counts_by_its_scheme(self):
        nurse = Person("1", "2.999", None, Coded("AA.001", "2.16.840.1.113883.2.4.98.111"))
        facts = client(permit(category("kraamzorg")))

        assert sees(requester(MATERNITY, "", user=nurse), facts, document(HANDOVER), document(DOSSIER)) == [True, False]
        stranger = replace(nurse, role=Coded("AA.001", "2.999"))
        assert sees(requester(MATERNITY, "", user=stranger), facts, document(HANDOVER)) == [False]

    @pytest.mark.parametrize(("role", "purpose"), [("00.000", "TREAT"), ("03.000", "HOPERAT"), ("03.000", "")])
    def test_an_unknown_role_or_purpose_is_refused(self, role, purpose):
        (verdict,) = decide(requester(PRACTICE, role, purpose), client(permit(organisation(PRACTICE.ura))), document())

        assert not verdict.permitted and verdict.checks.authorisation is False

    def test_a_document_is_of_the_class_of_its_type_else_its_event_else_its_class(self):
        us, images = ("US", "1.2.840.10008.2.16.4"), ("IMAGES", "1.3.6.1.4.1.19376.1.2.6.1")
        facts = client(permit(organisation(PRACTICE.ura), "GGC012"))
        documents = [
            document(DOSSIER, event_codes=(us,), class_code=images),
            document(("?", "?"), event_codes=(us,)),
            document(("?", "?"), class_code=images),
            document(("?", "?")),
        ]

        assert sees(MIDWIFE, facts, *documents) == [False, True, True, False]


class TestTreatmentRelation:
    @pytest.mark.parametrize(
        ("relations", "permitted"),
        [
            ((), False),
            ((relation(HOSPITAL),), False),
            ((relation(PRACTICE),), True),
            ((relation(PRACTICE, since=NOW + timedelta(seconds=1)),), False),
            ((relation(PRACTICE, until=NOW),), False),
            ((relation(PRACTICE, until=NOW + timedelta(seconds=1)),), True),
            ((relation(PRACTICE, since=LONG_AGO, ground=Ground.PUBLISHED),), False),
            ((relation(PRACTICE, since=RECENTLY, ground=Ground.PUBLISHED),), True),
            ((relation(PRACTICE), relation(PRACTICE, until=RECENTLY)), False),
        ],
    )
    def test_it_is_needed_and_its_end_closes_it(self, relations, permitted):
        (verdict,) = decide(MIDWIFE, client(permit(organisation(PRACTICE.ura)), relations=relations), document())

        assert verdict.permitted is permitted
        assert verdict.rule == ("consent" if permitted else "treatment-relation")


class TestConfidentiality:
    def test_restricted_is_for_who_takes_part_in_the_treatment(self):
        facts = client(permit(category("jgz")), permit(category("verloskunde")))

        assert sees(MIDWIFE, facts, document(HANDOVER, "R")) == [True]
        assert sees(YOUTH_DOCTOR, facts, document(HANDOVER, "N"), document(HANDOVER, "R")) == [True, False]

    @pytest.mark.parametrize("codes", [(("V", "2.16.840.1.113883.5.25"),), (("X", "2.999"),), ()])
    def test_very_restricted_or_unknown_is_for_who_is_named(self, codes):
        named = permit(Scope(ScopeKind.PERSON, person_code(MIDWIFE.user)))
        secret = document(confidentiality_codes=codes)

        assert sees(MIDWIFE, client(permit(organisation(PRACTICE.ura))), secret) == [False]
        assert sees(MIDWIFE, client(named), secret) == [True]

    def test_the_strictest_code_counts(self):
        codes = tuple((code, "2.16.840.1.113883.5.25") for code in "NR")

        assert sees(YOUTH_DOCTOR, client(permit(category("jgz"))), document(HANDOVER, confidentiality_codes=codes)) == [
            False
        ]


class TestEmergency:
    @pytest.mark.parametrize(
        ("facts", "secret", "checks"),
        [
            (client(), document(), "TTFT"),
            (client(deny(ANYONE)), document(), "TTFT"),
            (client(permit(category("RPZAC104")), relations=()), document(), "TFTT"),
            (client(permit(category("RPZAC104"))), document(confidentiality="V"), "TTTT"),
        ],
    )
    def test_it_opens_what_another_check_closed_and_is_marked(self, facts, secret, checks):
        (verdict,) = decide(EMERGENCY_DOCTOR, facts, secret)

        assert (verdict.permitted, verdict.rule, str(verdict.checks)) == (True, "emergency", checks)
        assert "bewusteloos binnengebracht" in verdict.reason

    def test_it_is_not_marked_where_it_was_not_needed(self):
        (verdict,) = decide(EMERGENCY_DOCTOR, client(permit(category("RPZAC104"))), document())

        assert (verdict.permitted, verdict.rule, verdict.checks.emergency) == (True, "consent", False)

    @pytest.mark.parametrize(
        "asking",
        [
            requester(YOUTH, "01.070", "ETREAT", emergency="spoed"),
            requester(HOSPITAL, "81.000", "BTG", emergency="spoed"),
            requester(HOSPITAL, "01.071", "ETREAT"),
            requester(HOSPITAL, "01.071", "BTG", emergency="  "),
            requester(HOSPITAL, "01.071", "TREAT"),
        ],
    )
    def test_it_needs_a_role_and_a_reason(self, asking):
        (verdict,) = decide(asking, client(), document(HANDOVER))

        assert not verdict.permitted and not verdict.checks.emergency

    def test_it_never_opens_what_the_role_may_not_see(self):
        policy = replace(POLICY, roles={key: replace(role, emergency=True) for key, role in POLICY.roles.items()})
        asking = requester(YOUTH, "01.070", "ETREAT", emergency="spoed")

        assert sees(asking, client(), document(DOSSIER), document(HANDOVER), policy=policy) == [False, True]

    def test_an_objection_can_hold_in_an_emergency_too(self):
        (verdict,) = decide(EMERGENCY_DOCTOR, client(deny(ANYONE, in_emergency=True)), document())

        assert (verdict.permitted, verdict.rule) == (False, "emergency")
        assert verdict.reason.startswith("Ook niet in nood: De cliënt heeft op 2 mei 2026 bezwaar gemaakt")

    @pytest.mark.parametrize(
        ("words", "opens"),
        [
            ([deny(ANYONE, in_emergency=True), deny(category("RPZAC104"))], False),
            ([deny(category("RPZAC104")), deny(ANYONE, in_emergency=True)], False),
            ([deny(ANYONE, in_emergency=True), permit(category("RPZAC104")), deny(organisation(HOSPITAL.ura))], True),
        ],
    )
    def test_an_objection_does_not_weaken_another_one(self, words, opens):
        assert sees(EMERGENCY_DOCTOR, client(*words), document()) == [opens]

    def test_it_is_begun_at_each_organisation_of_one_who_works_at_two(self):
        at_practice = replace(EMERGENCY_DOCTOR, organisation=replace(HOSPITAL, ura="00000077"), assertion_id="_2")
        facts = client()
        begun = emergency_to_open(POLICY, EMERGENCY_DOCTOR, facts, decide(EMERGENCY_DOCTOR, facts, document()), NOW)
        facts = replace(facts, emergencies=(begun,))
        there = emergency_to_open(POLICY, at_practice, facts, decide(at_practice, facts, document()), NOW)
        assert there is not None and there.ura == "00000077"
        before = NOW - timedelta(hours=1)
        decided = decide(EMERGENCY_DOCTOR, facts, document(), now=before)
        assert emergency_to_open(POLICY, EMERGENCY_DOCTOR, facts, decided, before) is not None, "a clock was set back"

    def test_it_ends_after_its_time_for_the_assertion_that_began_it(self):
        facts = client()
        begun = emergency_to_open(POLICY, EMERGENCY_DOCTOR, facts, decide(EMERGENCY_DOCTOR, facts, document()), NOW)
        assert begun == Emergency(
            person_code(EMERGENCY_DOCTOR.user), HOSPITAL.ura, "bewusteloos binnengebracht", "_1", NOW
        )
        facts = replace(facts, emergencies=(begun,))
        end = NOW + POLICY.emergency_duration
        last = end - timedelta(seconds=1)
        again = replace(EMERGENCY_DOCTOR, assertion_id="_2")

        assert sees(EMERGENCY_DOCTOR, facts, document(), now=last) == [True]
        assert emergency_to_open(POLICY, again, facts, decide(again, facts, document(), now=last), last) is None
        (over,) = decide(EMERGENCY_DOCTOR, facts, document(), now=end)
        assert (over.permitted, over.rule) == (False, "emergency")
        verdicts = decide(again, facts, document(), now=end)
        assert emergency_to_open(POLICY, again, facts, verdicts, end).assertion_id == "_2"

    def test_nothing_is_opened_when_nothing_was_closed(self):
        facts = client(permit(category("RPZAC104")))
        verdicts = decide(EMERGENCY_DOCTOR, facts, document())

        assert emergency_to_open(POLICY, EMERGENCY_DOCTOR, facts, verdicts, NOW) is None


def test_who_has_no_part_in_it_learns_nothing_and_asks_nobody():
    stranger = requester(replace(PRACTICE, ura="00000099"), "03.000")

    documents = document(), document(), document(RESULT)
    assert Judge(POLICY, stranger, EVA, NOW, documents).questions() == []
    assert len(Judge(POLICY, MIDWIFE, EVA, NOW, documents).questions()) == 2
