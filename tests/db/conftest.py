from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deeper/index.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def at_revision(empty_url: str) -> Callable[[str], AbstractContextManager[Connection]]:
    """Makes the tables as they were at a revision, to put in what was there then."""

    @contextmanager
    def made(revision: str) -> Iterator[Connection]:
        engine = create_engine(empty_url.replace("postgresql:", "postgresql+psycopg:"))
        if engine.name == "sqlite":
            Path(engine.url.database).parent.mkdir()
        config = Config()
        config.set_main_option("script_location", "xds.db:migrations")
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            yield connection
        engine.dispose()

    return made
