"""Whether an export of the log is what was written, and which record is the first that isn't.

Nothing is needed but the export, the log's public key, and what was anchored elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from xds.audit.bundle import Header, Line, read_header, read_line
from xds.audit.checkpoint import Checkpoint, VerificationKey, read_note
from xds.audit.manifest import Manifest, read_manifest
from xds.audit.record import decode
from xds.audit.retention import deleted_below, term_ended
from xds.audit.tree import grown, leaf_hash, link, root, root_of_inclusion


class Finding(NamedTuple):
    """Something that is wrong, at a record; `seq` is None where no record is meant.

    `kind` is one of: format, sequence, clock, duplicate, payload, redaction, chain, checkpoint, anchor, fork,
    truncated, unsealed, proof, manifest, missing, added, file.
    """

    kind: str
    seq: int | None
    text: str


@dataclass(slots=True)
class Report:
    """What was found. `records` were read; of these `redacted` have no payload any more.

    `sealed` is the size of the largest checkpoint that agrees, and `anchored` that of the largest anchor; `anchors` is
    how many were given. `listed`, `selection` and `exported` are what the manifest says: how many were exported, which
    and when.
    """

    findings: list[Finding] = field(default_factory=list)
    records: int = 0
    redacted: int = 0
    sealed: int | None = None
    anchored: int | None = None
    anchors: int = 0
    listed: int | None = None
    selection: str | None = None
    exported: datetime | None = None

    @property
    def sound(self) -> bool:
        return not self.findings

    @property
    def first_bad(self) -> int | None:
        """The first record that is not what was written, as far as that can be told."""
        return min((finding.seq for finding in self.findings if finding.seq is not None), default=None)


def verify(
    lines: Iterable[bytes],
    notes: Iterable[str],
    key: VerificationKey,
    anchors: Iterable[str] = (),
    manifest: str | None = None,
    digests: Mapping[str, str] | None = None,
) -> Report:
    """Judge the lines of an export with its checkpoints, and with `anchors`: notes that were kept elsewhere.

    `digests` has the SHA-256 of the export's files by name. The whole log, as it is in the database, has no manifest.
    It ends at the first record that breaks the chain or is not the one that the manifest has there, because nothing
    after that means anything.
    """
    report = Report()
    checked = _heads(notes, "checkpoint", key, report)
    newest = max((head.size for _, head in checked), default=0)
    checked += _heads(anchors, "anchor", key, report)
    heads = sorted(checked, key=lambda pair: pair[1].size)
    report.anchors = sum(kind == "anchor" for kind, _ in heads)
    _compare(heads, report)
    listed = None if manifest is None else _manifest(manifest, key, newest, report)
    iterator = iter(lines)
    try:
        header = read_header(next(iterator, b""))
        walk = _Selection(heads, listed, report) if header.selected else _Walk(header, heads, listed, report)
    except ValueError:
        report.findings.append(Finding("format", None, "the first line is not the header of an export"))
        return report
    if header.origin != key.name:
        report.findings.append(Finding("format", None, "it is of another log than the key"))
    for text in iterator:
        if not walk.take(text):
            return report
    walk.end()
    for name, digest in ({} if listed is None else listed.digests).items():
        if (digests or {}).get(name) != digest:
            report.findings.append(Finding("file", None, f"{name} is not the file that was exported"))
    return report


def _manifest(note: str, key: VerificationKey, newest: int, report: Report) -> Manifest | None:
    """What is exported; None when that can't be told, which is a finding."""
    try:
        found = read_manifest(note, key)
    except ValueError as error:
        wrong = f"the manifest can't be trusted: {error}" if note else "there is no manifest"
        report.findings.append(Finding("manifest", None, wrong))
        return None
    report.listed, report.selection, report.exported = found.records, found.selection, found.time
    if found.size != newest:
        wrong = f"the manifest is of a log of {found.size} records, and the last checkpoint has {newest}"
        report.findings.append(Finding("manifest", None, wrong))
        return None
    return found


def _heads(notes: Iterable[str], kind: str, key: VerificationKey, report: Report) -> list[tuple[str, Checkpoint]]:
    heads = []
    for note in notes:
        try:
            heads.append((kind, read_note(note, key)))
        except ValueError as error:
            report.findings.append(Finding(kind, None, f"a note that can't be trusted: {error}"))
    return heads


def _compare(heads: Sequence[tuple[str, Checkpoint]], report: Report) -> None:
    """Two trees of one size that were both signed: the log has been forked."""
    roots: dict[int, bytes] = {}
    for _, head in heads:
        if roots.setdefault(head.size, head.root) != head.root:
            text = f"two different logs of {head.size} records were signed"
            report.findings.append(Finding("fork", None, text))


class _Lines:
    """What is judged of each record, in whatever kind of export."""

    def __init__(self, listed: Manifest | None, report: Report):
        self.report = report
        self._listed = listed
        self._coming = iter(()) if listed is None else listed.seqs()
        self.due = next(self._coming, None)
        self._time = 0
        self._seen: set[tuple[str, int]] = set()
        self._bare: list[Line] = []
        self._deletions: list[tuple[int, int]] = []

    def bad(self, kind: str, seq: int | None, text: str) -> bool:
        self.report.findings.append(Finding(kind, seq, text))
        return False

    def read(self, text: bytes, expected: int | None) -> tuple[Line, bytes] | None:
        """The line and its leaf hash; None when it can't be read."""
        try:
            line = read_line(text)
            hashed = leaf_hash(line.leaf)
        except ValueError:
            self.bad("format", expected, "a line that is no record")
            return None
        self.report.records += 1
        return line, hashed

    def expected(self, seq: int) -> bool:
        """Whether the manifest has this record here."""
        if self._listed is None:
            return True
        due, self.due = self.due, next(self._coming, None)
        if seq == due:
            return True
        if not self._listed.has(seq):
            return self.bad("added", seq, "it is not one of the records that were exported")
        if due is None or seq < due:
            return self.bad("sequence", seq, "it comes twice, or out of order")
        return self.bad("missing", due, f"it was exported, and is missing here or was moved: record {seq} is here")

    def judge_end(self) -> None:
        """What can be wrong with records that are not there."""
        if self.due is not None:
            self.bad("missing", self.due, "it was exported, and is missing here")

    def judge(self, line: Line) -> None:
        """What can be wrong with a record that is the one that was written."""
        if line.time < self._time:
            self.bad("clock", line.seq, "it was written at an earlier time than the record before it")
        self._time = line.time
        request = (line.request_id, line.number)
        if request in self._seen:
            self.bad("duplicate", line.seq, "its request has this record already")
        self._seen.add(request)
        if line.payload is None:
            self.report.redacted += 1
            self._bare.append(line)
            return
        try:
            record = decode(line.payload.encode())
        except ValueError:
            self.bad("payload", line.seq, "its payload is no record")
            return
        if (record.request_id, record.number) != request:
            self.bad("payload", line.seq, "its payload is of another request")
        below = deleted_below(record)
        if below is not None:
            self._deletions.append((below, term_ended(line.time)))

    def judge_deletions(self) -> None:
        """A payload may be missing only where the log says that it was deleted, after its term."""
        for line in self._bare:
            if not any(line.seq < below and line.time <= written for below, written in self._deletions):
                text = "its payload is missing, and no retention event says that it was deleted after its term"
                self.bad("redaction", line.seq, text)
                return


class _Walk(_Lines):
    """Every record from one on, without gaps."""

    def __init__(
        self, header: Header, heads: Sequence[tuple[str, Checkpoint]], listed: Manifest | None, report: Report
    ):
        super().__init__(listed, report)
        self._heads = [pair for pair in heads if pair[1].size >= header.size]
        self._place = 0
        self._size = header.size
        self._edge = tuple(bytes.fromhex(node) for node in header.edge)
        self._chain = bytes.fromhex(header.chain)
        self._good = {"checkpoint": header.size, "anchor": header.size}
        if len(self._edge) != header.size.bit_count() or header.size < 0:
            raise ValueError("the edge is of another size")
        self._check_heads()

    def take(self, text: bytes) -> bool:
        seq = self._size
        read = self.read(text, seq)
        if read is None:
            return False
        line, hashed = read
        if line.seq != seq:
            return self.bad("sequence", seq, f"expected record {seq} here, found {line.seq}")
        self._chain = link(self._chain, hashed)
        if line.chain != self._chain.hex():
            return self.bad("chain", seq, "it is not the record that the chain goes through")
        if not self.expected(seq):
            return False
        self._edge = grown(self._edge, seq, (hashed,))
        self._size += 1
        self.judge(line)
        return self._check_heads()

    def _check_heads(self) -> bool:
        """Compare with the checkpoints and anchors of this size."""
        while self._place < len(self._heads) and self._heads[self._place][1].size == self._size:
            kind, head = self._heads[self._place]
            self._place += 1
            if head.root != root(self._edge):
                good = self._good[kind]
                text = f"the {kind} of {self._size} records has another root: records from {good} on were changed"
                return self.bad(kind, good, text)
            self._good["checkpoint"] = self._size
            # What only the log's own key vouches for is no better than the key, once an anchor disagrees.
            if kind == "anchor":
                self._good["anchor"] = self._size
            if kind == "anchor":
                self.report.anchored = self._size
            else:
                self.report.sealed = self._size
        return True

    def end(self) -> None:
        self.judge_deletions()
        self.judge_end()
        beyond = self._heads[self._place :]
        if beyond:
            kind, head = beyond[-1]
            self.bad("truncated", self._size, f"it ends at {self._size} records, and the {kind} has {head.size}")
        elif self._good["checkpoint"] < self._size:
            self.bad("unsealed", self._good["checkpoint"], "the records from here on are under no checkpoint")


class _Selection(_Lines):
    """Some records, each with its proof of inclusion under the last checkpoint."""

    def __init__(self, heads: Sequence[tuple[str, Checkpoint]], listed: Manifest | None, report: Report):
        super().__init__(listed, report)
        self._head = next((head for kind, head in reversed(heads) if kind == "checkpoint"), None)
        if self._head is None:
            self.bad("unsealed", None, "there is no checkpoint that the proofs could lead to")
        else:
            report.sealed = self._head.size
            sizes = {(head.size, head.root) for kind, head in heads if kind == "anchor"}
            report.anchored = self._head.size if (self._head.size, self._head.root) in sizes else None
        if listed is None and not any(finding.kind == "manifest" for finding in report.findings):
            self.bad("manifest", None, "there is no manifest, and without one nobody knows what was left out")

    def take(self, text: bytes) -> bool:
        read = self.read(text, self.due)
        if read is None or self._head is None:
            return False
        line, hashed = read
        path = tuple(map(bytes.fromhex, line.proof or ()))
        proven = root_of_inclusion(hashed, line.seq, self._head.size, path) == self._head.root
        if not proven and self.due not in (None, line.seq):
            return self.bad("proof", self.due, "the record here is not the one that was written")
        if not self.expected(line.seq):
            return False
        if proven:
            self.judge(line)
        else:
            self.bad("proof", line.seq, "it is not the record that was written")
        return True

    def end(self) -> None:
        self.judge_deletions()
        self.judge_end()
