"""scripts/faults in its short form: what was acknowledged survives, and what was given is in the log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


POSTGRESQL = ("--database", "postgresql")


@pytest.mark.parametrize(
    "arguments",
    [
        ("kill",),
        ("kill", "--workers", "2", *POSTGRESQL),
        ("released", "--workers", "2"),
        ("apart",),
        ("calls",),
        ("disk",),
        ("database",),
        ("descriptors",),
        ("postgresql", *POSTGRESQL),
        ("log-disk",),
        ("backup",),
        ("clock",),
        ("download",),
        ("together",),
        ("cut",),
        ("stop",),
    ],
    ids=" ".join,
)
def test_nothing_acknowledged_is_lost(arguments, tmp_path):
    file = tmp_path / "outcome.json"
    command = [sys.executable, ROOT / "scripts" / "faults", *arguments, "--json", file]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert file.exists(), done.stderr
    (outcome,) = json.loads(file.read_text())
    if outcome["result"] == "unavailable":
        pytest.skip(outcome["reason"])
    assert outcome["result"] == "survived", json.dumps(outcome, indent=1)
    assert outcome["acknowledged"] > 0
    assert done.returncode == 0


def test_what_was_asked_for_and_could_not_be_done_was_not_survived(tmp_path):
    command = [sys.executable, ROOT / "scripts" / "faults", "postgresql"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "needs --database postgresql" in done.stdout
    assert done.returncode == 1
