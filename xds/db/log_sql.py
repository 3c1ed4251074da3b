"""The statements of the log, as text."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import delete, func, insert, literal_column, select, update
from sqlalchemy.sql.base import Executable

from xds.db.lists import Lists
from xds.db.log_index_sql import KEPT, LogIndexStatements, given, limited
from xds.db.log_schema import log_checkpoint, log_feed, log_head, log_leaf, log_record, log_subtree

_leaf, _record = log_leaf.c, log_record.c


class LogStatements:
    """`text` compiles for the database; parameters are positional."""

    def __init__(self, text: Callable[[Executable], str], lists: Lists):
        self._text = text
        self.index = LogIndexStatements(text, lists)
        self.head = text(select(log_head.c.size, log_head.c.time, log_head.c.chain, log_head.c.edge))
        self.set_head = text(
            update(log_head).values({name: given(log_head.c[name]) for name in ("size", "time", "chain", "edge")})
        )
        self.add_leaf = text(insert(log_leaf).values({column.name: given(column) for column in log_leaf.c}))
        self.add_record = text(insert(log_record).values({column.name: given(column) for column in log_record.c}))
        joined = log_leaf.outerjoin(log_record, _leaf.seq == _record.seq)
        lines = select(*KEPT).select_from(joined).where(_leaf.seq >= given(_leaf.seq)).order_by(_leaf.seq)
        self.lines = text(limited(lines))
        leaves = select(_leaf.seq, _leaf.time, _leaf.request_id, _leaf.number, _leaf.commitment)
        self.leaves = text(limited(leaves.where(_leaf.seq >= given(_leaf.seq)).order_by(_leaf.seq)))
        newer = select(_leaf.seq).where(_leaf.time >= given(_leaf.time)).order_by(_leaf.seq)
        self.written_from = text(limited(newer))
        self.oldest_record = text(limited(select(_record.seq).order_by(_record.seq)))
        self.delete_records = text(delete(log_record).where(_record.seq < given(_record.seq)))
        self._prepare_notes()
        self.subtrees = text(select(log_subtree.c.root).order_by(log_subtree.c.number))
        free = func.coalesce(func.max(log_subtree.c.number) + literal_column("1"), literal_column("0"))
        self.free_subtree = text(select(free))
        self.add_subtree = text(insert(log_subtree).values({each.name: given(each) for each in log_subtree.c}))
        self.feed = text(select(log_feed.c.next).where(log_feed.c.name == given(log_feed.c.name)))
        self.add_feed = text(insert(log_feed).values(name=given(log_feed.c.name), next=given(log_feed.c.next)))
        self.set_feed = text(
            update(log_feed).values(next=given(log_feed.c.next)).where(log_feed.c.name == given(log_feed.c.name))
        )

    def _prepare_notes(self) -> None:
        note = log_checkpoint.c
        self.notes = self._text(select(log_checkpoint).where(note.size >= given(note.size)).order_by(note.size))
        self.newest_note = self._text(limited(select(log_checkpoint).order_by(note.size.desc())))
        anchored = select(log_checkpoint).where(note.anchored.is_not(None)).order_by(note.size.desc())
        self.newest_anchored = self._text(limited(anchored))
        self.add_note = self._text(
            insert(log_checkpoint).values({name: given(note[name]) for name in ("size", "time", "note")})
        )
        self.set_anchored = self._text(
            update(log_checkpoint).values(anchored=given(note.anchored)).where(note.size == given(note.size))
        )
