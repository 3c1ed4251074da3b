"""The canary sings: a run in which a patient's number gets out fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from canary import leaks

PATIENT = "999911120"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("sys.stderr.write('patient 999911120 is not known')", 1),
        ("logging.getLogger().error('999911120^^^&2.16.840.1.113883.2.4.6.3&ISO')", 1),
        ("(tmp_path / '999911120.xml').touch()", 1),
        ("(tmp_path / 'server.log').write_text('999900006 came in')", 1),
        ("print('999911120'); sys.stderr.write('2.25.999911120417 a999911120b')", 0),
    ],
)
def test_a_run_fails_when_a_number_gets_out(tmp_path, statement, expected):
    program = tmp_path / "test_it.py"
    program.write_text(f"import logging, sys\ndef test_it(tmp_path):\n    {statement}\n")
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = (
        "-m",
        "pytest",
        "-p",
        "canary",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        tmp_path,
        "--basetemp",
        tmp_path / "b",
    )
    done = subprocess.run(
        [sys.executable, *map(str, command), str(program)], env=here, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == expected, done.stdout
    # What it wrote is for this test alone, and not for the canary of the run that it is part of.
    for path in sorted((tmp_path / "b").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def test_a_servers_log_is_looked_at_by_lines_and_the_number_is_not_repeated():
    assert leaks(["fine", f'{{"patient": "{PATIENT}"}}']) == ['{"patient": "<patient>"}']
    assert leaks([f"/Patient/{PATIENT}?x=1", f'xds_requests{{patient="{PATIENT}"}} 1']) != []
