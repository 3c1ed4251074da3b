"""Other processes that use the same database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def started(program: Path, url: str, name: str, count: int) -> subprocess.Popen[str]:
    """A process that writes `count` times under a name; without end where that is 0."""
    return subprocess.Popen(
        [sys.executable, program, url, name, str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
