"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import PostgresServer


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    # Not pytest's own folder: it is closed to other users, and too long for a socket's path.
    root = Path(tempfile.mkdtemp(prefix="xds-pg-"))
    try:
        server = PostgresServer(root)
        yield server
        server.close()
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of this test's own."""
    url = postgres_server.fresh_database()
    yield url
    postgres_server.drop_database(url)
