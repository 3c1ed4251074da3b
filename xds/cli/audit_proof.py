"""`xds audit export`, `verify`, `anchor`, `key` and `retention`: what proves the log, and how long it lasts."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xds.cli.audit_log import DAY, Asked, Opened, opened, operator, selection_options
from xds.cli.options import config_option, json_option
from xds.errors import Misconfigured, Unavailable
from xds.model.audit import EMPTY, LogSelection
from xds.model.dutch_time import dutch_midnight

if TYPE_CHECKING:
    from xds.audit.verify import Report

_ALL = Asked(LogSelection(), None, ())


@click.command
@config_option
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@selection_options
def export(config: Path | None, folder: Path, words: dict[str, Any]) -> None:
    """Export the log into the new FOLDER, so that anybody can verify it without this system.

    With options only the records that they ask for, each with the proof that it is in the log; without, all of it. The
    folder has log.ndjson, checkpoints, manifest (signed: which records there are) and key: `xds audit verify` and
    `scripts/verify-audit` read it.
    """
    from xds.audit import bundle
    from xds.audit.manifest import write_manifest

    with opened(config) as log:
        asked = log.asked(**words)
        selected = asked.patient is not None or bool(asked.words)
        log.note_use("log-export", asked, "xds audit export")
        note = log.seal(anchored=True)
        assert note is not None
        notes = [each.text for each in log.notes() if each.size <= note.size]
        signer = log.signer()
        seqs: Sequence[int] = range(note.size)
        if selected:
            found = [line for line in log.find(asked.selection) if line.leaf.seq < note.size]
            seqs = [line.leaf.seq for line in found]
            lines = bundle.export_selection(signer.key.name, found, log.leaves(note.size))
        else:
            lines = bundle.export(signer.key.name, EMPTY, log.lines(0, note.size))
        try:
            folder.mkdir(parents=True)
            (folder / bundle.CHECKPOINTS).write_text("\n".join(notes), "utf-8")
            (folder / bundle.KEY).write_text(f"{signer.key}\n", "utf-8")
            digests = {bundle.RECORDS: _write(folder / bundle.RECORDS, lines)}
            manifest = write_manifest(signer, note.size, seqs, digests, _in_words(asked), datetime.now(UTC))
            (folder / bundle.MANIFEST).write_text(manifest, "utf-8")
        except OSError as error:
            raise Unavailable(f"{folder} can't be written: {error.strerror}") from None
    click.echo(f"{len(seqs)} records under a checkpoint of {note.size}, in {folder}.")


@click.command
@config_option
@json_option
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
@click.option(
    "--key",
    "key_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The log's public key, as its owner published it; by default the one in FOLDER.",
)
@click.option(
    "--anchor",
    "anchors",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    metavar="PATH",
    help="File or folder with checkpoints that were kept elsewhere; may be given several times.",
)
def verify(
    config: Path | None, as_json: bool, folder: Path | None, key_file: Path | None, anchors: tuple[Path, ...]
) -> None:
    """Verify an export in FOLDER, without the database or any secret; or the log of the configuration.

    Exit status 1 when a record is not what was written; the first one is named.
    """
    anchored = [note for path in anchors for note in _notes(path)]
    if folder is None:
        with opened(config) as log:
            log.note_use("log-verified", _ALL, "xds audit verify")
            found = _verify_here(log, key_file, anchored)
    else:
        found = _verify_export(folder, key_file, anchored)
    if as_json:
        summary = {"sound": found.sound, "records": found.records, "redacted": found.redacted}
        summary |= {"sealed": found.sealed, "anchored": found.anchored, "first_bad": found.first_bad}
        made = None if found.exported is None else found.exported.isoformat()
        summary |= {"listed": found.listed, "selection": found.selection, "exported": made}
        click.echo(json.dumps(summary | {"findings": [each._asdict() for each in found.findings]}, indent=2))
    else:
        _say(found)
    raise SystemExit(0 if found.sound else 1)


@click.command
@config_option
def anchor(config: Path | None) -> None:
    """Sign a checkpoint now, have it kept by the configured anchors, and print it.

    The server does this by itself every minute. Exit status 1 when there are anchors and none of them keeps it.
    """
    with opened(config) as log:
        note = log.seal(anchored=True)
        wanted = bool(log.settings.audit.anchor_paths or log.settings.audit.anchor_url)
    if note is None:
        click.echo("The log is empty.", err=True)
        return
    click.echo(note.text, nl=False)
    if wanted and note.anchored is None:
        click.echo("No anchor keeps it.", err=True)
        raise SystemExit(1)


@click.command
@config_option
def key(config: Path | None) -> None:
    """Print the public key that verifies the log: publish it where nobody can change it with the log."""
    with opened(config) as log:
        click.echo(log.signer().key)


@click.command
@config_option
@click.option(
    "--delete-before",
    "before",
    type=DAY,
    metavar="DATE",
    help="Delete what records before this day say, for good; their place and proof stay. Refused within five years.",
)
def retention(config: Path | None, before: datetime | None) -> None:
    """Say how many records are kept for longer than audit.most_years, or delete what old records say.

    Exit status 1 when records are kept too long, or may not be deleted yet.
    """
    from xds.audit.retention import check_term, deletion_event, years_before

    now = datetime.now(UTC)
    with opened(config) as log:
        if before is None:
            years = log.settings.audit.most_years
            count = _older(log, years_before(now, years))
            click.echo(f"{count} records are older than {years} years.")
            raise SystemExit(1 if count else 0)
        moment = dutch_midnight(before.date())
        try:
            check_term(moment, now)
        except ValueError as error:
            click.echo(f"Nothing is deleted: {error}.", err=True)
            raise SystemExit(1) from None
        below = _written_below(log, moment)
        event = deletion_event(f"cli-{secrets.token_hex(8)}", below, moment, now, operator())
        click.echo(f"{log.delete(event, below)} records were deleted.")


def _older(log: Opened, moment: datetime) -> int:
    """How many records that were written before a moment still say what they said."""
    oldest = log.database.read_now(lambda reader: reader.log.oldest_record())
    return 0 if oldest is None else max(0, _written_below(log, moment) - oldest)


def _written_below(log: Opened, moment: datetime) -> int:
    """Below which seq everything was written before a moment."""
    time = int(moment.timestamp() * 1_000_000)
    first, head = log.database.read_now(lambda reader: (reader.log.written_from(time), reader.log.head()))
    return head.size if first is None else first


def _verify_here(log: Opened, key_file: Path | None, anchored: Iterable[str]) -> Report:
    from xds.audit import bundle
    from xds.audit.verify import verify as judge

    note = log.seal()
    assert note is not None
    known = log.signer().key if key_file is None else _read_key(key_file)
    notes = [each.text for each in log.notes() if each.size <= note.size]
    lines = bundle.export(log.settings.audit_origin, EMPTY, log.lines(0, note.size))
    return judge(lines, notes, known, anchored)


def _verify_export(folder: Path, key_file: Path | None, anchored: Iterable[str]) -> Report:
    from xds.audit import bundle
    from xds.audit.verify import verify as judge

    if key_file is None and not (folder / bundle.KEY).exists():
        raise Misconfigured(f"the log's public key is missing: {folder} has none; get it from its owner, for --key")
    known, manifest = _read_key(folder / bundle.KEY if key_file is None else key_file), folder / bundle.MANIFEST
    try:
        signed = manifest.read_text("utf-8", "replace") if manifest.exists() else ""
        digests = {file.name: _digest(file) for file in folder.iterdir() if file.is_file()}
        with (folder / bundle.RECORDS).open("rb") as lines:
            return judge(lines, _notes(folder / bundle.CHECKPOINTS), known, anchored, signed, digests)
    except OSError as error:
        raise Misconfigured(f"{folder} is no export: {error.strerror}") from None


def _read_key(path: Path) -> Any:
    from xds.audit.checkpoint import parse_key

    try:
        return parse_key(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{path} has no public key of a log: {error}") from None


def _notes(path: Path) -> list[str]:
    from xds.audit.checkpoint import split_notes

    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return [note for file in files for note in split_notes(file.read_text("utf-8"))]
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{path} has no checkpoints: {error}") from None


def _write(path: Path, lines: Iterable[bytes]) -> str:
    """The SHA-256 of what was written."""
    digest = sha256()
    with path.open("wb") as file:
        for line in lines:
            file.write(line)
            digest.update(line)
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _in_words(asked: Asked) -> str:
    """What was asked for, without who the client is."""
    client = () if asked.patient is None else (("patient", "chosen"),)
    return ", ".join(f"{name}: {value}" for name, value in (*client, *asked.words)) or "everything"


def _say(found: Report) -> None:
    click.echo(f"{found.records} records, {found.redacted} of them deleted after their term.")
    click.echo(f"Sealed up to {found.sealed or 0}, {_anchored(found)}.")
    if found.listed is not None:
        click.echo(f"{found.records} of the {found.listed} exported records were checked.")
        click.echo(f"Exported at {found.exported:%Y-%m-%d %H:%M:%S} UTC. Asked for: {found.selection}.")
    for finding in found.findings:
        place = "" if finding.seq is None else f"record {finding.seq}: "
        click.echo(f"BAD {finding.kind}: {place}{finding.text}")
    if found.sound:
        click.echo("All is as it was written.")
    elif found.first_bad is None:
        click.echo("It can't be told which record is the first bad one.")
    else:
        click.echo(f"The first bad record is {found.first_bad}.")


def _anchored(found: Report) -> str:
    if not found.anchors:
        return "not compared with any anchor, for none was given"
    if found.anchored is None:
        return f"but none of the {found.anchors} anchors is of a log of this size"
    return f"anchored up to {found.anchored}"
