"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from canary import pytest_runtest_makereport, pytest_sessionfinish
from hypothesis import settings
from postgres_server import PostgresServer

# How long an example takes says more of what else the machine does.
settings.register_profile("xds", deadline=None)
settings.load_profile("xds")

__all__ = ["postgres_server", "postgres_url", "pytest_runtest_makereport", "pytest_sessionfinish"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    # In memory where there is room, since a database for each test is hundreds of files. Not in pytest's own
    # folder: it is closed to other users, and too long for a socket's path.
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    root = Path(tempfile.mkdtemp(prefix="xds-pg-", dir=memory if roomy else None))
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
