"""What people come for, in a real browser: by keyboard, without scripts, at 400 %, in forced colours."""

from __future__ import annotations

import re
from typing import Any

import pytest
from browser_kit import HOSTILE, Tab
from pages_kit import Pages

from xds.audit.tree import root_of_inclusion
from xds.model.viewer import Role

WAYS: dict[str, dict[str, Any]] = {
    "without-scripts": {"java_script_enabled": False},
    "at-400-percent": {"viewport": {"width": 320, "height": 200}, "device_scale_factor": 4},
    "in-forced-colours": {"forced_colors": "active"},
}
NO_SCRIPTS = WAYS["without-scripts"]
BY_PROXY = {**NO_SCRIPTS, "ignore_https_errors": True}
"""Playwright shows a certificate by a proxy of its own, which has a certificate of its own too."""


def rows(tab: Tab) -> list[str]:
    return [" ".join(text.split()) for text in tab.page.locator("#lijst tbody tr").all_text_contents()]


def text_of(tab: Tab, selector: str) -> str:
    return " ".join(tab.page.locator(selector).first.text_content().split())


def test_an_auditor_signs_in_and_out_by_keyboard_alone(chromium: Any, pages: Pages) -> None:
    pages.auditor("toetsen")
    own = {"certPath": pages.folder / "toetsen.pem", "keyPath": pages.folder / "toetsen-key.pem"}
    with Tab(chromium, pages, client_certificates=[{"origin": pages.url, **own}], **BY_PROXY) as tab:
        tab.open("/toezicht")
        tab.tab_to("input[name=code]")
        tab.page.keyboard.type("000000")
        tab.page.keyboard.press("Enter")
        assert (
            tab.page.locator("input[name=code][aria-invalid]").get_attribute("aria-describedby").endswith("code-error")
        )
        (said,) = tab.wrong
        assert "422" in said
        tab.wrong.clear()
        pages.later(minutes=5)
        tab.tab_to("input[name=code]")
        tab.page.keyboard.type(pages.code("toetsen"))
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_url(f"{pages.url}/toezicht")
        assert "Naam van toetsen" in text_of(tab, "header")

        tab.page.keyboard.press("Tab")
        assert tab.focused() == "Naar de inhoud"
        tab.page.keyboard.press("Enter")
        tab.page.keyboard.press("Tab")
        assert tab.page.locator("main :focus").count() == 1

        tab.tab_to("header button")
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_url(lambda url: "toezicht" not in url)
        assert tab.open("/toezicht") == 200 and tab.path.startswith("/aanmelden")
        assert tab.wrong == []


@pytest.mark.parametrize("way", WAYS)
def test_the_log_is_narrowed_by_its_facets(chromium: Any, pages: Pages, way: str) -> None:
    auditor = pages.signed_in_elsewhere(f"facetten-{way}", Role.AUDITOR)
    with Tab(chromium, pages, auditor, **WAYS[way]) as tab:
        tab.open("/toezicht")
        tab.page.get_by_role("link", name="Logboek").click()
        tab.page.locator(".facets").get_by_role("link", name=re.compile("^geweigerd")).click()
        assert len(rows(tab)) == 12 and all("geweigerd" in row and "B. Bakker" in row for row in rows(tab))
        assert "geweigerd" in text_of(tab, ".chosen")
        tab.page.locator(".chosen").get_by_role("link", name="geweigerd").click()
        tab.page.locator(".facets summary", has_text="Medewerker").click()
        tab.page.locator(".facets").get_by_role("link", name="J. Jansen").click()
        assert len(rows(tab)) == 50 and all("J. Jansen" in row for row in rows(tab))
        tab.page.get_by_role("link", name="Volgende").click()
        assert len(rows(tab)) == 10 and all("J. Jansen" in row for row in rows(tab))
        assert tab.wrong == []


def test_a_form_of_the_log_changes_the_list_in_place_and_the_address_keeps_it(chromium: Any, pages: Pages) -> None:
    with Tab(chromium, pages, pages.signed_in_elsewhere("ter-plekke", Role.AUDITOR)) as tab:
        tab.open("/toezicht/log")
        tab.page.evaluate("window.same = true")
        tab.page.get_by_label("Medewerker").fill("900000002")
        tab.page.get_by_role("button", name="Toon").click()
        tab.page.wait_for_url("**medewerker=900000002**")
        tab.page.wait_for_function("document.querySelectorAll('#lijst tbody tr').length === 1")
        (found,) = rows(tab)
        assert tab.page.evaluate("window.same") and "E. Haast" in found and "noodknop" in found
        tab.page.reload()
        assert rows(tab) == [found]
        assert tab.wrong == []


@pytest.mark.parametrize("way", WAYS)
def test_a_record_tells_why_and_proves_itself(chromium: Any, pages: Pages, way: str) -> None:
    auditor = pages.signed_in_elsewhere(f"bewijs-{way}", Role.AUDITOR)
    with Tab(chromium, pages, auditor, **WAYS[way]) as tab:
        tab.open("/toezicht/log?noodknop=1")
        tab.page.locator("#lijst tbody a").first.click()
        assert "E. Haast" in text_of(tab, ".lead")
        assert "noodknop is gebruikt. Opgegeven reden: Bewusteloos" in text_of(tab, "main")
        assert text_of(tab, "section[aria-labelledby=bewijs] .mark") == "klopt"
        tab.tab_to("summary")
        tab.page.keyboard.press("Enter")
        assert tab.page.locator("ol.hash li").first.is_visible()
        seq = int(tab.path.rpartition("/")[2])
        size = int(re.search(r"over (\d+) regels", text_of(tab, "section[aria-labelledby=bewijs] dl"))[1])
        leaf, root = (
            bytes.fromhex(text_of(tab, f"dt:text-is('{name}') + dd"))
            for name in ("Blad in de boom", "Wortel van het controlepunt")
        )
        path = [bytes.fromhex(each) for each in tab.page.locator("ol.hash li").all_text_contents()]
        assert root_of_inclusion(leaf, seq, size, path) == root
        assert len(rows(tab)) > 40
        assert tab.wrong == []


@pytest.mark.parametrize("way", WAYS)
def test_a_client_reads_who_looked(chromium: Any, pages: Pages, way: str) -> None:
    with Tab(chromium, pages, pages.visiting(), **WAYS[way]) as tab:
        tab.open("/")
        tab.page.locator("main").get_by_role("link", name="dossier").click()
        emergency = tab.page.locator(".look-emergency")
        assert emergency.count() == 1
        assert "Ziekenhuis De Uiver" in text_of(tab, ".look-emergency") and "Bewusteloos" in text_of(
            tab, ".look-emergency"
        )
        tab.tab_to(".look-emergency summary")
        tab.page.keyboard.press("Enter")
        assert emergency.get_by_text("Gebruik van de noodknop wordt altijd nagekeken").is_visible()
        tab.page.get_by_label("Tot en met").fill("2020-01-01")
        tab.page.get_by_role("button", name="Toon").click()
        tab.page.wait_for_url("**tot=2020-01-01**")
        tab.page.locator("#lijst .empty").wait_for()
        assert tab.page.locator(".look").count() == 0
        links = tab.page.locator("#meenemen a")
        kept = [links.nth(place).get_attribute("href").partition("?") for place in range(links.count())]
        assert [file for file, _, _ in kept] == ["/mijn.pdf", "/mijn.csv"]
        assert all("tot=2020-01-01" in words for _, _, words in kept)
        tab.page.get_by_role("link", name="Stel een vraag").click()
        assert tab.page.locator("h1").count() == 1
        assert tab.wrong == []


def test_a_hint_is_reviewed_and_leaves_the_start_page(chromium: Any, pages: Pages) -> None:
    with Tab(chromium, pages, pages.signed_in_elsewhere("beoordeelt", Role.PRIVACY_OFFICER), **NO_SCRIPTS) as tab:
        tab.open("/toezicht")
        cases = tab.page.locator(".case").count()
        tab.page.locator(".case", has_text="E. Haast").get_by_role("link").click()
        tab.tab_to("main input[type=radio]")
        tab.page.keyboard.press("Space")
        tab.tab_to("textarea")
        tab.page.keyboard.type("Gesproken: er was gevaar.")
        tab.tab_to("main form button")
        with tab.page.expect_navigation():
            tab.page.keyboard.press("Enter")
        tab.open("/toezicht")
        assert tab.page.locator(".case").count() == cases - 1
        assert tab.page.locator(".case", has_text="E. Haast").count() == 0
        assert tab.wrong == []


def test_what_was_put_in_by_others_does_not_run(chromium: Any, pages: Pages) -> None:
    with Tab(chromium, pages) as tab:
        tab.open("/organisaties")
        assert tab.page.get_by_text(HOSTILE).first.is_visible()
        assert tab.page.title().startswith("Aangesloten organisaties")
        assert tab.page.locator("main img, main script").count() == 0
        assert tab.wrong == []
