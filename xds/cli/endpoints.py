"""`xds endpoints`: where each transaction is offered."""

from __future__ import annotations

import json
from pathlib import Path

import click

from xds.cli.options import config_option, json_option


@click.command
@config_option
@json_option
def command(config: Path | None, as_json: bool) -> None:
    """Print the URL of every transaction that the configured server offers."""
    from xds.config import load
    from xds.server import endpoints

    offered = endpoints(load(config))
    if as_json:
        click.echo(json.dumps(offered, indent=2))
        return
    for endpoint in offered:
        click.echo(f"{endpoint['transaction']:8} {endpoint['name']:42} {endpoint['url']}")
