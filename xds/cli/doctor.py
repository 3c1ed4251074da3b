"""`xds doctor`: look whether everything is as it should be."""

from __future__ import annotations

import json
from pathlib import Path

import click

from xds.cli.options import config_option, json_option

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command
@config_option
@json_option
def command(config: Path | None, as_json: bool) -> None:
    """Check the installation, configuration, certificates, issuers, policy, log, disk, database, clock and ports.

    Says of each whether it is well, and what to do if not. Exit status 1 when something fails.
    """
    from xds.cli.examine import examine
    from xds.web.logs import set_up_logs

    set_up_logs("error", "console")
    findings = []
    for finding in examine(config):
        findings.append(finding)
        if not as_json:
            click.echo(f"{click.style(f'{finding.verdict:4}', _COLOURS[finding.verdict])} {finding.name}: ", nl=False)
            click.echo(finding.found)
            if finding.advice:
                click.echo(f"     → {finding.advice}")
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings], indent=2))
    raise SystemExit(1 if any(finding.verdict == "fail" for finding in findings) else 0)
