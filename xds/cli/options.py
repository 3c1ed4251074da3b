"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path

import click

config_option = click.option(
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Configuration file; else the variable XDS_CONFIG names it, else ./xds.toml.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")
