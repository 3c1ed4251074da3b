from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from served import environment, initialised

Xds = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def xds(tmp_path) -> Xds:
    """Runs the command in a folder of the test's own."""

    def run(*arguments: object, **variables: object) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "xds", *map(str, arguments)],
            cwd=tmp_path,
            env=environment(variables),
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder that `xds init --demo` made, with an affinity domain."""
    return initialised(tmp_path / "demo")
