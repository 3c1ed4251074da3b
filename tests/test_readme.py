"""The README's shell blocks, its Python and its configurations work; and it names every command and option."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from xds.cli.main import main
from xds.config import load

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
ELSEWHERE = ("scripts/demo", "scripts/test")
"""Run by tests/flows, and what runs this."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def free_ports(how_many: int) -> list[str]:
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(how_many)]
        return [str(probe.getsockname()[1]) for probe in probes]


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A folder such as the reader's, with `xds` on the path and ports that are free. Runs what is read there."""
    (tmp_path / "xds").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m xds "$@"\n')
    (tmp_path / "xds").chmod(0o755)
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    http, mllp, pages, apart = free_ports(4)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("XDS_SERVER_PORT", http)
    monkeypatch.setenv("XDS_MLLP_PORT", mllp)
    monkeypatch.setenv("XDS_PAGES_PORT", pages)
    registry = f"https://127.0.0.1:{http}"
    settings = {
        "XDS_SERVER_PORT": apart,
        "XDS_REPOSITORY_REGISTRY_URL": f"{registry}/registry",
        "XDS_IDENTITY_AUDIENCE": registry,
    }

    def run(*command: str, start: bool = False) -> subprocess.CompletedProcess[str] | subprocess.Popen[str]:
        own = [word.replace("8443", http).replace("8444", pages).replace("2575", mllp) for word in command]
        environment = os.environ | (settings if "--config try-repository/" in " ".join(command) else {})
        if start:
            return subprocess.Popen(own, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
        return subprocess.run(own, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)

    return run


def wait_for_server(server: subprocess.Popen[str]) -> None:
    log = ""
    while '"ready"' not in log:
        line = server.stderr.readline()
        assert line, log
        log += line


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="curl or openssl is not installed")
def test_every_command_of_the_readme_runs(reader, tmp_path):
    servers, found = [], []
    try:
        for line in (line for block in blocks("sh") for line in block.splitlines()):
            if line.startswith(ELSEWHERE):
                continue
            if line.startswith(("xds serve", "xds pages")):
                servers.append(reader(*line.split(), start=True))
                wait_for_server(servers[-1])
                continue
            done = reader("sh", "-c", line)
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
            if "nurse.xml --certificate" in line and line.startswith("xds query"):
                found.append(done.stdout.count("2.999.20.1 "))
            if "--data-binary" in line:
                assert "ResponseStatusType:Success" in done.stdout, line
            if "openssl" in line:
                assert "MSA|AA" in done.stdout, done.stdout
        (program,) = blocks("python")
        done = reader(sys.executable, "-c", program)
        assert done.returncode == 0, done.stderr
        assert sorted(line.split()[1] for line in done.stdout.splitlines()) == ["application/pdf", "text/xml"]
    finally:
        for server in servers:
            server.terminate()
            server.communicate(timeout=40)
    assert servers
    assert found == [0, 1], "a new system finds a document only with the client's consent"


@pytest.mark.parametrize("text", blocks("toml"))
def test_every_configuration_of_the_readme_is_right(text, tmp_path):
    file = tmp_path / "xds.toml"
    file.write_text(text)
    settings = load(file, {})
    assert settings.base_url.endswith(".example:8443")


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


@pytest.mark.parametrize("name", re.findall(r"`((?:xds|scripts|fixtures|tests|wsdl)/[\w./-]+)`", README))
def test_every_path_in_the_readme_is_there(name):
    assert (ROOT / name).exists()
