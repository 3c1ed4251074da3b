"""One filled registry for all queries: they only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asking import Asked


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    asked = Asked(tmp_path_factory.mktemp("queries") / "index.db")
    yield asked
    asked.index.close()
