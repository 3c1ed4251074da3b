"""The results for a person, and as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from testkit.plan import Testkit
from testkit.run import Result


def table(results: Sequence[Result]) -> str:
    """A line for each step, and the totals."""
    places = [f"{each.test}/{each.section}" for each in results]
    wide = max((len(each) for each in places), default=0)
    long = max((len(each.step) for each in results), default=0)
    lines = [
        f"{each.result:11}  {place:{wide}}  {each.step:{long}}  {each.reason}".rstrip()
        for each, place in zip(results, places, strict=True)
    ]
    totals = Counter(each.result for each in results)
    tests = {each.test for each in results}
    whole = tests - {each.test for each in results if each.result != "passed"}
    counts = ", ".join(f"{totals[name]} {name}" for name in ("passed", "failed", "unsupported"))
    return "\n".join((*lines, "", f"{len(results)} steps: {counts}. {len(tests)} tests: {len(whole)} passed whole."))


def write_json(file: Path, results: Sequence[Result]) -> None:
    file.write_text(json.dumps([dataclasses.asdict(each) for each in results], indent=1) + "\n")


def listing(testkit: Testkit) -> str:
    """The collections with their tests, and the tests with their sections."""
    collections = [f"{name}: {' '.join(tests)}" for name, tests in sorted(testkit.collections().items())]
    tests = [f"{test}: {' '.join(testkit.sections(test))}" for test in testkit.tests()]
    return "\n".join(("Collections", *collections, "", "Tests", *tests))
