"""`xds config`: what can be set."""

from __future__ import annotations

import json

import click

from xds.cli.options import config_option, json_option


@click.command
@config_option
@json_option
@click.option("--check", is_flag=True, help="Read the configuration and say whether it is right, instead.")
def command(config, as_json: bool, check: bool) -> None:
    """List every setting with its default and meaning, as a Markdown table.

    Each can be written in the configuration file, or be given as the variable XDS_<SECTION>_<KEY>.
    """
    from xds.config import keys, load, markdown_table

    if check:
        load(config)
        click.echo("The configuration is right.")
    elif as_json:
        click.echo(json.dumps([key._asdict() for key in keys()], indent=2))
    else:
        click.echo(markdown_table(), nl=False)
