"""`xds consent`: what clients allow, who treats them, and who must be told."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xds.cli.audit_log import opened
from xds.cli.consent_explain import explain
from xds.cli.consent_register import (
    DAY,
    SCOPE,
    by_option,
    changed,
    note_look,
    patient_option,
    policy_of,
    subject_options,
    word_options,
)
from xds.cli.options import config_option, json_option
from xds.model.consent import Channel, Consent, Decision, Giver, Ground, Subject, TreatmentRelation
from xds.model.visible import in_json, in_line

if TYPE_CHECKING:
    from xds.db.reader import Reader

_PAGE = 500


@click.group(epilog=SCOPE)
def command() -> None:
    """Record what clients allow, and say who may see what, and why.

    What there is to speak of (roles, classes of documents, categories) is in the policy, consent.policy.
    """


command.add_command(explain)


@command.command(epilog=SCOPE)
@config_option
@patient_option
@click.option("--permit", "decision", flag_value=Decision.PERMIT.value, help="The client permits it.")
@click.option("--deny", "decision", flag_value=Decision.DENY.value, help="The client objects to it.")
@subject_options
@click.option("--from", "since", type=DAY, metavar="DATE", help="First day that it counts; by default at once.")
@click.option("--until", type=DAY, metavar="DATE", help="First day that it no longer counts; by default none.")
@click.option("--in-emergency", is_flag=True, help="The objection holds in an emergency too.")
@click.option("--birth-date", type=DAY, metavar="DATE", help="The client's, when parents speak and it isn't known.")
@word_options
def record(
    config: Path | None,
    patient: str,
    decision: str | None,
    subject: Subject,
    since: datetime | None,
    until: datetime | None,
    in_emergency: bool,
    birth_date: datetime | None,
    given_by: tuple[str, ...],
    channel: str,
    recorded_by: str,
) -> None:
    """Record that a client permits something, or objects to it.

    It takes the place of what the client said on the same subject before, and holds from the next request on. Exit
    status 1 when the client, or who speaks for the client, can't say this.
    """
    from xds.consent.change import born
    from xds.consent.change import record as record_word
    from xds.model.dutch_time import dutch_midnight

    if decision is None:
        raise click.UsageError("expected --permit or --deny")
    now = datetime.now(UTC)
    word = Consent(
        number=0,
        subject=subject,
        decision=Decision(decision),
        since=now if since is None else dutch_midnight(since.date()),
        until=None if until is None else dutch_midnight(until.date()),
        given_by=frozenset(map(Giver, given_by)),
        channel=Channel(channel),
        recorded_by=recorded_by,
        recorded_at=now,
        in_emergency=in_emergency,
    )
    policy = policy_of(config)
    if birth_date is not None:
        day: date = birth_date.date()
        changed(config, patient, lambda writer: born(writer, patient, day, recorded_by, now))
    changed(config, patient, lambda writer: record_word(writer, policy, patient, word))


@command.command(epilog=SCOPE)
@config_option
@patient_option
@subject_options
@word_options
def withdraw(
    config: Path | None, patient: str, subject: Subject, given_by: tuple[str, ...], channel: str, recorded_by: str
) -> None:
    """Withdraw what a client said on a subject; it works on the next request.

    Exit status 1 when there is nothing to withdraw, or the client, or who speaks for the client, can't.
    """
    from xds.consent.change import record as record_word

    now = datetime.now(UTC)
    givers = frozenset(map(Giver, given_by))
    word = Consent(0, subject, Decision.WITHDRAWN, now, None, givers, Channel(channel), recorded_by, now)
    policy = policy_of(config)
    changed(config, patient, lambda writer: record_word(writer, policy, patient, word))


@command.command(name="list")
@config_option
@json_option
@patient_option
def list_words(config: Path | None, as_json: bool, patient: str) -> None:
    """List everything that a client ever said, oldest first, with what counts of it."""
    from xds.consent.explain import described

    policy = policy_of(config)

    def ask(reader: Reader) -> list[Consent] | None:
        key = reader.patient(patient)
        return None if key is None else reader.consents.versions(key)

    with opened(config) as log:
        words = log.database.read_now(ask)
        note_look(log, "list", (patient, ()))
    if words is None:
        raise _unknown()
    newest = {word.subject: word.number for word in words}
    rows = [described(policy, word, newest[word.subject] == word.number) for word in words]
    if as_json:
        click.echo(in_json(json.dumps(rows, indent=2, ensure_ascii=False)))
        return
    for row in rows:
        state = "" if row["newest"] else "  (vervangen)"
        click.echo(in_line(f"{row['number']}  {row['recorded_at']}  {row['decision']}: {row['text']}{state}"))


@command.command
@config_option
@json_option
def notices(config: Path | None, as_json: bool) -> None:
    """List the clients who must be told that a category of organisations joined.

    Until then such organisations see nothing by the consents that were given before.
    """
    from xds.consent.notices import notices_due

    policy, now, due = policy_of(config), datetime.now(UTC), []
    with opened(config) as log:
        last, read_now = 0, log.database.read_now
        while keys := read_now(lambda reader, after=last: reader.consents.clients_after(after, _PAGE)):
            last = keys[-1]
            facts = read_now(lambda reader, page=keys: reader.consents.facts(page))
            due += [(each.patient_id, code) for each in facts.values() for code in notices_due(policy, each, now)]
        note_look(log, "notices", *((patient, ()) for patient in dict.fromkeys(patient for patient, _ in due)))
    if as_json:
        rows = [{"patient": patient, "category": code} for patient, code in due]
        click.echo(json.dumps(rows, indent=2))
        return
    for patient, code in due:
        click.echo(f"{patient}  {code}  {policy.organisation_categories[code].display}")


@command.command
@config_option
@patient_option
@click.option("--category", required=True, metavar="CODE", help="The category of organisations that joined.")
@by_option
def informed(config: Path | None, patient: str, category: str, recorded_by: str) -> None:
    """Record that a client was told of a category of organisations that joined."""
    from xds.consent.change import notify

    policy, now = policy_of(config), datetime.now(UTC)
    changed(config, patient, lambda writer: notify(writer, policy, patient, category, recorded_by, now))


@command.command
@config_option
@patient_option
@click.option("--organisation", required=True, metavar="URA", help="The organisation that treats the client.")
@click.option("--from", "since", type=DAY, metavar="DATE", help="First day of the episode; by default it begins now.")
@click.option("--until", type=DAY, metavar="DATE", help="First day after the episode; by default it is open.")
@click.option("--end", is_flag=True, help="The episode has ended, now.")
@by_option
def relation(
    config: Path | None,
    patient: str,
    organisation: str,
    since: datetime | None,
    until: datetime | None,
    end: bool,
    recorded_by: str,
) -> None:
    """Register that an organisation treats a client, or that it no longer does.

    An organisation that publishes a document for a client has a treatment relation without this.
    """
    from xds.consent.change import end_relation, relate
    from xds.model.dutch_time import dutch_midnight

    now = datetime.now(UTC)
    if end:
        if since or until:
            raise click.BadParameter("goes without --from and --until", param_hint="--end")
        changed(config, patient, lambda writer: end_relation(writer, patient, organisation, recorded_by, now))
        return
    begins = now if since is None else dutch_midnight(since.date())
    ends = None if until is None else dutch_midnight(until.date())
    treats = TreatmentRelation(0, organisation, begins, ends, Ground.REGISTERED)
    changed(config, patient, lambda writer: relate(writer, patient, treats, recorded_by, now))


@command.command
@config_option
@json_option
@click.option("--from", "since", type=DAY, metavar="DATE", help="First day; by default the last 30 days are listed.")
@click.option("--until", type=DAY, metavar="DATE", help="First day that is no longer listed.")
def emergencies(config: Path | None, as_json: bool, since: datetime | None, until: datetime | None) -> None:
    """List when the glass was broken, by whom and why, for the privacy officer."""
    from datetime import timedelta

    from xds.model.dutch_time import dutch_midnight

    now = datetime.now(UTC)
    begins = now - timedelta(days=30) if since is None else dutch_midnight(since.date())
    ends = now + timedelta(days=1) if until is None else dutch_midnight(until.date())
    with opened(config) as log:
        found = log.database.read_now(lambda reader: reader.consents.emergencies(begins, ends))
        note_look(log, "emergencies", *((patient, ()) for patient in dict.fromkeys(patient for patient, _ in found)))
    rows = [
        {
            "opened_at": each.opened_at.isoformat(),
            "patient": patient,
            "organisation": each.ura,
            "person": each.user,
            "reason": each.reason,
        }
        for patient, each in found
    ]
    if as_json:
        click.echo(in_json(json.dumps(rows, indent=2, ensure_ascii=False)))
        return
    for row in rows:
        click.echo(in_line("  ".join(row.values())))


def _unknown() -> Exception:
    from xds.cli.main import Failed

    return Failed("the patient is not known", 1)
