"""What a client chose about who may see what, and how that changed, in words. Source: NEN 7517; Wabvpz 15a-15c."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from xds.consent.given import CHANNELS, scope_words, subject_words
from xds.consent.givers import age_at, may_permit
from xds.consent.policy import Form, Policy
from xds.model.consent import ClientFacts, Consent, Decision, Giver, ScopeKind, Subject
from xds.model.dutch_time import dutch_day
from xds.model.party import Participant
from xds.pages.listing import Column

_DECISIONS = {Decision.PERMIT: "toestemming", Decision.DENY: "bezwaar", Decision.WITHDRAWN: "ingetrokken"}
_GIVERS = {Giver.CLIENT: "de cliënt", Giver.PARENT: "een ouder met gezag"}
_COUNTS = "geldt nu"


class Choice(NamedTuple):
    """A word of a client. `state` says whether it counts now, or why not."""

    number: int
    recorded_at: datetime
    decision: str
    about: str
    what: str
    holder: str
    consumer: str
    since: datetime
    until: datetime | None
    given_by: str
    channel: str
    recorded_by: str
    in_emergency: bool
    state: str

    @property
    def counts(self) -> bool:
        return self.state == _COUNTS

    @property
    def mark(self) -> str:
        if not self.counts:
            return "plain"
        return "good" if self.decision == _DECISIONS[Decision.PERMIT] else "notice"


COLUMNS = (
    Column("recorded_at", "Vastgelegd", lambda row: row.recorded_at),
    Column("decision", "Keuze", lambda row: row.decision, mark=lambda row: row.mark),
    Column("about", "Waarover", lambda row: row.about),
    Column("state", "Nu", lambda row: row.state),
    Column("given_by", "Door", lambda row: row.given_by),
)
"""Those that are on screen."""

DETAILS = (
    Column("channel", "Hoe", lambda row: row.channel),
    Column("since", "Vanaf", lambda row: row.since),
    Column("until", "Tot", lambda row: row.until),
    Column("in_emergency", "Ook in nood", lambda row: row.in_emergency),
)
"""Those that only the files have."""

ALL_COLUMNS = (*COLUMNS, *DETAILS)


def choices(
    policy: Policy, versions: Sequence[Consent], facts: ClientFacts, participants: Iterable[Participant], now: datetime
) -> list[Choice]:
    """Every word that a client ever gave, newest first."""
    names = {each.organisation.ura: each.organisation.name for each in participants}
    later: dict[Subject, Consent] = {}
    found = []
    for word in sorted(versions, key=lambda each: each.number, reverse=True):
        state = _state(policy, word, later.get(word.subject), facts, now)
        later[word.subject] = word
        found.append(_choice(policy, word, names, state))
    return found


def _choice(policy: Policy, word: Consent, names: Mapping[str, str], state: str) -> Choice:
    holder, category, consumer = word.subject
    return Choice(
        word.number,
        word.recorded_at,
        _DECISIONS[word.decision],
        subject_words(policy, word, names),
        "alle gegevens" if category is None else policy.data_categories.get(category, category),
        scope_words(policy, holder, names),
        scope_words(policy, consumer, names),
        word.since,
        word.until,
        " en ".join(_GIVERS[giver] for giver in Giver if giver in word.given_by),
        CHANNELS[word.channel],
        _recorder(word.recorded_by, names),
        word.in_emergency,
        state,
    )


def _recorder(said: str, names: Mapping[str, str]) -> str:
    """Who recorded it, with the organisation by name where a portal put its URA before it."""
    ura, _, person = said.partition(":")
    return f"{person}, {names[ura]}" if person and ura in names else said


def _state(policy: Policy, word: Consent, later: Consent | None, facts: ClientFacts, now: datetime) -> str:
    if later is not None:
        how = "ingetrokken" if later.decision is Decision.WITHDRAWN else "vervangen"
        return f"{how} op {dutch_day(later.recorded_at)}"
    if word.decision is Decision.WITHDRAWN:
        return "er is geen keuze meer"
    if now < word.since:
        return f"gaat in op {dutch_day(word.since)}"
    if word.until is not None and now >= word.until:
        return f"gold tot {dutch_day(word.until)}"
    if word.decision is Decision.PERMIT and not may_permit(word.given_by, age_at(now, facts.birth_date)):
        return "telt niet meer, door de leeftijd van het kind"
    general = word.subject.consumer.kind is ScopeKind.ANY
    if word.decision is Decision.PERMIT and general and policy.form is Form.SPECIFIED:
        return "telt niet, want er staat niet bij wie het mag zien"
    return _COUNTS
