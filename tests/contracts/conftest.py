"""The databases that pass these suites, as an empty one each."""

from __future__ import annotations

import shutil
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


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same on SQLite."""
    file = tmp_path_factory.mktemp("migrated") / "index.db"
    open_database(f"sqlite:///{file}", create=True).close()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the tables and nothing in them."""
    if request.param == "sqlite":
        yield f"sqlite:///{shutil.copy(request.getfixturevalue('migrated_sqlite'), tmp_path)}"
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
