"""`xds session`: who is signed in to the pages."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xds.cli.options import config_option, json_option
from xds.model.coded import Coded

if TYPE_CHECKING:
    from xds.db.writer import Writer
    from xds.model.viewer import Session

_SESSION = Coded("session", "xds", "Sessie")


@click.group
def command() -> None:
    """See and end the sessions of the pages."""


@command.command(name="list")
@config_option
@json_option
def list_sessions(config: Path | None, as_json: bool) -> None:
    """List the sessions that last; those of clients without who they are. That they were listed is recorded."""
    from xds.cli.audit_log import opened, operator
    from xds.model.audit import SUCCESS, Event, Thing

    with opened(config) as log:
        thing = Thing(_SESSION, "all", "listed")
        request_id = f"cli-{secrets.token_hex(8)}"
        log.record(Event(request_id, "log-read", datetime.now(UTC), SUCCESS, operator=operator(), things=(thing,)))
        found = log.database.read_now(lambda reader: reader.viewers.sessions(datetime.now(UTC)))
    listed = [_described(each) for each in found]
    if as_json:
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    for each in listed:
        click.echo(f"{each['number']}  {each['who']}: since {each['began']}, last used {each['seen']}")


@command.command
@config_option
@click.argument("number", type=click.IntRange(1), metavar="NUMBER")
def end(config: Path | None, number: int) -> None:
    """End a session; exit status 1 when there is none of this number."""
    from xds.cli.audit_log import opened, operator
    from xds.cli.main import Failed
    from xds.model.audit import SUCCESS, Event, Thing

    with opened(config) as log:
        thing = Thing(_SESSION, str(number), "ended")
        request_id = f"cli-{secrets.token_hex(8)}"
        event = Event(request_id, "sign-out", datetime.now(UTC), SUCCESS, operator=operator(), things=(thing,))

        def change(writer: Writer) -> None:
            if not writer.viewers.end_session(number):
                raise Failed("there is no such session", 1)
            writer.record(log.recorder.entries(event))

        log.database.write_now(change)


def _described(session: Session) -> dict[str, Any]:
    visit, auditor = session.visit, session.auditor
    if auditor is not None:
        who = f"{auditor.account} ({auditor.role})"
    else:
        who = f"a client, by {visit.organisation_name}" if visit is not None else "a client of a suspended portal"
    return {
        "number": session.number,
        "who": who,
        "began": session.began.isoformat(),
        "seen": session.seen.isoformat(),
        "ends": session.ends.isoformat(),
    }
