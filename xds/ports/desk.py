"""What the pages need of what auditors keep."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from xds.model.desk import Export, SavedSearch


class DeskReader(Protocol):
    """Searches and exports of auditors. Every method is one SELECT."""

    def searches(self, account: str) -> list[SavedSearch]:
        """Those of an auditor and those that others share, by name."""

    def exports(self, since: datetime) -> list[Export]:
        """Those that were asked for since then, newest first."""

    def export(self, number: int) -> Export | None: ...


class DeskWriter(DeskReader, Protocol):
    """Searches and exports of auditors, inside a write transaction."""

    def save_search(self, new: SavedSearch) -> int:
        """The number of a new search; the one that it has is not looked at."""

    def delete_search(self, number: int, account: str) -> bool:
        """Whether that auditor had such a search."""

    def ask_export(self, new: Export) -> int:
        """The number of a new export; the one that it has is not looked at."""

    def approve_export(self, number: int, approver: str) -> bool:
        """Whether there was such an export, which nobody had approved yet."""

    def set_sent(self, number: int, sent: int, at: datetime) -> None:
        """Keep how many records of an export went out."""
