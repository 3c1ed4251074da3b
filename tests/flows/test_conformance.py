"""The NIST testkit tests that are at hand pass, every answer valid against the official schemas."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"


@pytest.mark.skipif(
    not (SHARED / "nist-testkit").is_dir(), reason="the NIST testkit (../shared/nist-testkit) is not here"
)
def test_the_testkit_passes():
    command = [sys.executable, ROOT / "scripts" / "conformance", "--testkit", SHARED / "nist-testkit"]
    command += ["--schemas", SHARED / "schemas"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed, 0 unsupported" in done.stdout
