"""The group of all commands."""

from __future__ import annotations

import importlib

import click

from xds import __version__
from xds.errors import Misconfigured, XdsError

COMMANDS = (
    "init",
    "serve",
    "pages",
    "doctor",
    "endpoints",
    "config",
    "patient",
    "consent",
    "participant",
    "auditor",
    "session",
    "launch",
    "token",
    "audit",
    "documents",
    "submit",
    "query",
    "retrieve",
    "validate",
)


class Failed(click.ClickException):
    """Ends the command with a message on stderr and an exit status."""

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.exit_code = status


class Commands(click.Group):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        return importlib.import_module(f"xds.cli.{name}").command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except XdsError as error:
            raise Failed(str(error), 2 if isinstance(error, Misconfigured) else 3) from None


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="xds", help="Show the version and end.")
def main() -> None:
    """An IHE XDS.b Document Registry and Repository for birth care.

    Exit status: 0 done; 1 the answer is negative (rejected, not found, a check failed); 2 the command line or the
    configuration is wrong; 3 something that is needed can't be reached.
    """
