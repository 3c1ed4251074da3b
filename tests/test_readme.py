"""Each command in the README's shell blocks runs, in the order of the README; and it names every command and option."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from xds.cli.main import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.splitlines()]
ELSEWHERE = ("scripts/demo", "scripts/test")
"""Run by tests/flows, and what runs this."""


def ready(config: str, environment: dict[str, str]) -> bool:
    command = [
        sys.executable,
        "-m",
        "xds",
        "query",
        "GetAssociations",
        "--param",
        "$uuid=urn:uuid:x",
        "--config",
        config,
    ]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True).returncode == 0


def test_every_command_of_the_readme_runs(tmp_path):
    (tmp_path / "xds").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m xds "$@"\n')
    (tmp_path / "xds").chmod(0o755)
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    servers = []
    try:
        for line in COMMANDS:
            if line.startswith(ELSEWHERE):
                continue
            if line.startswith("xds serve"):
                servers.append(subprocess.Popen(line.split(), cwd=tmp_path, env=environment, stderr=subprocess.PIPE))
                until = time.monotonic() + 20
                while not ready(str(tmp_path / "try-xds/xds.toml"), environment):
                    assert time.monotonic() < until, "the server did not start"
                continue
            done = subprocess.run(
                ["sh", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    finally:
        for server in servers:
            server.terminate()
            server.communicate(timeout=40)
    assert servers


def options(command: click.Command, name: str) -> list[tuple[str, str]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        below = [(each, command.get_command(context, each)) for each in command.list_commands(context)]
        return [pair for each, found in below if found for pair in options(found, f"{name} {each}")]
    return [(name, max(each.opts, key=len)) for each in command.params if isinstance(each, click.Option)]


@pytest.mark.parametrize(("command", "option"), options(main, "xds"))
def test_the_readme_names_every_command_and_option(command, option):
    row = next((line for line in README.splitlines() if line.startswith(f"| `{command}` |")), "")
    assert f"`{option}`" in row
