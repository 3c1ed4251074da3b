"""`xds documents`: look after the stored documents."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import click

from xds.cli.options import config_option, json_option


@click.group
def command() -> None:
    """Check the stored documents, and remove what no submission refers to."""


@command.command
@config_option
@json_option
@click.option("--quarantine", is_flag=True, help="Move documents with wrong bytes out of reach.")
def verify(config: Path | None, as_json: bool, quarantine: bool) -> None:
    """Hash every stored document again and compare with the database.

    Exit status 1 when a document is missing or has other bytes than were submitted. The server may run meanwhile.
    """
    from xds.store.verify import verify as verify_store

    async def work(root: Path, page):
        with click.progressbar(length=256, label="Verifying", file=sys.stderr) as bar:
            return await verify_store(root, page, quarantine=quarantine, progress=lambda findings: bar.update(1))

    findings = _with_store(config, work)
    if as_json:
        click.echo(json.dumps(asdict(findings) | {"sound": findings.sound}, indent=2))
    else:
        click.echo(f"{findings.checked} documents, {findings.size} bytes.")
        for kind in ("missing", "mismatched", "quarantined", "orphans"):
            addresses = getattr(findings, kind)
            click.echo(f"{kind}: {len(addresses)}")
            if kind != "orphans":
                for address in addresses:
                    click.echo(f"  {address}")
    raise SystemExit(0 if findings.sound else 1)


@command.command
@config_option
@json_option
@click.option(
    "--grace-hours",
    type=click.FloatRange(min=0),
    default=24.0,
    show_default=True,
    help="Leave alone what is younger; less than the longest request is not safe while the server runs.",
)
def sweep(config: Path | None, as_json: bool, grace_hours: float) -> None:
    """Remove documents that no submission refers to, and parts of broken uploads.

    The server does this by itself every hour.
    """
    from xds.store.sweep import sweep as sweep_store

    swept = _with_store(config, lambda root, page: sweep_store(root, page, timedelta(hours=grace_hours)))
    if as_json:
        click.echo(json.dumps(asdict(swept), indent=2))
    else:
        click.echo(f"{swept.orphans} orphans and {swept.leftovers} leftovers removed, {swept.size} bytes.")


def _with_store(config: Path | None, work):
    from xds.config import load
    from xds.db import open_database

    settings = load(config)
    database = open_database(settings.database.url)
    try:
        return asyncio.run(work(settings.repository.documents, database.holdings_after))
    finally:
        database.close()
