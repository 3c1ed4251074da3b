"""Random manipulations of a log, each with the first record that is bad after it.

As a program: python tests/audit/manipulations.py [COUNT] [SEED]
"""

from __future__ import annotations

import hashlib
import random
import re
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from logs import RECORDER, SIGNER, START, Log, event, sizes
from msgspec.structs import replace

from xds.audit.bundle import RECORDS, export, export_selection
from xds.audit.checkpoint import Signer, new_signing_key
from xds.audit.manifest import write_manifest
from xds.audit.verify import Report, verify
from xds.model.audit import EMPTY

FORGER = Signer(new_signing_key(), SIGNER.key.name)


class Case(NamedTuple):
    """What an auditor is given, with the notes that were anchored, and the record that is the first bad one.

    A case without a manifest is of the log itself, as the database has it.
    """

    lines: list[bytes]
    notes: list[str]
    anchors: list[str]
    first_bad: int | None
    manifest: str | None = None

    def judged(self) -> Report:
        digest = hashlib.sha256(b"".join(self.lines)).hexdigest()
        return verify(self.lines, self.notes, SIGNER.key, self.anchors, self.manifest, {RECORDS: digest})


def clean(chance: random.Random) -> Log:
    return Log().grow(chance.randint(2, 40), every=chance.randint(3, 10))


def exported(log: Log) -> list[bytes]:
    return list(export(log.key.name, EMPTY, log.lines))


def manifest_of(lines: Sequence[bytes], notes: Sequence[str], signer: Signer = SIGNER) -> str:
    """What the export of just these lines would have."""
    seqs = [int(found[1]) for line in lines if (found := re.match(rb'{"seq":([0-9]+),', line))]
    digest = hashlib.sha256(b"".join(lines)).hexdigest()
    return write_manifest(signer, max(sizes(notes), default=0), seqs, {RECORDS: digest}, "some", START)


def selected(log: Log, seqs: Sequence[int]) -> list[bytes]:
    return list(export_selection(log.key.name, [log.lines[seq] for seq in seqs], [kept.leaf for kept in log.lines]))


def sound(chance: random.Random) -> Case:
    log = clean(chance)
    return Case(exported(log), log.notes, chance.sample(log.notes, min(2, len(log.notes))), None)


def flip(chance: random.Random) -> Case:
    log = clean(chance)
    lines = exported(log)
    at = chance.randrange(1, len(lines))
    return Case(flipped(chance, lines, at), log.notes, [], at - 1, manifest_of(lines, log.notes))


def flipped(chance: random.Random, lines: list[bytes], at: int) -> list[bytes]:
    """A line with another byte somewhere, even for its end; the lines as they are read then."""
    line = bytearray(lines[at])
    line[chance.randrange(len(line))] ^= chance.randrange(1, 256)
    return re.findall(rb"[^\n]*\n|[^\n]+", b"".join([*lines[:at], bytes(line), *lines[at + 1 :]]))


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


class Selection(NamedTuple):
    """Some records of a log, as they were exported."""

    log: Log
    seqs: list[int]
    lines: list[bytes]
    manifest: str

    def case(self, lines: list[bytes], first_bad: int | None, manifest: str | None = None) -> Case:
        return Case(lines, self.log.notes, self.log.notes, first_bad, manifest or self.manifest)


def selection(chance: random.Random, least: int = 2) -> Selection:
    log = Log().grow(chance.randint(5, 30), every=chance.randint(3, 10))
    size = len(log.lines)
    seqs = sorted(chance.sample(range(size), chance.randint(least, size - 1)))
    lines = selected(log, seqs)
    return Selection(log, seqs, lines, manifest_of(lines, log.notes))


def sound_selection(chance: random.Random) -> Case:
    """Clean, and now and then of no record at all."""
    found = selection(chance, least=0)
    return found.case(found.lines, None)


def flip_in_selection(chance: random.Random) -> Case:
    found = selection(chance)
    at = chance.randrange(1, len(found.lines))
    return found.case(flipped(chance, found.lines, at), found.seqs[at - 1])


def remove_from_selection(chance: random.Random) -> Case:
    found = selection(chance)
    gone = set(chance.sample(found.seqs, chance.randint(1, len(found.seqs) - 1)))
    kept = [line for seq, line in zip(found.seqs, found.lines[1:], strict=True) if seq not in gone]
    return found.case([found.lines[0], *kept], min(gone))


def empty_selection(chance: random.Random) -> Case:
    found = selection(chance)
    return found.case(found.lines[:1], found.seqs[0])


def truncate_selection(chance: random.Random) -> Case:
    found = selection(chance)
    at = chance.randrange(1, len(found.lines))
    return found.case(found.lines[:at], found.seqs[at - 1])


def swap_in_selection(chance: random.Random) -> Case:
    found = selection(chance)
    one, other = sorted(chance.sample(range(1, len(found.lines)), 2))
    lines = [*found.lines]
    lines[one], lines[other] = lines[other], lines[one]
    return found.case(lines, found.seqs[one - 1])


def double_in_selection(chance: random.Random) -> Case:
    found = selection(chance)
    again = chance.randrange(1, len(found.lines))
    at = chance.randrange(again, len(found.lines)) + 1
    return found.case([*found.lines[:at], found.lines[again], *found.lines[at:]], found.seqs[again - 1])


def add_to_selection(chance: random.Random) -> Case:
    """A true record, of another export."""
    found = selection(chance)
    added = chance.choice([seq for seq in range(len(found.log.lines)) if seq not in found.seqs])
    at = chance.randrange(1, len(found.lines) + 1)
    return found.case([*found.lines[:at], selected(found.log, [added])[1], *found.lines[at:]], added)


def replace_manifest(chance: random.Random) -> Case:
    """The manifest is of another export, of an older one of the same question, of another key, or is none."""
    found = selection(chance)
    gone = found.case([found.lines[0], *found.lines[2:]], None)
    later = found.log.cut(len(found.log.lines)).grow(2)
    smaller = manifest_of(selected(found.log, found.seqs[:1]), found.log.notes)
    again = selected(later, found.seqs)
    return chance.choice([
        found.case(found.lines, found.seqs[1], smaller),
        Case(again, later.notes, [], None, found.manifest),
        gone._replace(manifest=manifest_of(gone.lines, found.log.notes, FORGER)),
        gone._replace(manifest=found.log.notes[-1]),
        gone._replace(manifest=""),
        gone._replace(manifest=None),
    ])  # fmt: skip


MANIPULATIONS: tuple[Callable[[random.Random], Case], ...] = (
    flip, delete, insert, swap, renumber, truncate, restore, fork, forge, sign_otherwise, duplicate, step_back, strip,
    misattribute, flip_in_selection,
    remove_from_selection, empty_selection, truncate_selection, swap_in_selection, double_in_selection,
    add_to_selection, replace_manifest,
)  # fmt: skip
SOUND = (sound, sound_selection)


def try_all(count: int, seed: int) -> list[str]:
    """Do so many manipulations, and as many clean logs as one sort of them; what was judged wrongly."""
    wrong = []
    for number in range(count):
        turn, at = divmod(number, len(MANIPULATIONS))
        for manipulate in {MANIPULATIONS[at], *([SOUND[turn % 2]] if at == 0 else [])}:
            case = manipulate(random.Random(f"{seed}/{number}"))
            report = case.judged()
            if report.sound != (manipulate in SOUND) or report.first_bad != case.first_bad:
                wrong.append(f"{manipulate.__name__} {seed}/{number}: {case.first_bad} is bad, {report.findings}")
    return wrong


if __name__ == "__main__":
    total, start = (int(text) for text in [*sys.argv[1:], *("10000", "0")[len(sys.argv) - 1 :]])
    mistakes = try_all(total, start)
    print(*mistakes, f"{total} manipulations, {len(mistakes)} judged wrongly", sep="\n")
    sys.exit(bool(mistakes))
