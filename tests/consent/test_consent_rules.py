"""What must hold whatever a client said: an objection never allows more, a permit less never allows more."""

from __future__ import annotations

from consent_samples import (
    HOLDER,
    HOSPITAL,
    MATERNITY,
    PRACTICE,
    YOUTH,
    category,
    client,
    deny,
    document,
    organisation,
    permit,
    requester,
    sees,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from xds.consent.given import person_code
from xds.model.consent import ANYONE, Scope, ScopeKind

ASKING = [
    requester(PRACTICE, "03.000"),
    requester(HOSPITAL, "01.046"),
    requester(YOUTH, "01.019"),
    requester(MATERNITY, "03.000"),
]
DOCUMENTS = [
    document(type_code, level, holders=holders, kind=kind)
    for type_code in (("57055-6", "2.16.840.1.113883.6.1"), ("11525-3", "2.16.840.1.113883.6.1"))
    for level in "NV"
    for holders, kind in (((HOLDER,), "V6"), ((HOLDER, "00000077"), "V6"), ((), None))
]
CODES = ("verloskunde", "RPZAC103", "RPZAC104", "jgz")
CONSUMERS = [
    ANYONE,
    *map(category, CODES),
    organisation(PRACTICE.ura),
    organisation(HOSPITAL.ura),
    Scope(ScopeKind.PERSON, person_code(ASKING[0].user)),
]
HOLDERS = [ANYONE, category("RPZAC104"), organisation(HOLDER), organisation("00000077")]

abouts = st.tuples(st.sampled_from(CONSUMERS), st.sampled_from([None, "GGC002", "GGC012"]), st.sampled_from(HOLDERS))
said = st.lists(st.tuples(st.sampled_from([permit, deny]), abouts), max_size=6)


def seen(facts) -> set[tuple[int, int]]:
    """Which documents each may see."""
    return {
        (who, what)
        for who, asking in enumerate(ASKING)
        for what, permitted in enumerate(sees(asking, facts, *DOCUMENTS))
        if permitted
    }


@settings(max_examples=150)
@given(said=said, about=abouts)
def test_an_objection_more_never_allows_more(said, about):
    before = [make(*each) for make, each in said]

    assert seen(client(*before, deny(*about))) <= seen(client(*before))


@settings(max_examples=150)
@given(said=said, about=abouts)
def test_a_permit_more_never_allows_less(said, about):
    before = [make(*each) for make, each in said]

    assert seen(client(*before)) <= seen(client(*before, permit(*about)))


@settings(max_examples=50)
@given(said=said)
def test_without_a_permit_nothing_is_seen(said):
    assert seen(client(*(deny(*each) for _, each in said))) == set()
