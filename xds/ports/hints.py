"""What the core needs to keep what became of hints."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from xds.model.hint import Review


class HintReader(Protocol):
    def reviews(self, since: date) -> list[Review]:
        """All reviews of hints about this day and later ones, oldest review first."""


class HintWriter(HintReader, Protocol):
    def add_review(self, review: Review) -> None:
        """Add a review; none is ever changed."""
