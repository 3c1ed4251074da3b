"""`xds validate`: what is wrong with a captured message."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from xds.cli.main import Failed
from xds.cli.options import json_option

if TYPE_CHECKING:
    from xds.cli.judge import Finding, Judgement

_EPILOG = """\b
Examples:
  xds validate submission.xml
  xds validate request.mime --affinity-domain codes.xml --json
"""


@click.command(epilog=_EPILOG)
@click.argument("file", type=click.File("rb"))
@click.option(
    "--affinity-domain",
    "affinity_domain",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Check codes against the value sets in this file (TOML or codes.xml); may be repeated.",
)
@json_option
@click.pass_context
def command(ctx: click.Context, file: BinaryIO, affinity_domain: tuple[Path, ...], as_json: bool) -> None:
    """Say everything that is wrong with a message that was captured in FILE.

    FILE has a request of ITI-18, ITI-41, ITI-42 or ITI-43: the body of an HTTP request, also after its headers; a SOAP
    envelope; or the ebXML alone. "-" is standard input. The rules are those of the server, but what only a registry
    can know (its patients, its documents) is not judged.

    Exit status: 0 nothing is wrong; 1 something is; 2 the file can't be read or holds no message.
    """
    from xds.affinity import load
    from xds.cli.captured import Unreadable, read_captured
    from xds.cli.judge import errors, judge

    domain = load(affinity_domain)
    try:
        captured = read_captured(file.read())
    except Unreadable as error:
        raise Failed(f"{file.name} can't be read as a message: {error}", 2) from None
    except OSError as error:
        raise Failed(f"{file.name}: {error.strerror}", 2) from None
    judgement = asyncio.run(judge(captured, domain, datetime.now(UTC).date()))
    if as_json:
        _write_json(file.name, judgement, captured.repaired)
    else:
        _write(file.name, judgement, captured.repaired)
    ctx.exit(1 if errors(judgement.findings) else 0)


def _write_json(name: str, judgement: Judgement, repaired: bool) -> None:
    transaction, findings = judgement
    answer = {
        "file": name,
        "transaction": transaction.number if transaction else None,
        "line_ends_repaired": repaired,
        "findings": [finding._asdict() for finding in findings],
    }
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def _write(name: str, judgement: Judgement, repaired: bool) -> None:
    transaction, findings = judgement
    what = f"{transaction.number} {transaction.name}" if transaction else "not a request that can be told"
    click.echo(f"{name}: {what}")
    if repaired:
        click.echo("note: the MIME lines end in LF, not CRLF; if documents were changed likewise, their hash is wrong")
    for finding in findings:
        click.echo(f"{finding.severity.lower()} {finding.code}: {finding.context}")
        click.echo(f"    {_place(finding)}{finding.section}")
    count = len(findings)
    click.echo(f"{count} {'thing is' if count == 1 else 'things are'} wrong" if count else "nothing is wrong")


def _place(finding: Finding) -> str:
    """Where it is, and what stands between that and the section; "" when it is nowhere in particular."""
    words = [word for word in (finding.element, finding.location) if word]
    place = " ".join(words)
    if finding.line is not None:
        place += f", line {finding.line} of the XML"
    return f"{place}; " if place else ""
