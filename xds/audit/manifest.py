"""What an export has, signed with the log's key: then nobody leaves a record out, or puts one in, unseen.

A note like a checkpoint, which it can't be taken for, since its second line is no number:

    xds.example/log                                  origin: the name of the log and of its key
    export
    tree 1234                                        how many records the log had
    records 3                                        how many of them are in the export
    seqs 3,17-18                                     which, in order
    sha256 log.ndjson 3a7bd3e2360a3d29eea436fc…      of each file of the export that is vouched for
    selection Organisatie: 00005678                  what was asked for, in words
    time 2025-03-12T14:05:00Z                        when it was signed

    — xds.example/log Az3grlgtzPICa5OS8npVmf1Myq…    key id and Ed25519 signature
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from xds.audit.checkpoint import Signer, VerificationKey, signed_text
from xds.model.visible import in_line

_RUNS = r"none|[0-9]+(?:-[0-9]+)?(?:,[0-9]+(?:-[0-9]+)?)*"
_TEXT = re.compile(
    rf"(?P<origin>\S+)\nexport\ntree (?P<size>[0-9]+)\nrecords (?P<records>[0-9]+)\nseqs (?P<seqs>{_RUNS})\n"
    r"(?P<digests>(?:sha256 \S+ [0-9a-f]{64}\n)+)selection (?P<selection>[^\n]+)\n"
    r"time (?P<time>[0-9T:-]+Z)\n"
)


class Manifest(NamedTuple):
    """What was exported, and when (UTC). `runs` are the first and last seq of each run; `digests` the SHA-256 of files,
    by name.
    """

    origin: str
    size: int
    runs: tuple[tuple[int, int], ...]
    digests: Mapping[str, str]
    selection: str
    time: datetime

    @property
    def records(self) -> int:
        return sum(last - first + 1 for first, last in self.runs)

    def seqs(self) -> Iterator[int]:
        """The seq of each record, in order."""
        for first, last in self.runs:
            yield from range(first, last + 1)

    def has(self, seq: int) -> bool:
        return any(first <= seq <= last for first, last in self.runs)


def write_manifest(
    signer: Signer, size: int, seqs: Iterable[int], digests: Mapping[str, str], selection: str, time: datetime
) -> str:
    """Sign what an export has of a log of `size` records; `selection` says in words what was asked for."""
    runs = _runs(seqs)
    listed = ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
    lines = [
        signer.key.name,
        "export",
        f"tree {size}",
        f"records {sum(last - first + 1 for first, last in runs)}",
        f"seqs {listed or 'none'}",
        *(f"sha256 {name} {digest}" for name, digest in digests.items()),
        f"selection {in_line(selection)}",
        f"time {time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    ]
    return signer.signed("".join(f"{line}\n" for line in lines))


def read_manifest(note: str, key: VerificationKey) -> Manifest:
    """What a manifest says; ValueError says what is wrong when it is none, or this key did not sign it."""
    match = _TEXT.fullmatch(signed_text(note, key))
    if match is None or match["origin"] != key.name:
        raise ValueError("it is not the manifest of an export of this log")
    runs = tuple(_run(text) for text in match["seqs"].split(",") if text != "none")
    digests = {name: digest for _, name, digest in map(str.split, match["digests"].splitlines())}
    time = datetime.fromisoformat(match["time"])
    found = Manifest(match["origin"], int(match["size"]), runs, digests, match["selection"], time)
    if found.records != int(match["records"]):
        raise ValueError("it names another number of records than it lists")
    return found


def _run(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def _runs(seqs: Iterable[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for seq in seqs:
        if runs and seq == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], seq)
        else:
            runs.append((seq, seq))
    return runs
