"""The month of scripts/demo: who never saw it finds both incidents from the start page, and not much besides."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages_kit import Browser, Pages, served

from xds.cli.init import ORGANISATIONS
from xds.model.party import NormStatus

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """The pages on the log of a month."""
    with pytest.MonkeyPatch.context() as patch, served(tmp_path_factory.mktemp("month")) as pages:
        patch.syspath_prepend(str(SCRIPTS))
        from demonstration.month import write_month

        for number, organisation in enumerate(ORGANISATIONS.values()):
            pages.database.write_now(
                lambda writer, organisation=organisation, number=number: writer.add_participant(
                    organisation, f"{number:02x}" * 32, (), pages.now.date(), NormStatus()
                )
            )
        assert write_month(pages.settings, pages.now) > 3000
        yield pages
    sys.modules.pop("demonstration.month", None)


def cases(browser: Browser) -> list[str]:
    """The start page's cards, in their order, as text without marks."""
    page = browser.get("/toezicht").text
    cards = re.findall(r'<li class="card case.*?</p>\s*</li>', page, re.DOTALL)
    return [html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", card))) for card in cards]


def test_both_incidents_come_first_and_ordinary_work_raises_little(month: Pages) -> None:
    first, second, *others = cases(month.signed_in("nieuw"))

    assert "Petra Vos, verloskundige" in first and "3 keer geweigerd bij een cliënt" in first
    assert "Daan Kuiper, verpleegkundige" in second and "Keek bij 40 cliënten in één uur" in second
    assert len(others) == 3
    assert all("3 regels met de noodknop" in other for other in others)


def test_the_way_from_a_hint_to_its_records_says_why_each_was_permitted(month: Pages) -> None:
    browser = month.signed_in("zoekt-uit")
    (url,) = re.findall(r'href="(/toezicht/signalen/[0-9a-f]{32})"', browser.get("/toezicht/signalen?regel=uur").text)

    rows = browser.get(f"{url}.json").json()["rows"]

    assert len(rows) == 49
    refused = [row for row in rows if row["outcome"] == "geweigerd"]
    assert len(refused) == 31
    assert {row["reason"] for row in refused} == {"JGZ De Wieg heeft op dit moment geen behandelrelatie met de cliënt."}
    assert re.search(r'href="/toezicht/log\?[^"]*medewerker=', browser.get(url).text)
