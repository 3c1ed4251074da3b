"""What the core needs to keep what became of hints."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Protocol

from xds.model.hint import Review


class HintReader(Protocol):
    def reviews(self, since: date) -> list[Review]:
        """All reviews of hints about this day and later ones, oldest review first."""

    def bearers(self, surnames: Collection[bytes], most: int) -> dict[bytes, list[bytes]]:
        """Which clients have each of these surnames, of those that no more than `most` have. All are keyed hashes."""


class HintWriter(HintReader, Protocol):
    def add_review(self, review: Review) -> None:
        """Add a review; none is ever changed."""

    def add_surnames(self, patient: bytes, surnames: Iterable[bytes]) -> None:
        """Keep by which surnames a client is known too; all are keyed hashes."""
