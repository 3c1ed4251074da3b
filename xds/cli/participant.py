"""`xds participant`: the connected systems."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xds.audit.events import LET_IN_AGAIN, PARTICIPANT, SUSPENDED
from xds.cli.certificates import expiry, fingerprint
from xds.cli.options import config_option, json_option
from xds.model.hl7 import is_oid
from xds.model.party import NormStatus, Organisation, Participant
from xds.model.visible import in_json, in_line

if TYPE_CHECKING:
    from xds.db import Database
    from xds.db.writer import Writer

_NORMS = ("nen7510", "nen7512", "nen7513")
_PEM = click.Path(exists=True, dir_okay=False, path_type=Path)
_number = click.argument("participant", type=click.IntRange(1), metavar="NUMBER")


class _Date(click.ParamType):
    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail("expected YYYY-MM-DD", param, ctx)


def _norm_options(command: Callable) -> Callable:
    for name in reversed(_NORMS):
        number = name.removeprefix("nen")
        help_text = f"Day on which it was established that NEN {number} is met."
        command = click.option(f"--{name}", type=_Date(), metavar="DATE", help=help_text)(command)
    return command


@click.group
def command() -> None:
    """Register the systems that may connect, each known by its client certificate.

    A running server heeds a change within 20 seconds.
    """


@command.command
@config_option
@click.option("--certificate", type=_PEM, required=True, metavar="PEM", help="Client certificate of the system.")
@click.option("--ura", required=True, help="URA of the organisation: eight digits, with their leading zeros.")
@click.option("--name", required=True, help="Name of the organisation.")
@click.option("--kind", required=True, metavar="CODE", help="Organisation type: V6, G3, K4, JGZ and so on.")
@click.option("--source-id", multiple=True, metavar="OID", help="A sourceId of the system; may be given several times.")
@click.option("--since", type=_Date(), metavar="DATE", help="Day on which it was connected; by default today.")
@_norm_options
def add(
    config: Path | None,
    certificate: Path,
    ura: str,
    name: str,
    kind: str,
    source_id: tuple[str, ...],
    since: date | None,
    **norms: date | None,
) -> None:
    """Register a system and print its number.

    Exit status 1 when its certificate belongs to another one.
    """
    if len(ura) != 8 or not (ura.isascii() and ura.isdigit()):
        raise click.BadParameter("expected eight digits", param_hint="--ura")
    source_ids = _oids(source_id, "--source-id")
    organisation = Organisation(ura, name.strip(), kind.strip())
    day = since or datetime.now(UTC).date()
    number = register(config, certificate, organisation, source_ids, day, NormStatus(**norms))
    click.echo(f"Participant {number}.")


def register(
    config: Path | None,
    certificate: Path,
    organisation: Organisation,
    source_ids: tuple[str, ...],
    since: date,
    norms: NormStatus,
) -> int:
    """Register a system that shows this certificate, recorded in the log; its number."""
    known_by, until = fingerprint(certificate), expiry(certificate)
    return _changed(
        config,
        f"added with the certificate {known_by}",
        lambda writer: writer.add_participant(organisation, known_by, source_ids, since, norms, until),
    )


@command.command(name="list")
@config_option
@json_option
def list_participants(config: Path | None, as_json: bool) -> None:
    """List the systems with their certificates, by SHA-256, and the norms that they meet."""
    with _opened(config) as database:
        rows = database.read_now(lambda reader: reader.participants())
    listed = [_described(list(group)) for _, group in groupby(rows, key=lambda row: row.id)]
    if as_json:
        click.echo(in_json(json.dumps(listed, indent=2, ensure_ascii=False)))
        return
    for each in listed:
        state = "suspended" if each["suspended"] else f"connected since {each['connected_since']}"
        met = ", ".join(f"NEN {name[3:]} since {each[name]}" for name in _NORMS if each[name]) or "no norm established"
        met += f"; passes requests on as the repository {each['repository']}" if each["repository"] else ""
        click.echo(in_line(f"{each['number']}  {each['ura']}  {each['name']} ({each['kind']}): {state}; {met}"))
        for certificate in each["certificates"]:
            click.echo(f"     {certificate}")


@command.command
@config_option
@_number
def suspend(config: Path | None, participant: int) -> None:
    """Refuse a system from now on. Its documents stay available to others."""
    _changed(config, SUSPENDED, lambda writer: writer.suspend_participant(participant, True), participant)


@command.command
@config_option
@_number
def resume(config: Path | None, participant: int) -> None:
    """Let a suspended system in again."""
    _changed(config, LET_IN_AGAIN, lambda writer: writer.suspend_participant(participant, False), participant)


@command.command
@config_option
@click.option("--remove", is_flag=True, help="Take the certificate away instead; the system can't use it any more.")
@_number
@click.argument("pem", type=_PEM, metavar="PEM")
def certificate(config: Path | None, remove: bool, participant: int, pem: Path) -> None:
    """Give a system another certificate, beside the one that it has, so that it can change over.

    Exit status 1 when the certificate belongs to another system.
    """
    known_by, until = fingerprint(pem), expiry(pem)

    def remove_it(writer: Writer) -> bool:
        return writer.remove_certificate(participant, known_by)

    def add_it(writer: Writer) -> bool:
        writer.add_certificate(participant, known_by, until)
        return True

    what = f"certificate {known_by} {'taken away' if remove else 'added'}"
    _changed(config, what, remove_it if remove else add_it, participant)


@command.command
@config_option
@_number
@click.argument("source_ids", nargs=-1, metavar="OID...")
def sources(config: Path | None, participant: int, source_ids: tuple[str, ...]) -> None:
    """Say with which sourceIds a system may submit: these, instead of those that it had."""
    oids = _oids(source_ids, "OID")
    what = f"sourceIds set to {' '.join(oids) or 'none'}"
    _changed(config, what, lambda writer: writer.set_source_ids(participant, oids), participant)


@command.command
@config_option
@click.option("--none", is_flag=True, help="It is one no longer, and may pass nothing on.")
@_number
@click.argument("unique_id", required=False, metavar="[OID]")
def repository(config: Path | None, none: bool, participant: int, unique_id: str | None) -> None:
    """Say that a system is the repository with this repositoryUniqueId, which runs apart from this registry.

    It then passes on what others ask, with their assertions: it registers documents (ITI-42) and asks which may be
    retrieved (ITI-18). It may do nothing else.
    """
    if none == bool(unique_id):
        raise click.UsageError("expected an OID, or --none")
    oid = _oids((unique_id,), "OID")[0] if unique_id else None
    what = f"passes requests on as the repository {oid}" if oid else "passes no requests on"
    _changed(config, what, lambda writer: writer.set_repository(participant, oid), participant)


@command.command
@config_option
@_norm_options
@_number
def norms(config: Path | None, participant: int, **norms: date | None) -> None:
    """Record since when a system meets NEN 7510, 7512 and 7513; those not given stay as they are."""
    given = {name: day for name, day in norms.items() if day is not None}

    def change(writer: Writer) -> bool:
        found = [each for each in writer.participants() if each.id == participant]
        return bool(found) and writer.set_norms(participant, replace(found[0].norms, **given))

    met = ", ".join(f"NEN {name[3:]} since {day}" for name, day in given.items()) or "nothing"
    _changed(config, f"norms recorded: {met}", change, participant)


def _described(rows: list[Participant]) -> dict[str, Any]:
    first = rows[0]
    days = {name: getattr(first.norms, name) for name in _NORMS}
    return {
        "number": first.id,
        "ura": first.organisation.ura,
        "name": first.organisation.name,
        "kind": first.organisation.kind,
        "source_ids": list(first.source_ids),
        "connected_since": first.connected_since.isoformat(),
        **{name: day.isoformat() if day else None for name, day in days.items()},
        "suspended": first.suspended,
        "repository": first.repository,
        "certificates": [row.certificate for row in rows],
    }


@contextmanager
def _opened(config: Path | None) -> Iterator[Database]:
    from xds.config import load
    from xds.db import open_database

    database = open_database(load(config).database.url)
    try:
        yield database
    finally:
        database.close()


def _changed(config: Path | None, what: str, change: Callable[[Writer], int], participant: int = 0) -> int:
    """Make a change of this participant, or of the one whose number it returns, recorded in the log with it.

    One that is refused ends the command with status 1. Source: NEN 7513: 6 (changes of authorisation).
    """
    from xds.cli.audit_log import opened as opened_log
    from xds.cli.audit_log import operator
    from xds.cli.main import Failed
    from xds.model.audit import SUCCESS, Event, Thing

    request_id, who = f"cli-{secrets.token_hex(8)}", operator()
    with opened_log(config) as log:

        def change_and_record(writer: Writer) -> int:
            result = change(writer)
            if not result:
                raise Failed("there is no such participant, or it has no such certificate", 1)
            thing = Thing(PARTICIPANT, str(participant or result), what)
            event = Event(request_id, "participant-change", datetime.now(UTC), SUCCESS, operator=who, things=(thing,))
            writer.record(log.recorder.entries(event))
            return result

        try:
            return log.database.write_now(change_and_record)
        except ValueError:
            raise Failed(
                "the certificate belongs to a participant already, or there is no such participant", 1
            ) from None


def _oids(texts: Sequence[str], hint: str) -> tuple[str, ...]:
    oids = tuple(text.removeprefix("urn:oid:") for text in texts)
    if not all(map(is_oid, oids)):
        raise click.BadParameter("expected an OID", param_hint=hint)
    return oids
