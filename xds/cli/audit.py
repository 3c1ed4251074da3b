"""`xds audit`: who saw what, and whether the log is what was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from xds.cli.audit_log import Asked, Opened, opened, selection_options
from xds.cli.audit_proof import anchor, export, key, retention, verify
from xds.cli.audit_report import report
from xds.cli.options import config_option, json_option
from xds.model.audit import LogSelection, Record
from xds.model.dutch_time import dutch_time
from xds.model.visible import in_json, in_line

_STANDARDS = ["nen7513", "dicom", "fhir"]
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
@click.option("--format", "form", type=click.Choice(_STANDARDS), help="In full, in the form of a standard, instead.")
def list_records(
    config: Path | None, as_json: bool, words: dict[str, Any], limit: int | None, form: str | None
) -> None:
    """List records, oldest first: number, time, who, what, with what outcome, and how many documents.

    Or hand them over in full: as XML with the fields of NEN 7513, as DICOM audit messages, or as FHIR AuditEvents.
    """
    with opened(config) as log:
        asked = log.asked(**words)
        log.note_use("log-export" if form else "log-read", asked, "xds audit list")
        records = _decoded(log, asked, limit)
        form = form or ("json" if as_json else None)
        texts = encoded(form, records) if form else (f"{_in_a_line(*each)}\n".encode() for each in records)
        for text in texts:
            click.echo(text, nl=False)


@command.command
@config_option
@click.argument("numbers", nargs=-1, required=True, type=click.IntRange(min=0), metavar="SEQ...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", *_STANDARDS]),
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


def encoded(form: str, records: Iterable[tuple[int, Record]]) -> Iterator[bytes]:
    """Records with their seqs in a standard's form, or as they are kept."""
    from msgspec import to_builtins

    from xds.audit import dicom, fhir, nen7513

    if form == "nen7513":
        yield from nen7513.document(records)
        return
    for seq, record in records:
        if form == "dicom":
            yield dicom.message(record) + b"\n"
        elif form == "fhir":
            yield _json(fhir.audit_event(seq, record))
        else:
            yield _json({"seq": seq, **to_builtins(record)})


def _json(value: dict[str, Any]) -> bytes:
    import msgspec

    return in_json(msgspec.json.encode(value).decode()).encode() + b"\n"


def _decoded(log: Opened, asked: Asked, limit: int | None) -> Iterator[tuple[int, Record]]:
    from xds.audit.record import decode

    found = log.find(asked.selection, limit)
    return ((line.leaf.seq, decode(line.payload)) for line in found if line.payload is not None)


def _in_a_line(seq: int, record: Record) -> str:
    person = record.user.person
    parts = [
        f"{seq:>8}",
        dutch_time(record.started).strftime("%Y-%m-%d %H:%M:%S"),
        f"{record.kinds[0].code:<14}",
        f"{record.action} {_OUTCOMES.get(record.outcome, record.outcome):<8}",
        f"{person.name or person.number}, {person.organisation_name or person.organisation or '-'}",
        f"{len(record.documents)} documents",
    ]
    parts += ["EMERGENCY"] if record.emergency is not None else []
    return in_line("  ".join(parts))
