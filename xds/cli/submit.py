"""`xds submit`: provide documents to a repository (ITI-41)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from xds.cli.connection import connected, connection_options, issues_json, progress, show_issues
from xds.cli.options import json_option

_CODE = "CODE^NAME^SCHEME"
_ENTRY_CODES = {
    "--class": "class_code",
    "--type": "type_code",
    "--format": "format_code",
    "--practice-setting": "practice_setting_code",
    "--facility": "healthcare_facility_type_code",
}
_EXAMPLE = """\b
Example:
  xds submit echo.pdf --patient '999911120^^^&2.16.840.1.113883.2.4.6.3&ISO' \\
      --metadata submission.toml --title 'Echo 20 weeks'
\b
A metadata file has three kinds of tables; the names are those of the standard in snake_case:
  [submission_set]                  # source_id, content_type_code, authors, title, comments, ...
  source_id = "1.2.3"
  content_type_code = "CODE^NAME^SCHEME"
  [document]                        # holds for every document: class_code, type_code, format_code,
  class_code = "CODE^NAME^SCHEME"   #   practice_setting_code, healthcare_facility_type_code,
  confidentiality_code = ["CODE^NAME^SCHEME"]   # event_code_list, language_code, authors, ...
  authors = [{ person = ["^Jansen^Anna"], institution = ["Practice"] }]
  [files."echo.pdf"]                # holds for this file, and goes before
  title = "Echo 20 weeks"
"""


def _code_options(command):
    for option, name in reversed(_ENTRY_CODES.items()):
        command = click.option(option, name, metavar=_CODE, help=f"The {name} of the documents.")(command)
    return command


@click.command(epilog=_EXAMPLE)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--patient", required=True, metavar="CX", help="The patient, as 'number^^^&OID&ISO'.")
@click.option(
    "--metadata", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="TOML file with attributes."
)
@_code_options
@click.option("--confidentiality", "confidentiality_code", multiple=True, metavar=_CODE, help="Several may be given.")
@click.option("--event", "event_code_list", multiple=True, metavar=_CODE, help="Several may be given.")
@click.option("--title", help="The title of the documents.")
@click.option("--language", "language_code", metavar="TAG", help="Language of the documents  [default: nl-NL]")
@click.option("--mime-type", metavar="TYPE", help="By default it follows from the extension.")
@click.option("--source-patient", "source_patient_id", metavar="CX", help="By default the same as --patient.")
@click.option("--content-type", "content_type_code", metavar=_CODE, help="The content_type_code of the submission set.")
@click.option("--source-id", metavar="OID", help="The source_id of the submission set: the system that submits.")
@click.option("--replaces", "target", metavar="ENTRY_UUID", help="The document that this one file replaces.")
@connection_options("repository")
@json_option
def command(
    files: tuple[Path, ...], patient: str, metadata: Path | None, target: str | None, as_json: bool, **options: Any
) -> None:
    """Submit FILES as one submission set.

    creationTime is taken from the file, mimeType from its extension; uniqueIds are made; size and hash are computed
    by the repository. Options go before the metadata file. Exit status 1 when the submission is rejected: then
    nothing was stored.
    """
    from xds.client import DocumentToSubmit, compose
    from xds.client.metadata import Metadata, read_metadata

    if target is not None and len(files) != 1:
        raise click.UsageError("--replaces needs exactly one file")
    of_set = {name: options.pop(name) for name in ("content_type_code", "source_id")}
    named = ("url", "config", "assertion", "certificate", "key", "ca", "timeout")
    connection = {name: options.pop(name) for name in named}
    given = {name: value for name, value in options.items() if value}
    written = read_metadata(metadata) if metadata is not None else Metadata()
    written = Metadata(written.submission_set, {"language_code": "nl-NL", **written.document}, written.files)
    documents = [DocumentToSubmit(file, written.entry(file.name, given), target) for file in files]
    submission_set = written.submitted_as(
        {"patient_id": patient, **{name: value for name, value in of_set.items() if value}}
    )
    submission, contents = compose(documents, submission_set)
    size = sum(file.stat().st_size for file in files)
    with connected("repository", **connection) as (client, _), progress("Submitting", size) as advance:
        result = client.submit(submission, contents, progress=advance)
    unique_ids = [entry.unique_id for entry in submission.entries]
    if as_json:
        answer = {
            "status": result.status,
            "submission_set": submission.submission_sets[0].unique_id,
            "documents": [
                {"file": str(file), "unique_id": unique_id} for file, unique_id in zip(files, unique_ids, strict=True)
            ],
            "issues": issues_json(result.issues),
        }
        click.echo(json.dumps(answer, indent=2))
    else:
        show_issues(result.issues)
        if result.status == "Success":
            click.echo("\n".join(f"{unique_id}  {file}" for file, unique_id in zip(files, unique_ids, strict=True)))
    raise SystemExit(0 if result.status == "Success" else 1)
