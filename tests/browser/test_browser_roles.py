"""What the pages are to each role: what only some are offered is accessible too, and the rest is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browser_kit import HOSPITAL, PRACTICE, Tab
from oidc_provider import CLIENT, MFA, SECRET, provider
from pages_kit import Pages, served
from test_browser_walk import faults

from xds.model.viewer import Auditor, Role


@pytest.fixture(scope="module")
def axe() -> Any:
    return pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()


def looked_at(tab: Tab, axe: Any, *paths: str) -> None:
    """Nothing is wrong with these pages."""
    for path in paths:
        tab.wrong.clear()
        assert tab.open(path) == 200, path
        assert faults(tab, axe) == [], path


def test_a_privacy_officer_reviews_and_approves(chromium: Any, pages: Pages, axe: Any) -> None:
    colleague = pages.signed_in_elsewhere("vraagt-veel", Role.AUDITOR)
    colleague.get("/toezicht/export")
    assert colleague.post("/toezicht/export", {"vraag": "", "vorm": "csv"}).status == 303
    pages.database.write_now(lambda writer: writer.desk.set_sent(1, 1, pages.now))
    with Tab(chromium, pages, pages.signed_in_elsewhere("keurt-goed", Role.PRIVACY_OFFICER)) as tab:
        tab.open("/toezicht")
        looked_at(tab, axe, tab.page.locator(".case a.button").first.get_attribute("href"), "/toezicht/export/1")
        assert tab.page.locator("progress").count() == 1
        assert tab.open("/toezicht/beheer/sessies") == tab.open("/mijn") == 404


def test_an_auditor_of_one_organisation(chromium: Any, pages: Pages, axe: Any) -> None:
    with Tab(chromium, pages, pages.signed_in_elsewhere("van-de-praktijk", Role.AUDITOR, PRACTICE.ura)) as tab:
        looked_at(tab, axe, f"/toezicht/log?organisatie={HOSPITAL.ura}")
        (row,) = tab.page.locator("#lijst tbody tr").all()
        looked_at(tab, axe, row.locator("a").first.get_attribute("href"))
        assert tab.page.get_by_text(PRACTICE.ura).count() >= 1
        assert tab.open("/toezicht/beheer/deelnemers") == 200
        assert HOSPITAL.name not in tab.page.locator("main").text_content()
        assert tab.open("/toezicht/beheer/sessies") == tab.open("/toezicht/log/73") == 404


def test_who_types_no_day_mends_it_and_goes_on(chromium: Any, pages: Pages, axe: Any) -> None:
    with Tab(chromium, pages, pages.signed_in_elsewhere("verbetert", Role.AUDITOR)) as tab:
        tab.open("/toezicht/log?uitkomst=4")
        tab.page.get_by_label("Van", exact=True).fill("gisteren")
        tab.page.get_by_role("button", name="Toon").click()
        tab.page.get_by_text("Dit is geen dag.").wait_for()
        tab.wrong.clear()
        assert faults(tab, axe) == []
        tab.page.get_by_label("Vanaf").fill("1 januari 2020")
        tab.page.get_by_role("button", name="Toon").click()
        tab.page.locator("#lijst tbody tr").first.wait_for()
        assert tab.page.get_by_label("Van", exact=True).input_value() == "01-01-2020"
        assert all("geweigerd" in text for text in tab.page.locator("#lijst tbody tr").all_text_contents())


def test_who_types_a_name_is_told_whom_it_finds(chromium: Any, pages: Pages, axe: Any) -> None:
    with Tab(chromium, pages, pages.signed_in_elsewhere("op-naam", Role.AUDITOR)) as tab:
        tab.open("/toezicht/log")
        tab.page.get_by_label("Medewerker").fill("Pietersen")
        tab.page.get_by_role("button", name="Toon").click()
        tab.page.get_by_text("Niemand met deze naam").wait_for()
        tab.wrong.clear()
        assert faults(tab, axe) == []
        tab.page.get_by_label("Medewerker").fill("j. jansen")
        tab.page.get_by_role("button", name="Zoek").click()
        tab.page.locator("#lijst tbody tr").first.wait_for()
        assert all("J. Jansen" in text for text in tab.page.locator("#lijst tbody tr").all_text_contents())
        looked_at(tab, axe, "/toezicht/steekproef", "/toezicht/zoekopdrachten", "/toezicht?vastgelegd=ja")


def test_an_auditor_signs_in_at_the_organisations_own_provider(chromium: Any, tmp_path: Path, axe: Any) -> None:
    (tmp_path / "secret").write_text(SECRET)
    clock: list[Pages] = []
    with provider(tmp_path, lambda: clock[0].now) as idp:
        settings = {"oidc_issuer": idp.issuer, "oidc_client_id": CLIENT, "oidc_secret": tmp_path / "secret",
                    "oidc_acr": (MFA,), "oidc_ca": idp.ca}  # fmt: skip
        with served(tmp_path, **settings) as pages:
            clock.append(pages)
            anna = Auditor(0, "anna", "Anna Jansen", Role.AUDITOR, None, subject=f"{idp.issuer} anna")
            pages.database.write_now(lambda writer: writer.viewers.add_auditor(anna))
            with Tab(chromium, pages, provider=idp.issuer, ignore_https_errors=True, java_script_enabled=False) as tab:
                tab.open("/toezicht/log?uitkomst=0")
                tab.page.get_by_role("link", name="Aanmelden bij uw organisatie").click()
                tab.page.wait_for_url(f"{pages.url}/toezicht/log?uitkomst=0")
                assert "Anna Jansen, Auditor" in tab.page.locator("header").text_content()
                tab.page.get_by_role("button", name="Afmelden").click()
                tab.page.wait_for_url(f"{pages.url}/")
                assert tab.wrong == []
            with Tab(chromium, pages, ignore_https_errors=True) as tab:
                looked_at(tab, axe, "/aanmelden")
