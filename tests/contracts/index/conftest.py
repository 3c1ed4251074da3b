"""The implementations of the port `Index` that pass this suite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from xds.db import Database, open_database


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that does not exist yet, or is empty."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/index.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = open_database(url, create=True)
    yield database
    database.close()
