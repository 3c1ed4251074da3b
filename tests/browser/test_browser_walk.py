"""The pages in a real browser: each that can be reached by links is accessible, fits a phone, and breaks no policy.

Source: WCAG 2.2 AA (1.4.10 reflow, 2.1.1 keyboard, 2.4.1 bypass blocks, 2.4.7 focus visible).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from pages_kit import Browser, Pages, served
from samples import PATIENT

from xds.model.audit import MAJOR, MINOR, SUCCESS, Access, Event
from xds.model.hl7 import parse_cx
from xds.model.party import NormStatus, Organisation, Participant
from xds.model.viewer import Role

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
          "--disable-sync"]  # fmt: skip
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_NARROW, _WIDE = {"width": 320, "height": 640}, {"width": 1280, "height": 800}
_MOST = 16
_LINKS = "links => links.map(link => link.href)"
_TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """Pages that have something to show."""
    with served(tmp_path_factory.mktemp("browser")) as running:
        hospital, until = Organisation("00010990", "Ziekenhuis De Uiver", "V6"), running.now + timedelta(days=20)
        norms, since = NormStatus(date(2025, 1, 2)), date(2026, 3, 1)
        number = running.database.write_now(
            lambda writer: writer.add_participant(hospital, "ab" * 32, (), since, norms, until)
        )
        running.database.write_now(lambda writer: writer.add_patient(PATIENT))
        system = Participant(number, hospital, "ab" * 32, (), since)
        about = (Access(parse_cx(PATIENT)),)
        running.record(
            *(
                Event(f"verzoek-{outcome}", "ITI-18", running.now, outcome, participant=system, accesses=about)
                for outcome in (SUCCESS, MINOR, MAJOR)
            )
        )
        yield running


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield started
        started.close()


def opened(chromium: Any, pages: Pages, signed_in: Browser | None, **options: Any) -> Any:
    """A page of a browser that has the cookies of somebody who is signed in."""
    context = chromium.new_context(ignore_https_errors=True, viewport=_WIDE, **options)
    for name, value in ({} if signed_in is None else signed_in.cookies).items():
        context.add_cookies([{"name": name, "value": value, "url": pages.url, "secure": True, "httpOnly": True}])
    return context.new_page()


def somebody(pages: Pages, who: str) -> Browser | None:
    if who == "anybody":
        return None
    return pages.visiting() if who == "client" else pages.signed_in_elsewhere(f"kijkt-{who}", Role(who))


@pytest.mark.parametrize(
    ("who", "start", "least"), [("anybody", "/", 3), ("client", "/", 3), ("administrator", "/toezicht", 6)]
)
def test_every_page_is_accessible_and_fits_a_phone(
    chromium: Any, pages: Pages, who: str, start: str, least: int
) -> None:
    page = opened(chromium, pages, somebody(pages, who))
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    waiting, seen, wrong = [start], set[str](), []
    while waiting and len(seen) < _MOST:
        path = waiting.pop(0)
        if (kind := re.sub(r"[0-9a-f]{12,}|\d+", "#", urlsplit(path).path)) in seen:
            continue
        seen.add(kind)
        answer = page.goto(pages.url + path)
        found = axe.Axe().run(page, options={"runOnly": _RULES}).response["violations"]
        wrong += [(path, each["id"], [node["target"] for node in each["nodes"]]) for each in found]
        page.set_viewport_size(_NARROW)
        wrong += [(path, "is too wide at 320 pixels")] if page.evaluate(_TOO_WIDE) else []
        page.set_viewport_size(_WIDE)
        wrong += [(path, text) for text in (*told, *([] if answer.status == 200 else [f"status {answer.status}"]))]
        told.clear()
        links = page.eval_on_selector_all("a[href]", _LINKS)
        waiting += [
            each.removeprefix(pages.url)
            for each in links
            if each.startswith(f"{pages.url}/") and not re.search(r"#|\.(csv|json|pdf|xml|zip|ndjson)(\?|$)", each)
        ]
    page.context.close()

    assert wrong == []
    assert len(seen) >= least, seen


def test_an_auditor_signs_in_by_keyboard_and_without_scripts(chromium: Any, pages: Pages) -> None:
    pages.auditor("toetsen")
    certificate = {
        "origin": pages.url,
        "certPath": pages.folder / "toetsen.pem",
        "keyPath": pages.folder / "toetsen-key.pem",
    }
    page = opened(chromium, pages, None, client_certificates=[certificate], java_script_enabled=False)
    page.goto(f"{pages.url}/toezicht")
    page.keyboard.press("Tab")
    assert page.locator(":focus").text_content() == "Naar de inhoud"
    for _ in range(20):
        if page.locator("input[name=code]:focus").count():
            break
        page.keyboard.press("Tab")
    page.keyboard.type(pages.code("toetsen"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{pages.url}/toezicht")

    assert page.locator("h1").count() == 1
    assert "Naam van toetsen" in page.locator("header").text_content()
    page.context.close()


def test_focus_can_be_seen_also_in_forced_colours(chromium: Any, pages: Pages) -> None:
    for colours in ("none", "active"):
        page = opened(chromium, pages, None, forced_colors=colours)
        page.goto(pages.url)
        for _ in range(4):
            page.keyboard.press("Tab")
            width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
            style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert (style, float(width.removesuffix("px")) >= 2) == ("solid", True)
        page.context.close()


def test_a_print_has_the_content_and_no_menu(chromium: Any, pages: Pages) -> None:
    page = opened(chromium, pages, None)
    page.goto(f"{pages.url}/organisaties")
    page.emulate_media(media="print")

    assert page.locator("td", has_text="Ziekenhuis De Uiver").first.is_visible()
    assert not page.locator("nav").first.is_visible() or not page.locator(".menu").first.is_visible()
    assert not page.get_by_text("CSV").is_visible()
    page.context.close()


def test_what_was_put_in_by_others_does_not_run(chromium: Any, pages: Pages) -> None:
    hostile = Organisation(
        "00000666", '"><img src=x onerror="document.title=1"><script>document.title=2</script>', "V6"
    )
    pages.database.write_now(
        lambda writer: writer.add_participant(hostile, "cd" * 32, (), date(2026, 3, 1), NormStatus())
    )
    page = opened(chromium, pages, None)
    page.goto(f"{pages.url}/organisaties")

    assert page.get_by_text("<script>document.title=2</script>").first.is_visible()
    assert page.title().startswith("Aangesloten organisaties")
    assert page.locator("main img, main script").count() == 0
    page.context.close()
