"""What one may not see takes as long as what isn't there: case 91 of the catalogue.

A few of each in a test; `scripts/timing` asks as often as it is told to, and shows the medians.
"""

from __future__ import annotations

import math
import os
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from region import GYNAECOLOGIST, MIDWIFE, Region, entry, guarded, query, retrieval, submission
from samples import PATIENT, association, folder
from served import Served

from xds.ebrim.submit import encode_submit_objects
from xds.model.ids import new_uuid
from xds.model.objects import AssociationType
from xds.soap.beat import BEAT

TIMES = int(os.environ.get("TIMING_SAMPLES", "25"))
NOISE = 0.001
_PER_TOKEN = 500
"""Samples until another assertion is needed, because one expires after minutes."""
HIDDEN, HIDDEN_MAP, SEEN = new_uuid(), new_uuid(), new_uuid()
UNIQUE_ID, SEEN_ID = "2.999.100.91", "2.999.100.90"
ABSENT = "2.999.100.92"
APND = AssociationType.APND


@pytest.fixture(scope="module")
def region(tmp_path_factory) -> Iterator[Region]:
    made = guarded(tmp_path_factory.mktemp("timing"), PATIENT)
    with Served(made) as server:
        server.logged("ready")
        region = Region(made, server)
        hidden = entry("midwife-practice", HIDDEN, UNIQUE_ID)
        sent = submission(
            "midwife-practice", hidden, folder(HIDDEN_MAP), association(HIDDEN_MAP, HIDDEN, AssociationType.HAS_MEMBER)
        )
        answer = region.provide("midwife-practice", region.token("midwife-practice", MIDWIFE), sent, {HIDDEN: b"x"})
        assert b"ResponseStatusType:Success" in answer
        doctor, own = region.token("hospital", GYNAECOLOGIST), submission("hospital", entry("hospital", SEEN, SEEN_ID))
        answer = region.provide("hospital", doctor, own, {SEEN: b"x"})
        assert b"ResponseStatusType:Success" in answer
        yield region
        region.close()


def cases(repository: str) -> dict[str, tuple[str, str, str]]:
    """The actor's path, a request for what is hidden, and the same for what isn't there."""

    def asked(name: str, parameter: str, uuid: str) -> tuple[str, str, str]:
        return "/registry", query(name, {parameter: [f"'{uuid}'"]}), query(name, {parameter: [f"'{new_uuid()}'"]})

    def beside(uuid: str) -> str:
        return query("GetDocuments", {"$XDSDocumentEntryEntryUUID": [f"('{SEEN}','{uuid}')"]})

    reference = submission("hospital", entry("hospital", "new", "2.999.100.93"), association("new", HIDDEN, APND))
    absent = submission("hospital", entry("hospital", "new", "2.999.100.93"), association("new", new_uuid(), APND))
    return {
        "GetDocuments": asked("GetDocuments", "$XDSDocumentEntryEntryUUID", HIDDEN),
        "GetFolderAndContents": asked("GetFolderAndContents", "$XDSFolderEntryUUID", HIDDEN_MAP),
        "ITI-43": ("/repository", retrieval(repository, [UNIQUE_ID]), retrieval(repository, [ABSENT])),
        "GetDocuments, one seen": ("/registry", beside(HIDDEN), beside(new_uuid())),
        "ITI-43, one seen": (
            "/repository",
            retrieval(repository, [SEEN_ID, UNIQUE_ID]),
            retrieval(repository, [SEEN_ID, ABSENT]),
        ),
        "ITI-42": ("/registry", *(encode_submit_objects(each).decode() for each in (reference, absent))),
    }


def measured(region: Region, path: str, hidden: str, absent: str) -> tuple[list[float], list[float]]:
    """Seconds for each of the two, asked in turn, in an order that chance decides."""
    found: tuple[list[float], list[float]] = ([], [])
    for number in range(TIMES + 1):
        if number % _PER_TOKEN == 0:
            token = region.token("hospital", GYNAECOLOGIST)
        for which in random.sample((0, 1), 2):
            began = time.perf_counter()
            region.ask("hospital", token, (hidden, absent)[which], path)
            if number:
                found[which].append(time.perf_counter() - began)
    return found


def chance(one: Sequence[float], other: Sequence[float]) -> float:
    """How likely such a difference is when there is none. Source: the rank sum test of Mann and Whitney."""
    ordered = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    n, m = len(one), len(other)
    ranks = sum(place for place, (_, which) in enumerate(ordered, 1) if which == 0)
    z = (ranks - n * (n + m + 1) / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


def test_time_does_not_tell_hidden_from_absent(region):
    asked = cases(region.repository)
    with ThreadPoolExecutor(len(asked) if TIMES < 100 else 1) as threads:
        found = list(threads.map(lambda case: measured(region, *case), asked.values()))
    for name, (hidden, absent) in zip(asked, found, strict=True):
        difference = statistics.median(hidden) - statistics.median(absent)
        likely = chance(hidden, absent)
        print(f"{name:22} {TIMES} x hidden, absent: medians differ by {difference * 1000:+.3f} ms (p = {likely:.3f})")
        assert min(hidden + absent) >= BEAT, f"{name} did not wait"
        assert abs(difference) < NOISE or likely > 0.001, name
