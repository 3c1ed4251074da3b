"""What the client's own consents answer.

Source: NEN 7517: specific over general, an organisation over a category, a tie is an objection; Wabvpz 15a and 15c.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from xds.consent.givers import age_at, may_permit
from xds.consent.policy import Form, Policy
from xds.model.consent import (
    Answer,
    Channel,
    ClientFacts,
    Consent,
    Decision,
    Question,
    Scope,
    ScopeKind,
)
from xds.model.dutch_time import dutch_day
from xds.model.party import Person, Requester

Rank = tuple[int, int]
"""How specific a scope is: by its kind, then a category by how few kinds of organisations it has."""

CHANNELS: Mapping[Channel, str] = {
    Channel.PORTAL: "via een portaal",
    Channel.PAPER: "op papier",
    Channel.SPOKEN: "in een gesprek",
    Channel.MERGE: "bij het samenvoegen van twee nummers",
}
"""How a client's word came, in Dutch."""

_NO_NAMES: Mapping[str, str] = {}
_NO_WORD = "De cliënt heeft hiervoor geen toestemming gegeven."


class _Word(NamedTuple):
    """A consent that speaks of the requester. `fallen` is why it doesn't count, None when it does."""

    consent: Consent
    consumer: Rank
    fallen: str | None


def person_code(person: Person) -> str:
    """A person as a scope names one: number@authority."""
    return f"{person.number}@{person.authority}"


def answer_all(
    policy: Policy, requester: Requester, facts: ClientFacts, questions: Iterable[Question], now: datetime
) -> Mapping[Question, Answer]:
    """Answer each question from the client's consents."""
    words = list(_words(policy, requester, facts, now))
    return {question: _answer(policy, words, question) for question in questions}


def _words(policy: Policy, requester: Requester, facts: ClientFacts, now: datetime) -> Iterable[_Word]:
    user, organisation = person_code(requester.user), requester.organisation
    age = age_at(now, facts.birth_date)
    for consent in facts.consents:
        consumer = consent.subject.consumer
        if consumer.kind is ScopeKind.PERSON:
            rank = (3, 0) if consumer.code == user else None
        else:
            rank = _rank(policy, consumer, organisation.ura, organisation.kind)
        if rank is not None:
            yield _Word(consent, rank, _fallen(policy, requester, facts, consent, now, age))


def _rank(policy: Policy, scope: Scope, ura: str | None, kind: str | None) -> Rank | None:
    """How specifically a scope names an organisation; None when it doesn't."""
    match scope.kind:
        case ScopeKind.ANY:
            return (0, 0)
        case ScopeKind.CATEGORY if scope.code in policy.categories_of(kind):
            return (1, -len(policy.organisation_categories[scope.code].kinds))
        case ScopeKind.ORGANISATION if scope.code == ura:
            return (2, 0)
    return None


def _fallen(
    policy: Policy, requester: Requester, facts: ClientFacts, consent: Consent, now: datetime, age: int
) -> str | None:
    """Why a consent doesn't count now, as a Dutch sentence; None when it does."""
    if consent.decision is Decision.WITHDRAWN:
        return f"De cliënt heeft een eerdere keuze op {dutch_day(consent.recorded_at)} ingetrokken."
    if now < consent.since:
        return f"De toestemming van de cliënt gaat pas in op {dutch_day(consent.since)}."
    if consent.until is not None and now >= consent.until:
        return f"De toestemming van de cliënt gold tot {dutch_day(consent.until)}."
    if consent.decision is Decision.DENY:
        return None
    if not may_permit(consent.given_by, age):
        return "Wie de toestemming gaf, kan dat bij de leeftijd van de cliënt niet (meer) alleen."
    consumer = consent.subject.consumer
    if policy.form is Form.SPECIFIED and consumer.kind is ScopeKind.ANY:
        return "De toestemming van de cliënt is algemeen; hier is een gespecificeerde toestemming nodig."
    if consumer.kind in (ScopeKind.ANY, ScopeKind.CATEGORY) and not _informed(policy, requester, facts, consent):
        return "De cliënt is nog niet geïnformeerd dat deze categorie zorgaanbieders is aangesloten."
    return None


def _informed(policy: Policy, requester: Requester, facts: ClientFacts, consent: Consent) -> bool:
    """Whether the client knew, when giving a consent or since, that organisations such as this one take part.

    Source: Wabvpz 15c: the client is informed of a new category of organisations.
    """
    kind = requester.organisation.kind
    category = next(iter(policy.categories_of(kind)), None)
    joined = facts.joined.get(kind) if category is None else joined_at(policy, facts.joined, category)
    if joined is None:
        return False
    told = None if category is None else facts.informed.get(category)
    return joined <= consent.recorded_at or (told is not None and told >= joined)


def joined_at(policy: Policy, joined: Mapping[str, datetime], category: str) -> datetime | None:
    """When the first organisation of a category joined; None when none did."""
    return min(
        (joined[kind] for kind in policy.organisation_categories[category].kinds if kind in joined), default=None
    )


def _answer(policy: Policy, words: Iterable[_Word], question: Question) -> Answer:
    """Let what is less specific give way; then an objection wins."""
    counting: list[tuple[tuple[Rank, int, Rank], Consent]] = []
    fallen: list[tuple[int, str]] = []
    for consent, consumer, why in words:
        holder, category, _ = consent.subject
        if category is not None and category != question.category:
            continue
        rank = _rank(policy, holder, question.holder, question.kind)
        if rank is None and consent.decision is Decision.DENY:
            rank = _possible(holder, question)
        if rank is None:
            continue
        if why is not None:
            fallen.append((consent.number, why))
        else:
            counting.append(((rank, category is not None, consumer), consent))
    decisive = [(rank, consent) for rank, consent in counting if not any(_over(other, rank) for other, _ in counting)]
    if not decisive:
        number, why = max(fallen, default=(None, _NO_WORD))
        return Answer(False, "" if number is None else str(number), why)
    objections = [consent for _, consent in decisive if consent.decision is Decision.DENY]
    if objections:
        newest = max(objections, key=lambda consent: consent.number)
        overridable = not _stands_in_emergency(counting)
        return Answer(False, str(newest.number), _sentence(policy, newest), overridable)
    permit = max((consent for _, consent in decisive), key=lambda consent: consent.number)
    named = any(consent.subject.consumer.kind is ScopeKind.PERSON for _, consent in decisive)
    return Answer(True, str(permit.number), _sentence(policy, permit), named=named)


def _stands_in_emergency(counting: Iterable[tuple[tuple[Rank, int, Rank], Consent]]) -> bool:
    """Whether an objection that holds in an emergency too gave way to no permit; to other objections it never does."""
    permits = [rank for rank, consent in counting if consent.decision is Decision.PERMIT]
    return any(consent.in_emergency and not any(_over(each, rank) for each in permits) for rank, consent in counting)


def _possible(scope: Scope, question: Question) -> Rank | None:
    """The rank of an objection about a holder that may be this one, as too little is known of the document."""
    if scope.kind is ScopeKind.ORGANISATION and question.holder is None:
        return (2, 0)
    if scope.kind is ScopeKind.CATEGORY and question.kind is None:
        return (1, 0)
    return None


def _over(one: tuple[Rank, int, Rank], other: tuple[Rank, int, Rank]) -> bool:
    """Whether one is at least as specific everywhere, and more so somewhere."""
    return one[0] >= other[0] and one[1] >= other[1] and one[2] >= other[2] and one != other


def _sentence(policy: Policy, consent: Consent) -> str:
    since = dutch_day(consent.recorded_at)
    verb = "toestemming gegeven" if consent.decision is Decision.PERMIT else "bezwaar gemaakt"
    return f"De cliënt heeft op {since} {verb}: {subject_words(policy, consent)}."


def subject_words(policy: Policy, consent: Consent, names: Mapping[str, str] = _NO_NAMES) -> str:
    """What a consent is about, in Dutch. `names` are those of organisations, by URA."""
    holder, category, consumer = consent.subject
    what = "alle gegevens" if category is None else policy.data_categories.get(category, category)
    return f"{what} van {scope_words(policy, holder, names)}, te bekijken door {scope_words(policy, consumer, names)}"


def scope_words(policy: Policy, scope: Scope, names: Mapping[str, str] = _NO_NAMES) -> str:
    """A scope in Dutch."""
    match scope.kind:
        case ScopeKind.CATEGORY:
            category = policy.organisation_categories.get(scope.code)
            return scope.code if category is None else category.display
        case ScopeKind.ORGANISATION:
            return names.get(scope.code) or f"de organisatie met nummer {scope.code}"
        case ScopeKind.PERSON:
            return f"de zorgverlener met nummer {scope.code.partition('@')[0]}"
    return "alle zorgaanbieders die meedoen"
