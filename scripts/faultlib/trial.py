"""What a scenario is given."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postgres_server import PostgresServer

from faultlib.guarded import Guarded
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
        return Subject(self.folder, self.workers, self._database())

    def guarded(self, *audit: str) -> Guarded:
        """One that wants to know who asks, with these lines in the section `audit`; it was never started."""
        return Guarded(self.folder, self.workers, self._database(), audit=audit)

    def stranger(self, subject: Subject) -> Subject:
        """A server of another repository, with its own database, that is given the documents of this one."""
        stranger = Subject(self.folder / "stranger", 1, self._database())
        shutil.rmtree(stranger.documents)
        text = stranger.config.read_text()
        stranger.config.write_text(text.replace('"data/documents"', f'"{subject.documents}"'))
        return stranger

    def apart(self) -> tuple[Subject, Subject]:
        """A registry, and a repository that registers there by ITI-42; neither was ever started."""
        registry = Subject(self.folder / "registry", self.workers, self._database())
        repository = Subject(self.folder / "repository", self.workers, self._database(), registry)
        registry.set("repository", "enabled = false")
        repository.set("registry", "enabled = false")
        repository.set("repository", f'registry_url = "http://127.0.0.1:{registry.port}/registry"')
        return registry, repository

    def known_apart(self) -> tuple[Guarded, Guarded]:
        """The same where both want to know who asks."""
        registry = Guarded(self.folder / "registry", self.workers)
        return registry, registry.apart(self.folder / "repository")

    def _database(self) -> str | None:
        return self.postgresql.fresh_database() if self.postgresql else None


Scenario = Callable[[Trial], dict[str, Any]]
