"""`xds patient`: the patients that the registry knows."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xds.cli.options import config_option, json_option
from xds.model.affinity_domain import BSN_OID, AffinityDomain
from xds.model.audit import SUCCESS, Access, Event, Thing
from xds.model.bsn import is_valid_bsn
from xds.model.coded import Coded
from xds.model.hl7 import CX, parse_cx

if TYPE_CHECKING:
    from xds.db.writer import Writer

_PATIENTS = Coded("known-patients", "xds", "Lijst van bekende cliënten")


@click.group
def command() -> None:
    """Make patients known, and list them.

    Documents are registered only for known patients. A patient identity feed (ITI-8) makes them known too.
    """


@command.command
@config_option
@click.argument("patient_ids", nargs=-1, required=True, metavar="CX...")
def add(config: Path | None, patient_ids: tuple[str, ...]) -> None:
    """Make patients known, each given as 'number^^^&OID&ISO'.

    Exit status 1 when one of them is not acceptable; then none is added.
    """
    from xds.affinity import load as load_domain
    from xds.cli.audit_log import opened
    from xds.config import load

    domain = load_domain(load(config).registry.affinity_domain)
    wrong = [(place, _mistake(text, domain)) for place, text in enumerate(patient_ids, 1)]
    mistakes = [f"patient {place}: {mistake}" for place, mistake in wrong if mistake]
    if mistakes:
        click.echo("\n".join(mistakes), err=True)
        raise SystemExit(1)
    with opened(config) as log:
        entries = log.recorder.entries(_event("patient-add", map(parse_cx, dict.fromkeys(patient_ids))))

        def change(writer: Writer) -> int:
            writer.record(entries)
            return sum([writer.add_patient(text) for text in patient_ids])

        added = log.database.write_now(change)
    click.echo(f"{added} added, {len(patient_ids) - added} known already or merged away.")


@command.command(name="list")
@config_option
@json_option
def list_patients(config: Path | None, as_json: bool) -> None:
    """List the known patients, in order."""
    from xds.cli.audit_log import opened

    with opened(config) as log:
        log.record(_event("patients-read", (), Thing(_PATIENTS, "all")))
        after, known = "", []
        while page := log.database.read_now(lambda reader, after=after: reader.patients_after(after, 1000)):
            after = page[-1]
            if as_json:
                known += page
            else:
                click.echo("\n".join(page))
    if as_json:
        click.echo(json.dumps(known, indent=2))


def _event(kind: str, patients: Iterable[CX], *things: Thing) -> Event:
    from xds.cli.audit_log import operator

    accesses = tuple(map(Access, patients))
    request_id = f"cli-{secrets.token_hex(8)}"
    return Event(request_id, kind, datetime.now(UTC), SUCCESS, operator=operator(), accesses=accesses, things=things)


def _mistake(text: str, domain: AffinityDomain) -> str | None:
    """Why a patient can't be known in this domain, without repeating the number; None when it can."""
    try:
        cx = parse_cx(text)
    except ValueError as error:
        return str(error)
    if domain.assigning_authorities and cx.authority not in domain.assigning_authorities:
        return "its assigning authority is not one of the affinity domain"
    if cx.authority == BSN_OID and not is_valid_bsn(cx.number):
        return "the BSN fails the 11-proef"
    return None
