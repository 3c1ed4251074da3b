"""A patient's number that gets where none may be fails the test run: case 92 of the catalogue.

The patients of the tests are canaries. Their numbers are looked for in what servers log and count, in what a test
writes on stderr or logs, and in the names of all files, and the log files, of the run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

_CANARIES = re.compile("(?<![0-9A-Za-z])(?:999911120|999900006|999990019)(?![0-9A-Za-z])")
"""Not within other digits, as random identifiers have them."""
_LOGGED = ("Captured stderr", "Captured log")


def leaks(lines: Iterable[str]) -> list[str]:
    """The lines that have a patient's number, without it."""
    return [_CANARIES.sub("<patient>", line.strip())[:300] for line in lines if _CANARIES.search(line)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Fail a test during which a number was logged in this process, or by one that shares its stderr."""
    report = yield
    written = (text for name, text in report.sections if name.startswith(_LOGGED))
    found = leaks(line for text in written for line in text.splitlines())
    if found and report.outcome == "passed":
        report.outcome = "failed"
        report.longrepr = "\n".join(["a patient's number was logged:", *found])
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of which a file's name, or a log file, has a number."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    root = None if factory is None else factory._basetemp
    found = [] if root is None else list(_in_files(root))
    if found:
        print("\n".join(["", "a patient's number is in a file's name, or in a log file:", *found]))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _in_files(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        yield from leaks(f"{folder}/{name}" for name in (*folders, *names))
        for name in names:
            if name.endswith(".log"):
                with open(f"{folder}/{name}", errors="replace") as log:
                    yield from leaks(log)
