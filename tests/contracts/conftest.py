"""The databases that pass these suites, as an empty one each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import PostgresServer

from xds.db import Database, open_database


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> str:
    """A database with the tables and nothing in them, to copy."""
    url = postgres_server.fresh_database()
    open_database(url, create=True).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the tables and nothing in them."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/index.db"
        open_database(url, create=True).close()
        yield url
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.fresh_database(like=request.getfixturevalue("migrated_postgres"))
        yield url
        server.drop_database(url)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = open_database(url)
    yield database
    database.close()
