"""`xds pages`: run the pages for auditors, clients and the public."""

from __future__ import annotations

from pathlib import Path

import click

from xds.cli.options import config_option


@click.command
@config_option
def command(config: Path | None) -> None:
    """Run the pages until they are told to stop, beside `xds serve` and on the same database.

    SIGTERM or Ctrl-C ends them. SIGHUP reads the certificate, the policy and the bounds of hints again.
    """
    from xds.config import load
    from xds.pages_server import serve_pages

    raise SystemExit(serve_pages(load(config)))
