"""A registry on a real SQLite index, with one patient known."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from samples import PATIENT

from xds.db import open_database
from xds.errors import Issue
from xds.model.affinity_domain import AffinityDomain
from xds.model.objects import Submission
from xds.registry.register import register
from xds.transaction import Registry


class Tried:
    """The registry under test, asked synchronously; `now` can be set."""

    def __init__(self, path: Path):
        self.index = open_database(f"sqlite:///{path}", create=True)
        self.now = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
        self.registry = Registry(self.index, lambda: AffinityDomain(dutch=True), lambda: self.now, None, 100)
        self.index.write_now(lambda writer: writer.add_patient(PATIENT))

    def register(self, submission: Submission) -> list[Issue]:
        return asyncio.run(register(self.registry, submission, []))

    def codes(self, submission: Submission) -> list[str]:
        return [issue.code for issue in self.register(submission)]


@pytest.fixture
def tried(tmp_path: Path) -> Iterator[Tried]:
    tried = Tried(tmp_path / "index.db")
    yield tried
    tried.index.close()
