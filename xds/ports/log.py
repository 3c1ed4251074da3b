"""What the core needs of the durable log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from xds.model.audit import Choose, Cut, Head, Kept, Leaf, LogSelection, Note, Survey
from xds.model.conduct import Conduct, Kin, Span, no_kin


class LogReader(Protocol):
    """The log as one consistent snapshot. Lines come in order of seq, at most `limit` of them."""

    def head(self) -> Head: ...

    def lines(self, first: int, limit: int) -> list[Kept]:
        """From seq `first` on."""

    def leaves(self, first: int, limit: int) -> list[Leaf]:
        """From seq `first` on, without what may be deleted."""

    def find(self, selection: LogSelection, first: int, limit: int) -> list[Kept]:
        """What the selection asks for, from seq `first` on; a record without its payload is not found."""

    def newest(self, selection: LogSelection, before: int | None, limit: int) -> list[Kept]:
        """What the selection asks for, below seq `before`, newest first; None begins with the newest of all."""

    def sample(self, selection: LogSelection, below: int, choose: Choose) -> tuple[int, list[Kept]]:
        """How many records below a seq the selection asks for, and those at the chosen places among them."""

    def survey(self, selection: LogSelection, cut: Cut, most: int) -> Survey:
        """How many records the selection asks for, the `most` frequent values of each facet, and a timeline."""

    def named(self, facet: str, words: str) -> list[tuple[str, str]]:
        """The values of a facet whose labels have all of these words, in any case, with the labels, in their order."""

    def conduct(self, span: Span, kin: Kin = no_kin) -> Conduct:
        """What employees did in a span. The 100 newest sweeps are told. `kin` is asked about everybody in it."""

    def notes(self, size: int = 0) -> list[Note]:
        """The checkpoints of at least this many records, in order."""

    def newest_note(self) -> Note | None: ...

    def newest_anchored(self) -> Note | None:
        """The largest checkpoint that was anchored."""

    def written_from(self, time: int) -> int | None:
        """The first seq that was written at `time` (microseconds since 1970) or later."""

    def oldest_record(self) -> int | None:
        """The first seq whose payload was not deleted."""

    def proofs(self, seqs: Iterable[int], size: int) -> dict[int, list[bytes]]:
        """The audit paths of these leaves in the tree of the first `size` leaves."""

    def feed(self, name: str) -> int | None:
        """The seq that this feed sends next; None when it never sent."""


class LogWriter(LogReader, Protocol):
    """The log inside one write transaction. Records are added by `Writer.record`."""

    def add_note(self, size: int, time: int, text: str) -> bool:
        """Keep a checkpoint; False when there is one of this size or of a larger one."""

    def set_anchored(self, size: int, time: int) -> None: ...

    def set_feed(self, name: str, at: int) -> None: ...

    def index(self, limit: int) -> int:
        """Make at most `limit` more records quick to find; how many. What is not indexed is found all the same."""

    def delete_payloads(self, below: int) -> int:
        """Delete the payloads and salts of all seqs below this, for good; how many."""
