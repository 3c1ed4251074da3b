"""The columns of the log's index: arrays of small numbers, which are counted as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, reduce

import numpy as np

from xds.db.log_facts import CONCERNS, DIMENSIONS, HOLDERS, ORGANISATION, PERIOD, Asked

STARTED = 0
_KINDS = {1: np.dtype("<u1"), 2: np.dtype("<u2"), 4: np.dtype("<u4")}
_ABSENT = -1

Array = np.ndarray


def pack(codes: Array) -> bytes:
    """As bytes, in the smallest kind of number that holds them."""
    most = int(codes.max())
    return codes.astype(next(kind for kind in _KINDS.values() if most <= np.iinfo(kind).max)).tobytes()


def unpack(content: bytes, size: int) -> Array:
    return np.frombuffer(content, _KINDS[len(content) // size])


def join(parts: Sequence[Array]) -> Array:
    if not parts:
        return np.empty(0, _KINDS[1])
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


class Window:
    """Segments side by side: records with following seqs, as far as a segment goes.

    `read` gives the column of a dimension's number, `code` what stands for a value in it, if anything does, and
    `holding` what stands for values in it that have a word among them.
    """

    def __init__(
        self,
        segments: Sequence[tuple[int, int]],
        read: Callable[[int], Array],
        code: Callable[[int, str], int | None],
        holding: Callable[[int, str], Iterable[int]],
        asked: Asked,
    ):
        self._segments = segments
        self._read = read
        self._code = code
        self._holding = holding
        self._asked = asked

    @cached_property
    def started(self) -> Array:
        return self._read(STARTED)

    @cached_property
    def seqs(self) -> Array:
        return join([np.arange(first, first + size) for first, size in self._segments])

    @cached_property
    def _columns(self) -> dict[str, Array]:
        return {}

    def column(self, name: str) -> Array:
        if name not in self._columns:
            self._columns[name] = self._read(DIMENSIONS.index(name) + 1)
        return self._columns[name]

    @cached_property
    def _masks(self) -> Mapping[str, Array]:
        """Which records meet each part of the question."""
        asked, masks = self._asked, {}
        for name, value in asked.values.items():
            masks[name] = self._has(name, value)
        if asked.since is not None or asked.below is not None:
            masks[PERIOD] = np.ones(len(self.started), bool)
        if asked.since is not None:
            masks[PERIOD] &= self.started >= max(asked.since, 0)
        if asked.below is not None:
            masks[PERIOD] &= self.started < max(asked.below, 0)
        if asked.concerns is not None:
            held = np.isin(self.column(HOLDERS), list(self._holding(DIMENSIONS.index(HOLDERS) + 1, asked.concerns)))
            masks[CONCERNS] = self._has(ORGANISATION, asked.concerns) | held
        return masks

    def _has(self, name: str, value: str) -> Array:
        code = self._code(DIMENSIONS.index(name) + 1, value)
        return self.column(name) == (_ABSENT if code is None else code)

    def _places(self, besides: str = "") -> Array | slice:
        """Where the records are that meet the question, besides one part of it."""
        masks = [mask for name, mask in self._masks.items() if name != besides]
        return np.flatnonzero(reduce(np.logical_and, masks)) if masks else slice(None)

    @cached_property
    def _found(self) -> Array | slice:
        return self._places()

    def found(self) -> Array:
        """The seqs that meet the question, in order."""
        return self.seqs[self._found]

    def moments(self) -> Array:
        """When these records started, in seconds since 1970."""
        return self.started[self._found]

    def counts(self, name: str) -> Array:
        """How often each code of a dimension is among the records that meet the rest of the question."""
        places = self._places(name) if name in self._asked.values else self._found
        return np.bincount(self.column(name)[places])


def most_frequent(counts: Array, most: int) -> list[tuple[int, int]]:
    """At most so many codes that occur, with their counts, most frequent first."""
    codes = np.flatnonzero(counts)
    order = np.argsort(-counts[codes], kind="stable")[:most]
    return [(int(code), int(counts[code])) for code in codes[order]]


def between(edges: Sequence[int], moments: Array) -> list[int]:
    """How many moments are from each edge to before the next."""
    places = np.searchsorted(np.asarray(edges, np.int64), moments, side="right")
    return np.bincount(places, minlength=len(edges) + 1)[1 : len(edges)].tolist()


def integers(numbers: Iterable[int]) -> Array:
    return np.fromiter(numbers, np.int64)


def longer(counts: Array, length: int) -> Array:
    """The same counts, with zeros up to this length."""
    return np.pad(counts, (0, max(length - len(counts), 0)))


def occurring(column: Array) -> set[int]:
    return set(np.flatnonzero(np.bincount(column)).tolist())
