"""`xds audit`: who saw what, and whether the log is what was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from xds.cli.audit_log import Asked, Opened, opened, selection_options
from xds.cli.audit_proof import anchor, export, key, retention, verify
from xds.cli.audit_report import report
from xds.cli.options import config_option, json_option
from xds.model.audit import Kept, LogSelection, Record
from xds.model.dutch_time import dutch_time

_OUTCOMES = {0: "ok", 4: "refused", 8: "fault", 12: "failed"}


@click.group
def command() -> None:
    """Look into the log of NEN 7513, export it, and verify that nobody changed it.

    Each use of the log is itself recorded, with the account that it was used from.
    """


for each in (report, export, verify, anchor, key, retention):
    command.add_command(each)


@command.command(name="list")
@config_option
@json_option
@selection_options
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="No more than so many, the oldest.")
def list_records(config: Path | None, as_json: bool, words: dict[str, Any], limit: int | None) -> None:
    """List records, oldest first: number, time, who, what, with what outcome, and how many documents."""
    with opened(config) as log:
        asked = log.asked(**words)
        log.note_use("log-read", asked, "xds audit list")
        for line in _decoded(log, asked, limit):
            click.echo(_json(*line) if as_json else _in_a_line(*line))


@command.command
@config_option
@click.argument("numbers", nargs=-1, required=True, type=click.IntRange(min=0), metavar="SEQ...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "nen7513", "dicom", "fhir"]),
    default="json",
    show_default=True,
    help="As it is kept, as XML with the fields of NEN 7513, as DICOM audit messages, or as FHIR AuditEvents.",
)
def show(config: Path | None, numbers: tuple[int, ...], form: str) -> None:
    """Show records in full.

    Exit status 1 when one of them does not exist, or was deleted after its term.
    """
    from xds.audit.record import decode

    with opened(config) as log:
        words = (("numbers", " ".join(map(str, numbers))),)
        log.note_use("log-read", Asked(LogSelection(), None, words), "xds audit show")
        lines = [line for number in numbers for line in log.lines(number, min(number + 1, log.head().size))]
    kept = [(line.leaf.seq, decode(line.payload)) for line in lines if line.payload is not None]
    for text in encoded(form, kept):
        click.echo(text, nl=False)
    missing = sorted({*numbers} - {seq for seq, _ in kept})
    if missing:
        click.echo(f"There are no records {', '.join(map(str, missing))}, or they were deleted.", err=True)
        raise SystemExit(1)


def encoded(form: str, records: list[tuple[int, Record]]) -> list[bytes]:
    """Records in a standard's form."""
    import msgspec

    from xds.audit import dicom, fhir, nen7513

    if form == "nen7513":
        return list(nen7513.document(records))
    if form == "dicom":
        return [dicom.message(record) + b"\n" for _, record in records]
    if form == "fhir":
        return [msgspec.json.encode(fhir.audit_event(seq, record)) + b"\n" for seq, record in records]
    return [msgspec.json.encode({"seq": seq, **msgspec.to_builtins(record)}) + b"\n" for seq, record in records]


def _decoded(log: Opened, asked: Asked, limit: int | None) -> Any:
    from xds.audit.record import decode

    return ((line, decode(line.payload)) for line in log.find(asked.selection, limit) if line.payload is not None)


def _json(line: Kept, record: Record) -> str:
    return encoded("json", [(line.leaf.seq, record)])[0].decode().rstrip()


def _in_a_line(line: Kept, record: Record) -> str:
    person = record.user.person
    parts = [
        f"{line.leaf.seq:>8}",
        dutch_time(record.started).strftime("%Y-%m-%d %H:%M:%S"),
        f"{record.kinds[0].code:<14}",
        f"{record.action} {_OUTCOMES.get(record.outcome, record.outcome):<8}",
        f"{person.name or person.number}, {person.organisation_name or person.organisation or '-'}",
        f"{len(record.documents)} documents",
    ]
    parts += ["EMERGENCY"] if record.emergency is not None else []
    return "  ".join(parts)
