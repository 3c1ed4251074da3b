"""What a scenario is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postgres_server import PostgresServer

from faultlib.subject import Subject


@dataclass(frozen=True)
class Trial:
    """One run of a scenario, in an empty folder. `postgresql` holds the database; None is SQLite."""

    folder: Path
    long: bool
    workers: int = 1
    postgresql: PostgresServer | None = None

    def subject(self) -> Subject:
        """A server that was never started, with an empty database."""
        return Subject(self.folder, self.workers, self.postgresql.fresh_database() if self.postgresql else None)


Scenario = Callable[[Trial], dict[str, Any]]
