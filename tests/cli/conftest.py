from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AFFINITY_DOMAIN = ROOT / "fixtures" / "affinity-domains" / "geboortezorg.toml"

Xds = Callable[..., subprocess.CompletedProcess]


def environment() -> dict[str, str]:
    """The environment without settings, in which `xds` is found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDS_")}
    return kept | {"PYTHONPATH": str(ROOT)}


@pytest.fixture
def xds(tmp_path) -> Xds:
    """Runs the command in a folder of the test's own."""

    def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "xds", *map(str, arguments)],
            cwd=tmp_path,
            env=environment() | variables,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.fixture
def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        return first.getsockname()[1], second.getsockname()[1]


@pytest.fixture
def folder(xds, tmp_path, free_ports) -> Path:
    """A folder that `xds init --demo` made, with a small affinity domain, and XDS_CONFIG."""
    http, mllp = free_ports
    done = xds("init", "demo", "--demo", "--affinity-domain", AFFINITY_DOMAIN, "--port", http, "--mllp-port", mllp)
    assert done.returncode == 0, done.stderr
    return tmp_path / "demo"
