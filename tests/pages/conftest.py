from __future__ import annotations

from collections.abc import Iterator

import pytest
from pages_kit import Pages, served


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """The pages on SQLite, shared by the tests of a module: each uses accounts of its own."""
    with served(tmp_path_factory.mktemp("pages")) as running:
        yield running
