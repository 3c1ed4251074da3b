"""Random manipulations of a log, each with the first record that is bad after it.

As a program: python tests/audit/manipulations.py [COUNT] [SEED]
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from logs import RECORDER, SIGNER, Log, event, sizes
from msgspec.structs import replace

from xds.audit.bundle import export
from xds.audit.checkpoint import Signer, new_signing_key
from xds.audit.verify import Report, verify
from xds.model.audit import EMPTY

FORGER = Signer(new_signing_key(), SIGNER.key.name)


class Case(NamedTuple):
    """What an auditor is given, with the notes that were anchored, and the record that is the first bad one."""

    lines: list[bytes]
    notes: list[str]
    anchors: list[str]
    first_bad: int | None

    def judged(self) -> Report:
        return verify(self.lines, self.notes, SIGNER.key, self.anchors)


def clean(chance: random.Random) -> Log:
    return Log().grow(chance.randint(2, 40), every=chance.randint(3, 10))


def exported(log: Log) -> list[bytes]:
    return list(export(log.key.name, EMPTY, log.lines))


def sound(chance: random.Random) -> Case:
    log = clean(chance)
    return Case(exported(log), log.notes, chance.sample(log.notes, min(2, len(log.notes))), None)


def flip(chance: random.Random) -> Case:
    log = clean(chance)
    lines = exported(log)
    at = chance.randrange(1, len(lines))
    line = bytearray(lines[at])
    line[chance.randrange(len(line) - 1)] ^= 1 << chance.randrange(8)
    lines[at] = bytes(line)
    return Case(lines, log.notes, [], at - 1)


def delete(chance: random.Random) -> Case:
    log = clean(chance)
    lines = exported(log)
    at = chance.randrange(1, len(lines))
    del lines[at]
    return Case(lines, log.notes, [], at - 1)


def insert(chance: random.Random) -> Case:
    log = clean(chance)
    original = exported(log)
    at = chance.randrange(1, len(original) + 1)
    foreign = exported(Log().grow(50))[at]
    added = chance.choice([foreign, *original[1:]])
    # A copy just before its original takes its place, and the original is the one too many.
    bad = at if original[at : at + 1] == [added] else at - 1
    return Case([*original[:at], added, *original[at:]], log.notes, [], bad)


def swap(chance: random.Random) -> Case:
    log = clean(chance)
    lines = exported(log)
    one, other = sorted(chance.sample(range(1, len(lines)), 2))
    lines[one], lines[other] = lines[other], lines[one]
    return Case(lines, log.notes, [], one - 1)


def renumber(chance: random.Random) -> Case:
    log = clean(chance)
    lines = exported(log)
    at = chance.randrange(1, len(lines))
    lines[at] = lines[at].replace(b'{"seq":%d,' % (at - 1), b'{"seq":%d,' % (at - 1 + chance.choice([-1, 1, 7])))
    return Case(lines, log.notes, [], at - 1)


def truncate(chance: random.Random) -> Case:
    """The tail is gone with its checkpoints; an anchor has one of them."""
    log = clean(chance)
    size = chance.randrange(len(log.lines))
    kept = log.cut(size)
    anchor = chance.choice([note for note in log.notes if int(note.splitlines()[1]) > size])
    return Case(exported(kept), kept.notes, [anchor], size)


def restore(chance: random.Random) -> Case:
    """An old backup was put back, and the log went on from there with the true key."""
    log = clean(chance)
    size = chance.randrange(len(log.lines))
    restored = log.cut(size).grow(len(log.lines), every=chance.randint(3, 10), first=1000)
    anchors = log.notes
    good = max((anchored for anchored in [0, *sizes(anchors)] if anchored <= size), default=0)
    return Case(exported(restored), restored.notes, anchors, good)


def fork(chance: random.Random) -> Case:
    """Two histories, both signed, were shown to different parties."""
    log = clean(chance)
    size = chance.randrange(len(log.lines))
    other = log.cut(size).grow(len(log.lines) - size, first=1000)
    good = max((signed for signed in [0, *sizes([*log.notes, *other.notes])] if signed <= size), default=0)
    return Case(exported(other), [*log.notes, other.notes[-1]], [], good)


def forge(chance: random.Random) -> Case:
    """Everything after a change was computed anew, by one who has not the key."""
    log = clean(chance)
    size = chance.randrange(len(log.lines))
    forged = log.cut(size).grow(len(log.lines) - size, first=1000)
    good = max(signed for signed in [0, *sizes(log.notes)] if signed <= size)
    return Case(exported(forged), log.notes, [], good)


def sign_otherwise(chance: random.Random) -> Case:
    """A history of somebody else's, signed with another key of the same name."""
    forged = Log(FORGER).grow(chance.randint(2, 40))
    return Case(exported(forged), forged.notes, [], 0)


def duplicate(chance: random.Random) -> Case:
    """A request has two records of one number, both truly sealed."""
    log = clean(chance)
    again = chance.choice(log.lines)
    at = len(log.lines)
    log.add_leaf(again.leaf.request_id, again.leaf.number, b"other salt" * 2, again.payload or b"")
    log.grow(chance.randrange(3), first=500)
    return Case(exported(log), log.notes, [], at)


def step_back(chance: random.Random) -> Case:
    """The clock went back, and everything is truly sealed."""
    log = clean(chance)
    at = len(log.lines)
    log.now -= timedelta(seconds=chance.randint(2, 1000))
    log.grow(chance.randint(1, 3), first=500)
    return Case(exported(log), log.notes, [], at)


def strip(chance: random.Random) -> Case:
    """A payload was deleted before its term: its commitment alone is left."""
    log = clean(chance)
    at = chance.randrange(len(log.lines))
    log.lines[at] = log.lines[at]._replace(payload=None, salt=None)
    return Case(exported(log), log.notes, [], at)


def misattribute(chance: random.Random) -> Case:
    """The payload of one request was sealed as another's."""
    log = clean(chance)
    at = len(log.lines)
    (entry,) = RECORDER.entries(replace(event(at), request_id="r-of-another"))
    log.add_leaf(f"r-{at:x}", 0, b"salt" * 4, entry.payload)
    log.sign()
    return Case(exported(log), log.notes, [], at)


MANIPULATIONS: tuple[Callable[[random.Random], Case], ...] = (
    flip, delete, insert, swap, renumber, truncate, restore, fork, forge, sign_otherwise, duplicate, step_back, strip,
    misattribute,
)  # fmt: skip


def try_all(count: int, seed: int) -> list[str]:
    """Do so many manipulations, and as many clean logs as one sort of them; what was judged wrongly."""
    wrong = []
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")
        for manipulate in {MANIPULATIONS[number % len(MANIPULATIONS)], *([sound] if number % 14 == 0 else [])}:
            case = manipulate(chance)
            report = case.judged()
            if report.sound != (manipulate is sound) or report.first_bad != case.first_bad:
                wrong.append(f"{manipulate.__name__} {seed}/{number}: {case.first_bad} is bad, {report.findings}")
    return wrong


if __name__ == "__main__":
    total, start = (int(text) for text in [*sys.argv[1:], *("10000", "0")[len(sys.argv) - 1 :]])
    mistakes = try_all(total, start)
    print(*mistakes, f"{total} manipulations, {len(mistakes)} judged wrongly", sep="\n")
    sys.exit(bool(mistakes))
