"""What may be written in the consent register.

Each function is for within a write transaction. It answers with the change, for the log to record in the same
transaction, or with everything that is wrong, in which case nothing was written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from xds.consent.given import CHANNELS, subject_words
from xds.consent.givers import age_at, may_object, may_permit
from xds.consent.policy import Form, Policy
from xds.model.consent import (
    ChangeKind,
    Channel,
    ClientFacts,
    Consent,
    ConsentChange,
    Decision,
    Giver,
    Ground,
    Scope,
    ScopeKind,
    TreatmentRelation,
)
from xds.model.dutch_time import dutch_day, dutch_time
from xds.ports import ConsentWriter, Writer

Outcome = ConsentChange | tuple[str, ...]
"""The change, or what is wrong, in sentences that hold no patient number."""

_UNKNOWN = ("the patient is not known",)
_AGAIN_AFTER = timedelta(days=1)
_VERBS = {
    Decision.PERMIT: "Toestemming vastgelegd",
    Decision.DENY: "Bezwaar vastgelegd",
    Decision.WITHDRAWN: "Eerdere keuze ingetrokken",
}


def record(writer: Writer, policy: Policy, patient_id: str, word: Consent) -> Outcome:
    """Record a client's word: a permit, an objection, or that an earlier one is withdrawn. It holds from now on."""
    found = _client(writer, patient_id)
    if found is None:
        return _UNKNOWN
    patient, facts = found
    wrong = tuple(_mistakes(policy, facts, word))
    if wrong:
        return wrong
    number = writer.consents.add_consent(patient, word)
    said = subject_words(policy, word, _names(writer))
    text = f"{_VERBS[word.decision]} ({CHANNELS[word.channel]}): {said}."
    return ConsentChange(ChangeKind.CONSENT, patient_id, number, word.recorded_by, word.recorded_at, text)


def relate(
    writer: Writer, patient_id: str, relation: TreatmentRelation, recorded_by: str, recorded_at: datetime
) -> Outcome:
    """Register that an organisation treats a client, or until when it did."""
    found = _client(writer, patient_id)
    if found is None:
        return _UNKNOWN
    if not relation.ura.strip():
        return ("the organisation has no URA",)
    if relation.until is not None and relation.until < relation.since:
        return ("the relation ends before it begins",)
    number = writer.consents.add_relation(found[0], relation, recorded_by, recorded_at)
    until = "" if relation.until is None else f" tot {dutch_day(relation.until)}"
    organisation = _names(writer).get(relation.ura) or f"de organisatie met nummer {relation.ura}"
    text = f"Behandelrelatie van {organisation} vanaf {dutch_day(relation.since)}{until}."
    return ConsentChange(ChangeKind.RELATION, patient_id, number, recorded_by, recorded_at, text)


def end_relation(writer: Writer, patient_id: str, ura: str, recorded_by: str, at: datetime) -> Outcome:
    """Close the treatment relation of an organisation: the episode has ended."""
    found = _client(writer, patient_id)
    if found is None:
        return _UNKNOWN
    newest = [each for each in found[1].relations if each.ura == ura]
    if not newest or (newest[0].until is not None and newest[0].until <= at):
        return ("the organisation has no treatment relation with the client",)
    ended = replace(newest[0], until=max(at, newest[0].since), ground=Ground.REGISTERED)
    return relate(writer, patient_id, ended, recorded_by, at)


def published(register: ConsentWriter, patient: int, uras: Iterable[str], at: datetime) -> None:
    """Note that organisations published documents for a client, which shows that they treat the client.

    What was registered stays as it is, ended or not. A publication of today is not noted twice.
    """
    newest = {relation.ura: relation for relation in register.relations(patient)}
    for ura in dict.fromkeys(uras):
        known = newest.get(ura)
        if known is None or (known.ground is Ground.PUBLISHED and at >= known.since + _AGAIN_AFTER):
            register.add_relation(patient, TreatmentRelation(0, ura, at, None, Ground.PUBLISHED), "publicatie", at)


def notify(writer: Writer, policy: Policy, patient_id: str, category: str, recorded_by: str, at: datetime) -> Outcome:
    """Record that a client was told of a category of organisations that joined."""
    found = _client(writer, patient_id)
    if found is None:
        return _UNKNOWN
    if category not in policy.organisation_categories:
        return (f"there is no category of organisations {category!r}",)
    number = writer.consents.add_notice(found[0], category, recorded_by, at)
    text = f"De cliënt is geïnformeerd over de aangesloten {policy.organisation_categories[category].display}."
    return ConsentChange(ChangeKind.NOTICE, patient_id, number, recorded_by, at, text)


def born(writer: Writer, patient_id: str, birth_date: date, recorded_by: str, at: datetime) -> Outcome:
    """Record a client's birth date, which says who may speak for the client."""
    found = _client(writer, patient_id)
    if found is None:
        return _UNKNOWN
    if birth_date > dutch_time(at).date():
        return ("the birth date is in the future",)
    writer.consents.set_birth_date(found[0], birth_date)
    text = "Geboortedatum van de cliënt vastgelegd."
    return ConsentChange(ChangeKind.BIRTH_DATE, patient_id, None, recorded_by, at, text)


def _names(writer: Writer) -> dict[str, str]:
    """What participants are called, by URA."""
    return {each.organisation.ura: each.organisation.name for each in writer.participants()}


def _client(writer: Writer, patient_id: str) -> tuple[int, ClientFacts] | None:
    patient = writer.patient(patient_id)
    return None if patient is None else (patient, writer.consents.facts([patient])[patient])


def _mistakes(policy: Policy, facts: ClientFacts, word: Consent) -> Iterable[str]:
    holder, category, consumer = word.subject
    yield from _scope_mistakes(policy, "holder", holder)
    yield from _scope_mistakes(policy, "consumer", consumer)
    if holder.kind is ScopeKind.PERSON:
        yield "the holder is an organisation, not a person"
    if category is not None and category not in policy.data_categories:
        known = ", ".join(policy.data_categories)
        yield f"there is no category of data {category!r}; expected one of {known}"
    if word.until is not None and word.until <= word.since:
        yield "the period ends before it begins"
    before = _newest_on(facts, word)
    objects = before is not None and before.decision is Decision.DENY
    over = before is not None and before.until is not None and before.until <= word.recorded_at
    if objects and not over and word.since > word.recorded_at:
        yield "the client objects on this subject: what takes the place of that begins at once"
    if word.in_emergency and word.decision is not Decision.DENY:
        yield "only an objection can hold in an emergency too"
    if word.decision is Decision.PERMIT and policy.form is Form.SPECIFIED and consumer.kind is ScopeKind.ANY:
        yield "here a permit is specified: it names a category of organisations, an organisation or a person"
    if word.channel is Channel.MERGE:
        yield "the channel merge is for what follows from a merge"
    yield from _giver_mistakes(facts, word)


def _scope_mistakes(policy: Policy, side: str, scope: Scope) -> Iterable[str]:
    if scope.kind is ScopeKind.CATEGORY and scope.code not in policy.organisation_categories:
        known = ", ".join(policy.organisation_categories)
        yield f"{side}: there is no category of organisations {scope.code!r}; expected one of {known}"
    if scope.kind in (ScopeKind.ORGANISATION, ScopeKind.PERSON) and not scope.code.strip():
        yield f"{side}: the {scope.kind} has no number"
    if scope.kind is ScopeKind.PERSON and not all(scope.code.partition("@")):
        yield f"{side}: a person is number@authority"


def _newest_on(facts: ClientFacts, word: Consent) -> Consent | None:
    """The client's last word on the same subject."""
    return next((each for each in facts.consents if each.subject == word.subject), None)


def _giver_mistakes(facts: ClientFacts, word: Consent) -> Iterable[str]:
    """Source: WGBO, 7:450 BW: what allows more needs all who decide, what allows less needs one of them."""
    before = _newest_on(facts, word)
    if word.decision is Decision.WITHDRAWN and (before is None or before.decision is Decision.WITHDRAWN):
        yield "there is nothing to withdraw on this subject"
    if Giver.PARENT in word.given_by and facts.birth_date is None:
        yield "the client's birth date is not known, so parents can't speak for the client"
    age = age_at(word.recorded_at, facts.birth_date)
    objects = before is not None and before.decision is Decision.DENY
    allows_more = word.decision is Decision.PERMIT or (word.decision is Decision.WITHDRAWN and objects)
    if not (may_permit if allows_more else may_object)(word.given_by, age):
        yield f"at the age of the client, {' and '.join(sorted(word.given_by)) or 'nobody'} may not decide this"
