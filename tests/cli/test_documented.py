"""Every command explains itself, quickly. That the README names them all is tested in test_readme."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from served import environment, process

from xds.cli.main import COMMANDS, main


def commands(
    command: click.Command = main, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command, with the words that it is called by."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), (*path, name))


ALL = {" ".join(path) or "xds": command for path, command in commands()}


@pytest.mark.parametrize("name", ALL)
def test_a_command_and_all_its_options_have_help(name):
    command = ALL[name]

    assert command.help and command.help.rstrip().endswith(".")
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert [option.name for option in options if not option.help] == []


def test_the_exit_status_is_explained():
    assert "Exit status: 0 done; 1 the answer is negative" in " ".join(process("--help").stdout.split())


def test_a_wrong_command_line_is_status_2():
    assert process("server").returncode == 2
    assert process("serve", "--prot", "1").returncode == 2


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_nothing_large(arguments):
    program = (
        "import sys; from xds.cli.main import main; main(sys.argv[1:], standalone_mode=False); "
        "print('large:', *{'aiohttp', 'sqlalchemy', 'zeep', 'spyne', 'cryptography', 'structlog'} & sys.modules.keys())"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=environment({}), capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "large:"


def test_serving_imports_neither_the_client_nor_what_makes_tables_and_certificates():
    program = (
        "import sys, xds.server; xds.server.discover('xds.registry', 'xds.repository'); "
        "print('large:', *{'zeep', 'requests', 'alembic', 'trustme', 'cryptography'} & sys.modules.keys())"
    )

    done = subprocess.run([sys.executable, "-c", program], env=environment({}), capture_output=True, text=True)

    assert done.stdout == "large:\n", done.stderr
