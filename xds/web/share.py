"""How the connections of a socket are shared between the processes that accept from it.

Callers keep their connections, and the kernel gives a new one to whoever is awake: without this, one of two workers
can have most of them, and all its callers wait while the other is idle.
"""

from __future__ import annotations

import mmap


class Shares:
    """The number of connections of each process, in memory that they share after a fork."""

    def __init__(self, processes: int):
        self._counts = memoryview(mmap.mmap(-1, 4 * processes)).cast("i")

    def of(self, slot: int) -> Share:
        """The share of the process that begins in this place, without connections."""
        self._counts[slot] = 0
        return Share(self._counts, slot)


class Share:
    """One process's part."""

    def __init__(self, counts: memoryview, slot: int):
        self._counts = counts
        self._slot = slot

    def add(self) -> None:
        self._counts[self._slot] += 1

    def drop(self) -> None:
        self._counts[self._slot] -= 1

    @property
    def exceeds(self) -> bool:
        """Whether another process has fewer connections."""
        return self._counts[self._slot] > min(self._counts)


def alone() -> Share:
    """The share of the only process."""
    return Shares(1).of(0)
