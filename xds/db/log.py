"""The durable log: one sequence, numbered while the write lock is held.

A record that is appended in a change is undone with the change, and its number is given to the next: so there are no
gaps, and what is committed is sealed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from time import time_ns
from typing import TYPE_CHECKING

from xds.audit.tree import SUBTREE, commitment, extended, leaf_hash, link, proofs_by_subtrees, subtree_root
from xds.db.log_sql import LogStatements
from xds.db.session import Session
from xds.model.audit import Choose, Cut, Entry, Head, Kept, Leaf, LogSelection, Note, Survey
from xds.model.conduct import Kin, no_kin

if TYPE_CHECKING:
    from xds.db.log_indexing import LogIndexing
    from xds.db.log_search import LogSearch
    from xds.model.conduct import Conduct, Span

_HASH = 32
_SALT = 16
_FOUND_BY = 11
"""So many fields of an entry are columns of its row or leaf."""
_SLACK = 1_000_000
"""Clocks of several machines differ by less, in microseconds; only a larger step back is kept as it was."""


class ReadLog:
    """The log as one snapshot."""

    def __init__(self, session: Session, statements: LogStatements):
        self._session = session
        self._sql = statements

    @cached_property
    def _search(self) -> LogSearch:
        from xds.db.log_search import LogSearch

        return LogSearch(self._session, self._sql.index)

    def head(self) -> Head:
        ((size, time, chain, edge),) = self._session.rows(self._sql.head)
        return Head(size, time, chain, tuple(edge[at : at + _HASH] for at in range(0, len(edge), _HASH)))

    def lines(self, first: int, limit: int) -> list[Kept]:
        """At most `limit` lines from seq `first` on, in order."""
        return [_kept(row) for row in self._session.rows(self._sql.lines, (first, limit))]

    def leaves(self, first: int, limit: int) -> list[Leaf]:
        """Like `lines`, without what may be deleted."""
        return [Leaf(*row) for row in self._session.rows(self._sql.leaves, (first, limit))]

    def find(self, selection: LogSelection, first: int, limit: int) -> list[Kept]:
        """At most `limit` records that the selection asks for, from seq `first` on, in order."""
        return self._kept(self._search.find(selection, first, limit))

    def newest(self, selection: LogSelection, before: int | None, limit: int) -> list[Kept]:
        """At most `limit` records that the selection asks for, below seq `before`, newest first."""
        return self._kept(self._search.newest(selection, before, limit))[::-1]

    def sample(self, selection: LogSelection, below: int, choose: Choose) -> tuple[int, list[Kept]]:
        """How many records below a seq the selection asks for, and those that are chosen among them, in order."""
        total, seqs = self._search.sample(selection, below, choose)
        return total, self._kept(seqs)

    def survey(self, selection: LogSelection, cut: Cut, most: int) -> Survey:
        """What the selection has, with at most so many values of each facet."""
        return self._search.survey(selection, cut, most)

    def named(self, facet: str, words: str) -> list[tuple[str, str]]:
        """The values of a facet whose labels have all of these words, with the labels."""
        return self._search.named(facet, words)

    def conduct(self, span: Span, kin: Kin = no_kin) -> Conduct:
        """What employees did in a span."""
        from xds.db.log_conduct import LogConduct

        return LogConduct(self._session, self._sql.index).conduct(span, kin)

    def indexed_below(self) -> int:
        """Below which seq every record is indexed; the others are found too, by looking at each."""
        return self._search.indexed_below()

    def _kept(self, seqs: list[int]) -> list[Kept]:
        """The lines of these seqs, in order."""
        if not seqs:
            return []
        lists = self._sql.index.lists
        length_class = lists.length_class(len(seqs))
        rows = self._session.rows(self._sql.index.kept(length_class), lists.parameters(seqs, length_class))
        return [_kept(row) for row in rows]

    def notes(self, size: int = 0) -> list[Note]:
        """The checkpoints of at least this many records, in order."""
        return [Note(*row) for row in self._session.rows(self._sql.notes, (size,))]

    def newest_note(self) -> Note | None:
        return next((Note(*row) for row in self._session.rows(self._sql.newest_note, (1,))), None)

    def newest_anchored(self) -> Note | None:
        return next((Note(*row) for row in self._session.rows(self._sql.newest_anchored, (1,))), None)

    def written_from(self, time: int) -> int | None:
        """The first seq that was written at `time` (microseconds since 1970) or later; None when there is none."""
        return next((seq for (seq,) in self._session.rows(self._sql.written_from, (time, 1))), None)

    def oldest_record(self) -> int | None:
        """The first seq whose payload was not deleted; None when there is none."""
        return next((seq for (seq,) in self._session.rows(self._sql.oldest_record, (1,))), None)

    def proofs(self, seqs: Iterable[int], size: int) -> dict[int, list[bytes]]:
        """The audit paths of these leaves in the tree of the first `size` leaves."""
        return proofs_by_subtrees(seqs, size, self._subtrees(), self._leaf_hashes)

    def _subtrees(self) -> list[bytes]:
        return [root for (root,) in self._session.rows(self._sql.subtrees)]

    def _leaf_hashes(self, first: int, below: int) -> list[bytes]:
        return [leaf_hash(leaf) for leaf in self.leaves(first, below - first)]

    def feed(self, name: str) -> int | None:
        """The seq that this feed sends next; None when it never sent."""
        return next((at for (at,) in self._session.rows(self._sql.feed, (name,))), None)


class WriteLog(ReadLog):
    """The log inside a write transaction, in which no other process appends."""

    _head: Head | None = None
    _changed = False

    @cached_property
    def _indexing(self) -> LogIndexing:
        from xds.db.log_indexing import LogIndexing

        return LogIndexing(self._session, self._sql.index)

    def head(self) -> Head:
        if self._head is None:
            self._head = super().head()
        return self._head

    def append(self, entries: Sequence[Entry]) -> None:
        """Add records; ValueError when one of their requests has a record of that number already."""
        head = self.head()
        now = time_ns() // 1000
        if head.time - _SLACK <= now < head.time:
            now = head.time
        if not entries:
            return
        salts = os.urandom(_SALT * len(entries))
        chain = head.chain
        leaves, leaf_rows, record_rows = [], [], []
        for seq, entry in enumerate(entries, head.size):
            start = (seq - head.size) * _SALT
            salt = salts[start : start + _SALT]
            leaf = (seq, now, entry[0], entry[1], commitment(salt, entry[2]))
            hashed = leaf_hash(leaf)
            chain = link(chain, hashed)
            leaves.append(hashed)
            leaf_rows.append((*leaf, chain))
            record_rows.append((seq, salt, *entry[2:_FOUND_BY]))
        self._session.run_many(self._sql.add_leaf, leaf_rows)
        self._session.run_many(self._sql.add_record, record_rows)
        self._head = extended(head, now, chain, leaves)
        self._changed = True

    def add_note(self, size: int, time: int, text: str) -> bool:
        """Keep a checkpoint; False when there is one of this size or of a larger one."""
        newest = self.newest_note()
        if newest is not None and newest.size >= size:
            return False
        self._session.run(self._sql.add_note, (size, time, text))
        return True

    def set_anchored(self, size: int, time: int) -> None:
        """Keep that the checkpoint of this size was anchored at `time`."""
        self._session.run(self._sql.set_anchored, (time, size))

    def set_feed(self, name: str, at: int) -> None:
        """Keep the seq that this feed sends next."""
        if not self._session.run(self._sql.set_feed, (at, name)):
            self._session.run(self._sql.add_feed, (name, at))

    def delete_payloads(self, below: int) -> int:
        """Delete the payloads and salts of all seqs below this, for good; how many."""
        self._indexing.delete(below)
        return self._session.run(self._sql.delete_records, (below,))

    def index(self, limit: int) -> int:
        """Index at most `limit` records; how many."""
        self._keep_subtrees()
        return self._indexing.index(limit)

    def _keep_subtrees(self) -> None:
        """Keep the root of the next subtree, when it is complete: one at a time, so that no other change waits long."""
        ((number,),) = self._session.rows(self._sql.free_subtree)
        if (number + 1) * SUBTREE <= self.head().size:
            hashes = self._leaf_hashes(number * SUBTREE, (number + 1) * SUBTREE)
            self._session.run(self._sql.add_subtree, (number, subtree_root(hashes)))

    def mark(self) -> Head | None:
        return self._head

    def undo(self, mark: Head | None) -> None:
        """Forget what was appended since `mark`: the change that did it was rolled back."""
        self._head = mark

    def seal(self) -> None:
        """Write the head, as the last thing before the commit."""
        if self._changed and self._head is not None:
            head = self._head
            self._session.run(self._sql.set_head, (head.size, head.time, head.chain, b"".join(head.edge)))

    def forget(self) -> None:
        """A new transaction begins: another process may have appended meanwhile."""
        self._head, self._changed = None, False


def _kept(row: tuple) -> Kept:
    return Kept(Leaf(*row[:5]), row[5], row[6], row[7])
