"""scripts/demo does what it says, twice, in the environment that runs the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_demo_tells_its_story_again_and_again():
    environment = {**os.environ, "VIRTUAL_ENV": sys.prefix, "PYTHONPATH": str(ROOT)}
    for _ in range(2):
        done = subprocess.run(
            [ROOT / "scripts" / "demo", "--once"], env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "what went in came out, byte for byte" in done.stdout
        assert done.stdout.count(" ms\n") == 9
        assert "999911120" not in (ROOT / "var" / "demo" / "server.log").read_text()
