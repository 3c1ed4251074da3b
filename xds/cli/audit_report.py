"""`xds audit report`: the overviews of NEN 7513."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from xds.cli.audit_log import DAY, Opened, opened
from xds.cli.options import config_option, json_option
from xds.model.visible import in_json, in_line


@click.command
@config_option
@json_option
@click.argument("overview", type=click.Choice(["client", "day", "employee", "dossier"]))
@click.argument("subject", metavar="SUBJECT")
@click.option("--from", "since", type=DAY, metavar="DATE", help="From this day on, by Dutch clocks; for day: the day.")
@click.option("--until", type=DAY, metavar="DATE", help="Until this day, included.")
def report(
    config: Path | None, as_json: bool, overview: str, subject: str, since: datetime | None, until: datetime | None
) -> None:
    """Make one of the four overviews of NEN 7513, in Dutch.

    client (a BSN or CX): who had access to the client's own dossier, for the client, without names of employees. day (a
    URA, with --from): all access by an organisation on a day. employee (a UZI number or CX): all that one person did.
    dossier (a BSN or CX): all access to one dossier, with names. All but the client's say why it was allowed, or not.
    """
    from xds.audit.record import decode
    from xds.audit.report import Overview, rows

    kind = Overview(overview)
    if kind is Overview.DAY:
        if since is None:
            raise click.UsageError("the overview of a day needs --from, the day")
        until = since
    about = {Overview.DAY: "organisation", Overview.EMPLOYEE: "employee"}.get(kind, "patient")
    words = dict.fromkeys(("patient", "employee", "organisation"), None) | {about: subject}
    with opened(config) as log:
        asked = log.asked(since=since, until=until, **words)
        log.note_use("log-read", asked, f"xds audit report {overview}")
        records = [decode(line.payload) for line in log.find(asked.selection) if line.payload is not None]
        titles = _titles(log, {document.unique_id for record in records for document in record.documents})
    lines = rows(kind, records, titles)
    if as_json:
        click.echo(in_json(json.dumps([line._asdict() for line in lines], indent=2, ensure_ascii=False)))
    else:
        texts = (line.text if kind is Overview.CLIENT else line.explained for line in lines)
        click.echo("\n".join(map(in_line, texts)) or "Er is niets vastgelegd.")


def _titles(log: Opened, unique_ids: set[str]) -> dict[str, str]:
    """The titles of those documents that the registry here knows, by uniqueId."""
    from xds.ebrim.fragment import unpack
    from xds.ebrim.objects import decode_fragment
    from xds.model.selection import EntrySelection

    titles = {}
    wanted = sorted(unique_ids)
    for at in range(0, len(wanted), 500):
        selection = EntrySelection(unique_ids=tuple(wanted[at : at + 500]))
        for entry in log.database.read_now(lambda reader, asked=selection: reader.entries(asked)):
            title = decode_fragment(unpack(entry.fragment)).title
            if title:
                titles[entry.unique_id] = title
    return titles
