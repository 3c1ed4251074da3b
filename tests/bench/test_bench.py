"""scripts/bench measures every row; how fast the machine of the tests is doesn't matter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SMALL = ["--documents", "1000", "--seconds", "0.3", "--repeats", "1", "--large", "8"]


def test_every_row_is_measured_beside_its_floor(tmp_path):
    file = tmp_path / "rows.json"
    command = [sys.executable, ROOT / "scripts" / "bench", *SMALL, "--data", tmp_path, "--json", file]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(file.read_text())
    assert [(row["name"], row["target"], row["floor"] is not None) for row in rows] == [
        ("ITI-18, one document", 0.45, True),
        ("ITI-18, twenty documents", 0.5, True),
        ("ITI-18, one document, identity, consent and log on", 0.3, True),
        ("the log, ITI-18 at 32 callers", 0.85, True),
        ("the log, ITI-18 at 32 callers: added at the 99th percentile", 15, False),
        ("the filter, 100 candidates", 1.15, True),
        ("ITI-42", 0.3, True),
        ("ITI-41, 10 KB", 0.25, True),
        ("ITI-41, 8 MB", 0.6, True),
        ("ITI-41, 8 MB: memory of a worker above idle", 64, False),
        ("small queries meanwhile, 99th percentile", 5, True),
        ("ITI-43, 8 MB", 0.6, True),
        ("ITI-43, 8 MB: memory of a worker above idle", 64, False),
        ("growth, FindDocuments in 10 times the documents", 1.3, True),
        ("database per document", 2500, False),
        ("start to first answer", 1.5, False),
        ("the log: a page with facets and timeline, 95th percentile", 300, False),
        ("the log: a following page, 95th percentile", 300, False),
        ("the log: the start page with its hints, 95th percentile", 300, False),
    ]
    for row in rows:
        assert row["value"] > 0 or "memory" in row["name"] or "added" in row["name"]
        assert row["ratio"] is None or abs(row["ratio"] - row["value"] / row["floor"]) < 1e-9
        assert set(row) == {"name", "value", "floor", "ratio", "target", "unit", "at_most", "met"}
