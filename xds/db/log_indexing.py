"""The columns that the log is searched by: made in the background, and deleted with the records."""

from __future__ import annotations

from collections.abc import Sequence

from xds.db.log_columns import Array, integers, join, occurring, pack
from xds.db.log_facts import DIMENSIONS, facts_of
from xds.db.log_search import LogSearch

SEGMENT = 8192
"""Records of a segment at most; the last one is written again whenever something is added to it."""


class LogIndexing(LogSearch):
    """Makes and deletes columns, inside a write transaction."""

    def index(self, limit: int) -> int:
        """Put at most `limit` more records into columns; how many."""
        rows = list(self._session.rows(self._sql.facts, (self.indexed_below(), limit)))
        if not rows:
            return 0
        records = [facts_of(row) for row in rows]
        columns = [integers(facts.started for facts in records)]
        for place in range(len(DIMENSIONS)):
            columns.append(self._learn(place + 1, {facts.values[place]: facts.labels[place] for facts in records},
                                       [facts.values[place] for facts in records]))  # fmt: skip
        self._add(records[0].seq, columns)
        return len(rows)

    def delete(self, below: int) -> None:
        """Forget the records below a seq, and what only they said."""
        for first, size in self._segments():
            if first < below:
                columns = self._taken(first, size)
                if first + size > below:
                    self._put(below, [column[below - first :] for column in columns])
        for dimension in range(1, len(DIMENSIONS) + 1):
            self._forget_unused(dimension)

    def _learn(self, dimension: int, labels: dict[str, str], values: Sequence[str]) -> Array:
        """The codes of these values; what is new gets one."""
        codes = self._codes(dimension, labels)
        new = [value for value in labels if value not in codes]
        if new:
            ((free,),) = self._session.rows(self._sql.free_code, (dimension,))
            codes |= {value: code for code, value in enumerate(new, free)}
            self._session.run_many(
                self._sql.add_term, [(dimension, codes[value], value, labels[value]) for value in new]
            )
        return integers(codes[value] for value in values)

    def _add(self, seq: int, columns: list[Array]) -> None:
        """Fill up the last segment, and begin new ones."""
        for first, size in self._session.rows(self._sql.last_segment, (1,)):
            if first + size == seq and size < SEGMENT:
                columns = [join(pair) for pair in zip(self._taken(first, size), columns, strict=True)]
                seq = first
        for at in range(0, len(columns[0]), SEGMENT):
            self._put(seq + at, [column[at : at + SEGMENT] for column in columns])

    def _put(self, first: int, columns: Sequence[Array]) -> None:
        rows = [(dimension, first, len(column), pack(column)) for dimension, column in enumerate(columns)]
        self._session.run_many(self._sql.add_column, rows)

    def _taken(self, first: int, size: int) -> list[Array]:
        """The columns of a segment, which is deleted."""
        columns = [self._column(dimension, [(first, size)]) for dimension in range(len(DIMENSIONS) + 1)]
        self._session.run(self._sql.delete_segment, (first,))
        return columns

    def _forget_unused(self, dimension: int) -> None:
        used = occurring(self._column(dimension, self._segments()))
        known = {code for (code,) in self._session.rows(self._sql.all_codes, (dimension,))}
        self._session.run_many(self._sql.delete_term, [(dimension, code) for code in sorted(known - used)])
