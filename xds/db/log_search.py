"""Searches of the log.

The indexer puts what records are found by into columns, in the background: one array of small numbers for each
dimension and each segment of records. A question is answered by looking at whole columns, which takes milliseconds
for a million records whatever it asks. What was not indexed yet is looked at record by record.

Imported when the log is searched or indexed, because starting a server should not pay for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from xds.db.log_columns import (
    Array,
    Window,
    between,
    integers,
    join,
    longer,
    most_frequent,
    unpack,
)
from xds.db.log_facts import DIMENSIONS, FACETS, Asked, Facts, asked_of, facts_of
from xds.db.log_index_sql import LogIndexStatements
from xds.db.session import Session
from xds.model.audit import Choose, Cut, Facet, FacetValue, LogSelection, Survey

_GROUP = 16
"""Segments that are looked at together, when not all of them are needed."""
_AT_ONCE = 2048
"""Records that are looked at together where there are no columns yet."""
_LARGEST = 2**63 - 1
_SECOND = 1_000_000


class LogSearch:
    """Questions to the log in one snapshot."""

    def __init__(self, session: Session, statements: LogIndexStatements):
        self._session = session
        self._sql = statements

    def indexed_below(self) -> int:
        """Below which seq every record is in columns."""
        return next((first + size for first, size in self._session.rows(self._sql.last_segment, (1,))), 0)

    def find(self, selection: LogSelection, first: int, limit: int) -> list[int]:
        """At most `limit` seqs from `first` on, in order."""
        asked, found, indexed = asked_of(selection), [], self.indexed_below()
        segments = [each for each in self._segments() if each[0] + each[1] > first]
        for at in range(0, len(segments), _GROUP):
            seqs = self._window(segments[at : at + _GROUP], asked).found()
            found += seqs[seqs >= first][: limit - len(found)].tolist()
            if len(found) == limit:
                return found
        for facts in self._fresh(max(first, indexed)):
            if len(found) == limit:
                break
            if not asked.missed(facts):
                found.append(facts.seq)
        return found

    def newest(self, selection: LogSelection, before: int | None, limit: int) -> list[int]:
        """At most `limit` seqs below `before`, newest first."""
        asked, found, indexed = asked_of(selection), [], self.indexed_below()
        before = _LARGEST if before is None else before
        for facts in self._fresh_backwards(indexed, before):
            if len(found) == limit:
                return found
            if not asked.missed(facts):
                found.append(facts.seq)
        segments = [each for each in self._segments() if each[0] < before]
        for end in range(len(segments), 0, -_GROUP):
            seqs = self._window(segments[max(end - _GROUP, 0) : end], asked).found()
            found += seqs[seqs < before][::-1][: limit - len(found)].tolist()
            if len(found) == limit:
                break
        return found

    def sample(self, selection: LogSelection, below: int, choose: Choose) -> tuple[int, list[int]]:
        """How many records below a seq the selection asks for, and the seqs of those that are chosen among them."""
        asked = asked_of(selection)
        seqs = self._window(self._segments(), asked).found()
        fresh = [facts.seq for facts in self._fresh(self.indexed_below()) if not asked.missed(facts)]
        every = _with(seqs, fresh)
        every = every[every < below]
        return len(every), every[choose(len(every))].tolist()

    def survey(self, selection: LogSelection, cut: Cut, most: int) -> Survey:
        """What the selection has; `most` values under each heading."""
        asked = asked_of(selection)
        window = self._window(self._segments(), asked)
        fresh = _Fresh(asked, self._fresh(self.indexed_below()))
        moments = _with(window.moments(), fresh.moments)
        facets = tuple(self._facet(name, window, fresh, most) for name in FACETS)
        if not len(moments):
            return Survey(0, facets, (), ())
        edges = tuple(cut(int(moments.min()) * _SECOND, int(moments.max()) * _SECOND))
        return Survey(len(moments), facets, edges, tuple(between([edge // _SECOND for edge in edges], moments)))

    def named(self, facet: str, words: str) -> list[tuple[str, str]]:
        """The values of a facet whose labels have all of these words, with the labels."""
        place = DIMENSIONS.index(facet)
        labels = dict(self._session.rows(self._sql.labels, (place + 1,)))
        for facts in self._fresh(self.indexed_below()):
            labels.setdefault(facts.values[place], facts.labels[place])
        wanted = words.casefold().split()
        found = [each for each in labels.items() if all(word in each[1].casefold() for word in wanted)]
        return sorted(found, key=lambda each: (each[1], each[0]))

    def _facet(self, name: str, window: Window, fresh: _Fresh, most: int) -> Facet:
        """The most frequent values, and always the one that was asked for."""
        dimension = DIMENSIONS.index(name) + 1
        counts, wanted = window.counts(name), fresh.counts[name]
        codes = self._codes(dimension, wanted)
        added = {code: wanted[value] for value, code in codes.items()}
        counts = _sum(counts, added)
        asked = fresh.asked.values.get(name)
        top = dict(most_frequent(counts, most))
        if asked is not None:
            for code in self._codes(dimension, (asked,)).values():
                top.setdefault(code, int(counts[code]) if code < len(counts) else 0)
        terms = self._terms(dimension, list(top))
        values = [FacetValue(*terms[code], count) for code, count in top.items()]
        unknown = {value: count for value, count in wanted.items() if value not in codes}
        values += [FacetValue(value, fresh.labels[name].get(value, ""), count) for value, count in unknown.items()]
        values.sort(key=lambda each: (-each.count, each.value))
        kept = [each for place, each in enumerate(values) if place < most or each.value == asked]
        return Facet(name, tuple(kept), int((counts > 0).sum()) + len(unknown))

    def _segments(self) -> list[tuple[int, int]]:
        return list(self._session.rows(self._sql.segments))

    def _window(self, segments: Sequence[tuple[int, int]], asked: Asked) -> Window:
        return Window(segments, lambda dimension: self._column(dimension, segments), self._code, self._holding, asked)

    def _column(self, dimension: int, segments: Sequence[tuple[int, int]]) -> Array:
        if not segments:
            return join(())
        rows = self._session.rows(self._sql.columns, (dimension, segments[0][0], segments[-1][0]))
        return join([unpack(content, size) for (content,), (_, size) in zip(rows, segments, strict=True)])

    def _code(self, dimension: int, value: str) -> int | None:
        return self._codes(dimension, (value,)).get(value)

    def _holding(self, dimension: int, word: str) -> list[int]:
        """The codes of the values that have a word among them."""
        return [code for value, code in self._session.rows(self._sql.values, (dimension,)) if word in value.split()]

    def _codes(self, dimension: int, values: Iterable[str]) -> dict[str, int]:
        """The codes of those values that have one."""
        texts = [value for value in values if "\0" not in value]
        return dict(self._among(self._sql.codes, dimension, texts))

    def _terms(self, dimension: int, codes: list[int]) -> dict[int, tuple[str, str]]:
        return {code: (value, label) for code, value, label in self._among(self._sql.terms, dimension, codes)}

    def _among(self, statement: Callable[[int], str], dimension: int, values: list[Any]) -> Iterable[tuple[Any, ...]]:
        if not values:
            return ()
        lists = self._sql.lists
        length_class = lists.length_class(len(values))
        return self._session.rows(statement(length_class), (dimension, *lists.parameters(values, length_class)))

    def _fresh(self, first: int) -> Iterator[Facts]:
        """What records from a seq on are found by, in order."""
        while rows := list(self._session.rows(self._sql.facts, (first, _AT_ONCE))):
            yield from map(facts_of, rows)
            first = rows[-1][0] + 1

    def _fresh_backwards(self, first: int, before: int) -> Iterator[Facts]:
        while rows := list(self._session.rows(self._sql.facts_below, (first, before, _AT_ONCE))):
            yield from map(facts_of, rows)
            before = rows[-1][0]


class _Fresh:
    """What the records that have no columns yet add to a survey."""

    def __init__(self, asked: Asked, records: Iterable[Facts]):
        self.asked = asked
        self.moments: list[int] = []
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in DIMENSIONS}
        self.labels: dict[str, dict[str, str]] = {name: {} for name in DIMENSIONS}
        for facts in records:
            missed = asked.missed(facts)
            if not missed:
                self.moments.append(facts.started)
            for name, value, label in zip(DIMENSIONS, facts.values, facts.labels, strict=True):
                if not missed or missed == [name]:
                    self.counts[name][value] += 1
                    self.labels[name].setdefault(value, label)


def _with(moments: Array, added: list[int]) -> Array:
    return join([moments, integers(added)]) if added else moments


def _sum(counts: Array, added: dict[int, int]) -> Array:
    """Counts by code, with more of them."""
    counts = longer(counts, max(added, default=-1) + 1)
    for code, count in added.items():
        counts[code] += count
    return counts
