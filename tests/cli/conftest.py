from __future__ import annotations

import functools
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import served

Xds = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def xds(tmp_path) -> Xds:
    """Runs the command in a folder of the test's own."""
    return functools.partial(served.xds, cwd=tmp_path)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder that `xds init --demo` made, with an affinity domain."""
    return served.initialised(tmp_path / "demo")
