"""`xds query`: ask a registry a stored query (ITI-18)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import msgspec

from xds.cli.connection import connected, connection_options, issues_json, show_issues
from xds.cli.options import json_option
from xds.model.objects import Status, Submission
from xds.model.visible import in_line

_KINDS = {
    "FindDocuments": ("DocumentEntry",),
    "FindDocumentsByReferenceId": ("DocumentEntry",),
    "FindSubmissionSets": ("SubmissionSet",),
    "FindFolders": ("Folder",),
    "GetAll": ("DocumentEntry", "SubmissionSet", "Folder"),
}
_EXAMPLE = """\b
Examples:
  xds query --patient '999911120^^^&2.16.840.1.113883.2.4.6.3&ISO'
  xds query GetDocuments --param '$XDSDocumentEntryUniqueId=1.2.3.4' --json
  xds query FindDocuments --patient '...' --param '$XDSDocumentEntryCreationTimeFrom=2026' \\
      --param '$XDSDocumentEntryClassCode=CODE^^SCHEME'
"""


@click.command(epilog=_EXAMPLE)
@click.argument("name", default="FindDocuments", metavar="[NAME]")
@click.option("--patient", metavar="CX", help="The patient, as 'number^^^&OID&ISO', for the queries about one.")
@click.option(
    "--status",
    "statuses",
    type=click.Choice([status.value for status in Status]),
    multiple=True,
    help="Status of the objects, with --patient; several may be given.  [default: Approved]",
)
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="$NAME=VALUE",
    help="A parameter. Several of one name: any of them matches. A VALUE in quotes or parentheses is sent as it is, "
    "as a slot of its own.",
)
@click.option("--object-refs", is_flag=True, help="Ask for the ids alone (ObjectRef), not the metadata (LeafClass).")
@connection_options("registry")
@json_option
def command(
    name: str,
    patient: str | None,
    statuses: tuple[str, ...],
    parameters: tuple[str, ...],
    object_refs: bool,
    as_json: bool,
    **connection: Path | str | float | None,
) -> None:
    """Ask the stored query NAME, by default FindDocuments, and list what is found.

    NAME is the name in the standard, such as FindDocuments, GetAll or GetRelatedDocuments, or the query's id.
    Exit status 1 when the registry answers with an error; finding nothing is none.
    """
    from xds.client.query import QUERIES

    if name not in QUERIES and not name.startswith("urn:uuid:"):
        raise click.UsageError(f"there is no stored query {name}; there are: {', '.join(QUERIES)}")
    if (patient or statuses) and name not in _KINDS:
        raise click.UsageError(f"{name} is not about a patient: --patient and --status are of {', '.join(_KINDS)}")
    asked = _about_patient(name, patient, statuses or (Status.APPROVED.value,)) if patient else {}
    asked |= _parameters(name, parameters)
    with connected("registry", **connection) as (client, _):
        result = client.query(name, asked, "ObjectRef" if object_refs else "LeafClass")
    if as_json:
        answer = {"status": result.status, **msgspec.to_builtins(result.objects), "issues": issues_json(result.issues)}
        click.echo(json.dumps(answer, indent=2))
    else:
        show_issues(result.issues)
        for line in _lines(result.objects):
            click.echo(in_line(line))
    raise SystemExit(1 if result.status == "Failure" else 0)


def _about_patient(name: str, patient: str, statuses: Iterable[str]) -> dict[str, Any]:
    """The parameters that a query about a patient has. Source: ITI TF-2: 3.18.4.1.2.3.7."""
    kinds = _KINDS[name]
    urns = [Status(status).urn for status in statuses]
    patient_parameter = "$patientId" if name == "GetAll" else f"$XDS{kinds[0]}PatientId"
    return {patient_parameter: patient} | {f"$XDS{kind}Status": urns for kind in kinds}


def _parameters(name: str, given: Iterable[str]) -> dict[str, Any]:
    from xds.client.query import Verbatim, takes_list

    values: dict[str, list[str]] = {}
    for text in given:
        parameter, equals, value = text.partition("=")
        if not equals or not value or not parameter.startswith("$"):
            raise click.BadParameter(f"expected $NAME=VALUE, found {parameter!r}", param_hint="--param")
        values.setdefault(parameter, []).append(value)
    asked: dict[str, Any] = {}
    for parameter, found in values.items():
        if all(value[0] in "('" for value in found):
            asked[parameter] = Verbatim(found)
        elif takes_list(name, parameter):
            asked[parameter] = found
        elif len(found) > 1:
            raise click.BadParameter(f"{parameter} of {name} takes one value", param_hint="--param")
        else:
            asked[parameter] = found[0]
    return asked


def _lines(objects: Submission) -> Iterable[str]:
    for entry in objects.entries:
        kind = (entry.type_code.display or entry.type_code.code) if entry.type_code else "-"
        yield (
            f"document   {entry.unique_id}  {entry.availability_status or '-'}  {entry.creation_time or '-'}  "
            f"{entry.mime_type or '-'}  {entry.size or '-'}  {kind}  {entry.title or '-'}  "
            f"repository {entry.repository_unique_id or '-'}  {entry.entry_uuid}"
        )
    for submission_set in objects.submission_sets:
        yield (
            f"submission {submission_set.unique_id}  {submission_set.availability_status or '-'}  "
            f"{submission_set.submission_time or '-'}  {submission_set.title or '-'}  {submission_set.entry_uuid}"
        )
    for folder in objects.folders:
        yield (
            f"folder     {folder.unique_id}  {folder.availability_status or '-'}  {folder.last_update_time or '-'}  "
            f"{folder.title or '-'}  {folder.entry_uuid}"
        )
    for association in objects.associations:
        kind = association.association_type.rpartition(":")[2]
        yield f"{kind:10} {association.source_object} -> {association.target_object}"
    yield from objects.object_refs
