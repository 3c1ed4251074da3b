from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser_kit import chromium_here, lively, started
from pages_kit import Pages


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """Pages with something to show, which the tests of a module share; none where there is no browser to show it."""
    pytest.importorskip("playwright", reason="playwright is not installed")
    chromium_here()
    with lively(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture(scope="module")
def chromium(pages: Pages) -> Iterator[Any]:
    """A browser; for no longer than a module, because it has a loop in this thread as long as it runs."""
    from playwright.sync_api import sync_playwright

    with started(sync_playwright, pages.folder / "server.pem") as browser:
        yield browser
