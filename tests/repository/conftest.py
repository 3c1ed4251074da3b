"""The repository of these tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from repository_actors import Actors


@pytest.fixture
def actors(tmp_path: Path) -> Iterator[Actors]:
    actors = Actors(tmp_path)
    yield actors
    actors.documents.close()
    actors.index.close()
