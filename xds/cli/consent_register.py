"""What the commands of `xds consent` share: their options, the register, and how a change ends."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xds.model.audit import Document
from xds.model.consent import Channel, ConsentChange, Giver, Scope, ScopeKind, Subject

if TYPE_CHECKING:
    from xds.cli.audit_log import Opened
    from xds.consent.change import Outcome
    from xds.consent.policy import Policy
    from xds.ports import Writer

DAY = click.DateTime(["%Y-%m-%d"])
SCOPE = "A SCOPE is any, category:CODE (of organisations), organisation:URA, or person:NUMBER@OID."

patient_option = click.option("--patient", required=True, metavar="CX", help="The client, as 'number^^^&OID&ISO'.")
by_option = click.option("--by", "recorded_by", required=True, metavar="TEXT", help="Who records this.")


class _ScopeType(click.ParamType):
    name = "scope"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Scope:
        if isinstance(value, Scope):
            return value
        kind, _, code = value.partition(":")
        if kind not in set(ScopeKind) or bool(code) is (kind == ScopeKind.ANY):
            self.fail("expected any, category:CODE, organisation:URA or person:NUMBER@OID", param, ctx)
        return Scope(ScopeKind(kind), code)


def subject_options(command: Callable) -> Callable:
    """What a word is about, handed on as `subject`."""

    @functools.wraps(command)
    def with_subject(*arguments: Any, holder: Scope, category: str | None, consumer: Scope, **others: Any) -> Any:
        return command(*arguments, subject=Subject(holder, category, consumer), **others)

    for option in (
        click.option(
            "--consumer", type=_ScopeType(), default="any", show_default=True, metavar="SCOPE", help="Who may see it."
        ),
        click.option("--category", metavar="CODE", help="The category of data; by default all of it."),
        click.option(
            "--holder", type=_ScopeType(), default="any", show_default=True, metavar="SCOPE", help="Whose documents."
        ),
    ):
        with_subject = option(with_subject)
    return with_subject


def word_options(command: Callable) -> Callable:
    """Who spoke, how it came in, and who records it."""
    command = by_option(command)
    channels = click.Choice([channel.value for channel in Channel if channel is not Channel.MERGE])
    command = click.option("--channel", type=channels, required=True, help="How the client's word came in.")(command)
    return click.option(
        "--given-by",
        type=click.Choice([giver.value for giver in Giver]),
        multiple=True,
        default=[Giver.CLIENT.value],
        show_default=True,
        help="Who spoke: under 12 a parent with authority, from 12 to 15 both (give it twice), from 16 the client.",
    )(command)


def note_look(log: Opened, what: str, *accesses: tuple[str, Sequence[Document]]) -> None:
    """Record a look at what these clients allow, and at these documents of theirs, before anything of it is given."""
    from xds.cli.audit_log import operator
    from xds.consent.events import look_of

    request_id = f"cli-{secrets.token_hex(8)}"
    log.record(look_of(accesses, f"xds consent {what}", request_id, datetime.now(UTC), operator=operator()))


def policy_of(config: Path | None) -> Policy:
    """The policy that the configuration names; Misconfigured when it names none."""
    from xds.config import load
    from xds.consent import load_policy
    from xds.errors import Misconfigured

    path = load(config).consent.policy
    if path is None:
        raise Misconfigured("consent.policy: expected the file of a policy")
    return load_policy(path)


def changed(config: Path | None, patient: str, change: Callable[[Writer], Outcome]) -> None:
    """Make a change, recorded in the log with it, and say what it was; one that is refused ends with status 1."""
    from xds.cli.audit_log import opened as opened_log
    from xds.cli.audit_log import operator
    from xds.consent.events import event_of

    request_id, who = f"cli-{secrets.token_hex(8)}", operator()
    with opened_log(config) as log:

        def change_and_record(writer: Writer) -> Outcome:
            outcome = change(writer)
            writer.record(log.recorder.entries(event_of(outcome, patient, request_id, datetime.now(UTC), operator=who)))
            return outcome

        outcome = log.database.write_now(change_and_record)
    if not isinstance(outcome, ConsentChange):
        click.echo("\n".join(outcome), err=True)
        raise SystemExit(1)
    click.echo(outcome.text if outcome.number is None else f"{outcome.number}  {outcome.text}")
