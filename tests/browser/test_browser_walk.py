"""Every page in a real browser: found by its links, looked at wide, on a phone, in forced colours and in print.

Source: WCAG 2.2 AA (1.4.10 reflow, 2.4.7 focus visible); axe-core.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from browser_kit import PHONE, PRACTICE, SOFIE, WIDE, Tab, apart
from pages_kit import Pages

from xds.model.viewer import Role
from xds.pages_server import build_site

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_PAPER = {"auto": {"width": 680, "height": 960}, "wide": {"width": 1000, "height": 640}}
"""A4 without its margins, in CSS pixels: upright, and lying for the pages that ask for it."""
_LINKS = "links => links.map(link => link.getAttribute('href'))"
_OTHER_FORMS = re.compile(r"\.[a-z]{3,6}(\?|$)")
_TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
_UNSEEN_FOCUS = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
    .filter(each => each.checkVisibility({visibilityProperty: true}) && each.type !== "hidden" && each.tabIndex >= 0)
    .filter(each => {
        each.focus({focusVisible: true});
        const style = getComputedStyle(each);
        return document.activeElement !== each || style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2;
    })
    .map(each => each.outerHTML.slice(0, 120))"""
_CUT_OR_IDLE_IN_PRINT = """() => [...document.querySelectorAll("body *")]
    .filter(each => each.checkVisibility({contentVisibilityAuto: true}) && !each.closest("svg, .hidden"))
    .filter(each => each.matches("nav li, button, input, select, .skip, .forms")
        || (getComputedStyle(each).overflowX !== "visible" && each.scrollWidth > each.clientWidth + 1))
    .map(each => each.outerHTML.slice(0, 120))"""
_CLOSED_IN_PRINT = """() => [...document.querySelectorAll("main details > :not(summary)")]
    .filter(each => getComputedStyle(each.parentElement).display !== "none" && each.getClientRects().length
        && !each.checkVisibility())
    .map(each => each.outerHTML.slice(0, 120))"""
_LOST_IN_PRINT = """() => [...document.querySelectorAll("h1, h2, td, dd, .look")]
    .filter(each => !each.checkVisibility() && !each.closest("form, nav, .timeline details"))
    .map(each => each.outerHTML.slice(0, 120))"""
_NO_PAGES = frozenset({"/toezicht/export/{id}/bestand"})
"""What a browser keeps, and does not show."""


async def registered(pages: Pages) -> list[web.AbstractResource]:
    """Every page that a browser can go to."""
    runner = web.AppRunner(build_site(pages.settings, pages.clock))
    await runner.setup()
    try:
        routes = runner.app.router.routes()
        return [
            route.resource
            for route in routes
            if route.method == "GET" and route.resource is not None and "." not in route.resource.canonical
        ]
    finally:
        await runner.cleanup()


def faults(tab: Tab, axe: Any) -> list[object]:
    """What is wrong with the page that is open."""
    page, found = tab.page, []
    broken = axe.run(page, options={"runOnly": _RULES, "resultTypes": ["violations"]}).response["violations"]
    found += [(each["id"], [node["target"] for node in each["nodes"]]) for each in broken]
    found += [("focus can't be seen", each) for each in page.evaluate(_UNSEEN_FOCUS)]
    page.set_viewport_size(PHONE)
    found += ["is too wide at 320 pixels"] if page.evaluate(_TOO_WIDE) else []
    page.emulate_media(forced_colors="active")
    found += [("focus can't be seen in forced colours", each) for each in page.evaluate(_UNSEEN_FOCUS)]
    page.emulate_media(media="print", forced_colors="none")
    page.set_viewport_size(_PAPER[page.evaluate("getComputedStyle(document.body).page")])
    found += ["is too wide in print"] if page.evaluate(_TOO_WIDE) else []
    found += [("is cut, or has no use, in print", each) for each in page.evaluate(_CUT_OR_IDLE_IN_PRINT)]
    found += [("is closed in print", each) for each in page.evaluate(_CLOSED_IN_PRINT)]
    found += [("is not in print", each) for each in page.evaluate(_LOST_IN_PRINT)]
    page.emulate_media(media="screen")
    page.set_viewport_size(WIDE)
    return found + tab.wrong


def kind_of(path: str, known: list[web.AbstractResource]) -> str:
    """The page that a path is of, as it is registered; each of a few that have a name of their own by that name."""
    place = urlsplit(path).path
    for each in known:
        pattern = each.get_info().get("pattern")
        if pattern is not None and pattern.fullmatch(place) and "{soort}" not in each.canonical:
            return each.canonical
    return place


def places(pages: Pages) -> list[str]:
    """Where an administrator begins: pages that only a form leads to, and a record of a client."""
    key = pages.recorder.patient(str(SOFIE)).hex()
    return [
        *(f"/toezicht/overzicht/{kind}?client={key}" for kind in ("client", "dossier")),
        f"/toezicht/overzicht/dag?organisatie={PRACTICE.ura}&van={pages.now.date()}",
        "/toezicht/overzicht/medewerker?medewerker=123456789",
        "/toezicht/log/73",
        "/toezicht",
    ]


def walk(tab: Tab, axe: Any, known: list[web.AbstractResource], starts: list[str], seen: set[str]) -> list[object]:
    """What is wrong with the pages that links lead to from `starts`; those that are `seen` are not looked at again."""
    waiting, wrong = list(starts), list[object]()
    while waiting:
        path = waiting.pop(0)
        if kind_of(path, known) in seen:
            continue
        tab.wrong.clear()
        status = tab.open(path)
        if (kind := kind_of(tab.path, known)) in seen:
            continue
        seen.add(kind)
        wrong += [(path, fault) for fault in ([] if status == 200 else [status]) + faults(tab, axe)]
        links = tab.page.eval_on_selector_all("a[href^='/']", _LINKS)
        waiting += [each.partition("#")[0] for each in links if not _OTHER_FORMS.search(each)]
    return wrong


def test_every_page_is_accessible_and_fits_everywhere(chromium: Any, pages: Pages) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    client, administrator = pages.visiting(), pages.signed_in_elsewhere("beheert", Role.ADMINISTRATOR)
    administrator.get("/toezicht/export?uitkomst=4")
    administrator.post("/toezicht/export", {"vraag": "uitkomst=4", "vorm": "csv"})
    known, seen, wrong = apart(registered(pages)), set(_NO_PAGES), list[object]()
    for signed_in, starts in ((None, ["/"]), (client, ["/", "/mijn"]), (administrator, places(pages))):
        with Tab(chromium, pages, signed_in) as tab:
            seen.discard("/")
            wrong += walk(tab, axe, known, starts, seen)

    assert not wrong, "\n".join(map(str, wrong))
    assert {each.canonical for each in known} - seen <= {"/toezicht/overzicht/{soort}"}
