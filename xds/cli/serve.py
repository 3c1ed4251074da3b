"""`xds serve`: run the server."""

from __future__ import annotations

from pathlib import Path

import click

from xds.cli.options import config_option


@click.command
@config_option
@click.option("--workers", type=click.IntRange(1, 64), help="Number of processes, instead of server.workers.")
def command(config: Path | None, workers: int | None) -> None:
    """Run the server until it is told to stop.

    SIGTERM or Ctrl-C finishes the requests that run and ends. SIGHUP reads the affinity domain and the
    certificate again.
    """
    import msgspec

    from xds.config import load
    from xds.server import serve

    settings = load(config)
    if workers is not None:
        server = msgspec.structs.replace(settings.server, workers=workers)
        settings = msgspec.structs.replace(settings, server=server)
    raise SystemExit(serve(settings))
