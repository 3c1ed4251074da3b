"""`xds retrieve`: fetch documents from a repository (ITI-43)."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from xds.cli.connection import connected, connection_options, issues_json, progress, show_issues
from xds.cli.options import json_option
from xds.errors import Misconfigured

_EXAMPLE = """\b
Example:
  xds retrieve 1.2.3.4 1.2.3.5 --repository-id 1.2.3 --to downloads
"""


@click.command(epilog=_EXAMPLE)
@click.argument("unique_ids", nargs=-1, required=True, metavar="UNIQUE_ID...")
@click.option(
    "--repository-id", metavar="OID", help="repositoryUniqueId of the documents, by default the configured one."
)
@click.option(
    "--to",
    type=click.Path(file_okay=False, exists=True, writable=True, path_type=Path),
    default=".",
    show_default=True,
    help="Folder to write the documents in.",
)
@connection_options("repository")
@json_option
def command(
    unique_ids: tuple[str, ...],
    repository_id: str | None,
    to: Path,
    as_json: bool,
    **connection: Path | str | float | None,
) -> None:
    """Fetch the documents with these uniqueIds, each into a file named after its uniqueId.

    Exit status 1 when one of them is not held; the others are fetched nevertheless.
    """
    with connected("repository", **connection) as (client, settings):
        repository = repository_id or (settings.repository.unique_id if settings is not None else None)
        if repository is None:
            raise Misconfigured("--repository-id: expected the repositoryUniqueId, an OID")
        wanted = [(repository, unique_id) for unique_id in unique_ids]
        with progress("Retrieving", None) as advance:
            result = client.retrieve(wanted, to, progress=advance)
    if as_json:
        documents = [asdict(document) | {"path": str(document.path)} for document in result.documents]
        answer = {"status": result.status, "documents": documents, "issues": issues_json(result.issues)}
        click.echo(json.dumps(answer, indent=2))
    else:
        show_issues(result.issues)
        for document in result.documents:
            click.echo(f"{document.path}  {document.mime_type}  {document.size} bytes  sha1 {document.hash}")
    raise SystemExit(0 if result.status == "Success" else 1)
