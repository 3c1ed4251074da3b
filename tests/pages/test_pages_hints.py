"""The auditors' start page: hints with their rules, what was found, and whether the log is sound."""

from __future__ import annotations

import html
import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pages_kit import Browser, Pages, served

from xds.model.audit import MINOR, SUCCESS, Access, Event
from xds.model.coded import Coded
from xds.model.dutch_time import dutch_midnight, dutch_time
from xds.model.hl7 import CX
from xds.model.party import NormStatus, Organisation, Participant, Person, Requester
from xds.model.verdict import Checks, Verdict
from xds.model.viewer import Role

HOSPITAL = Organisation("00010990", "Ziekenhuis De Uiver", "V6")
JGZ = Organisation("00054321", "JGZ De Wieg", "JGZ")
BSN_OID = "2.16.840.1.113883.2.4.6.3"
NEIGHBOUR = CX("999911120", BSN_OID)
GIVEN = Verdict(True, "consent", "1", "De cliënt heeft toestemming gegeven.", Checks(True, True, True))
UNRELATED = Verdict(False, "treatment-relation", "2026-01", "Geen behandelrelatie.", Checks(True, False))
BROKEN = Verdict(True, "emergency", "2026-01", "Noodknop: spoed.", Checks(True, False, None, True))
HINTS = "/toezicht/signalen"


class Work:
    """Makes events of employees of one organisation."""

    def __init__(self, pages: Pages):
        self.pages = pages
        self.today = dutch_midnight(dutch_time(pages.now).date())
        self._numbers = 0

    def look(
        self,
        name: str,
        ago: int,
        hour: float,
        patient: CX = NEIGHBOUR,
        verdict: Verdict = GIVEN,
        at: Organisation = HOSPITAL,
    ) -> Event:
        self._numbers += 1
        participant = Participant(1, at, "ab" * 32, (), self.today.date(), NormStatus())
        number = f"{sum(name.encode()):09}"
        user = Person(
            number, "2.16.528.1.1007.3.1", name, Coded("30.000", "2.16.840.1.113883.2.4.15.111", "verpleegkundige")
        )
        reason = "spoed" if verdict is BROKEN else None
        purpose = Coded("BTG" if reason else "TREAT", "2.16.840.1.113883.5.8")
        requester = Requester(participant, user, at, purpose, 4, "https://issuer.example", f"_{name}", emergency=reason)
        started: datetime = self.today - timedelta(days=ago) + timedelta(hours=hour)
        outcome = SUCCESS if verdict.permitted else MINOR
        return Event(
            f"look-{self._numbers}", "ITI-18", started, outcome, requester, accesses=(Access(patient, verdict),)
        )


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """A week of a hospital: three nurses who work by day, of whom one does what should be looked into."""
    with served(tmp_path_factory.mktemp("busy")) as pages:
        work = Work(pages)
        ordinary = [
            work.look(name, ago, 9 + visit, CX(f"99990{visit}{ago}00", BSN_OID))
            for name in ("A. Ander", "B. Bakker", "C. Smit")
            for ago in range(1, 8)
            for visit in range(3)
        ]
        pages.record(*ordinary, work.look("B. Bakker", 2, 10, verdict=UNRELATED))
        pages.record(
            *(work.look("C. Smit", 3, 2.0 + minute / 60, verdict=UNRELATED) for minute in (3, 5)),
            work.look("C. Smit", 3, 2.2, verdict=BROKEN),
            work.look("C. Smit", 3, 9.0, verdict=UNRELATED),
            work.look("D. Wieg", 4, 16, verdict=BROKEN, at=JGZ),
        )
        yield pages


def rows(browser: Browser, query: str = "") -> list[dict[str, str]]:
    return browser.get(f"{HINTS}.json{query}").json()["rows"]


def address_of(page: str, label: str) -> str:
    """Where the page leads by the link with this text."""
    (found,) = re.findall(f'href="([^"]*)">{label}', page)
    return html.unescape(found)


def test_what_stands_out_is_on_the_start_page_and_ordinary_work_is_not(busy: Pages) -> None:
    page = busy.signed_in("begin").get("/toezicht").text

    assert page.index("Noodknop na weigering") < page.index("D. Wieg, verpleegkundige")
    assert "C. Smit, verpleegkundige" in page and "2 keer geweigerd bij een cliënt" in page
    assert "A. Ander" not in page and "B. Bakker" not in page
    assert "Alle 4 open signalen" in page
    assert "Zelfde adres van medewerker en cliënt" in page
    assert "999911120" not in page


def test_a_look_at_a_client_of_the_same_rare_surname_is_a_hint(tmp_path: Path) -> None:
    """Names come with documents, and with the feed; of each the log and the database have a keyed hash only."""
    relative, other, common = (CX(f"99990000{number}", BSN_OID) for number in (1, 2, 3))
    with served(tmp_path) as pages:
        work = Work(pages)
        named = [
            (relative, {"zwaluwenberg"}),
            (other, {"smit", "post"}),
            *((CX(f"{n}", BSN_OID), {"smit"}) for n in range(4)),
        ]
        pages.record(
            *(
                Event(
                    f"doc-{place}", "ITI-41", work.today, SUCCESS, accesses=(Access(patient, surnames=frozenset(its)),)
                )
                for place, (patient, its) in enumerate(named)
            ),
            work.look("Kim van Zwaluwenberg", 3, 10, relative),
            work.look("Kim van Zwaluwenberg", 3, 11, relative, UNRELATED),
            work.look("Kim van Zwaluwenberg", 3, 11, common),
            work.look("Carla Smit", 3, 10, other),
        )
        browser = pages.signed_in("namen")
        (hint,) = rows(browser, "?regel=achternaam")
        page = browser.get(address_of(browser.get(HINTS).text, "Zelfde achternaam")).text
        found = browser.get(f"{address_of(browser.get(HINTS).text, 'Zelfde achternaam')}.json").json()["rows"]

    assert hint["employee"].startswith("Kim van Zwaluwenberg")
    assert hint["found"] == "2 regels over een cliënt met dezelfde achternaam als de medewerker."
    assert "als hooguit 3 cliënten zo heten" in page
    assert [row["outcome"] for row in found] == ["geweigerd", "gelukt"]
    assert b"zwaluwenberg" not in (tmp_path / "pages.db").read_bytes()


def test_a_hint_has_its_rule_and_leads_to_its_records(busy: Pages) -> None:
    browser = busy.signed_in("volgt")
    listed = browser.get(f"{HINTS}?regel=toch-binnen").text
    page = browser.get(address_of(listed, "Noodknop na weigering")).text

    assert "Een noodknop binnen 24 uur na een weigering bij dezelfde cliënt." in page
    address = address_of(page, "Bekijk in het logboek alles wat deze medewerker bij deze cliënt deed")
    asked = parse_qs(urlsplit(address).query)
    assert asked["client"] == [busy.recorder.patient(str(NEIGHBOUR)).hex()]
    assert asked["organisatie"] == [HOSPITAL.ura]
    path = urlsplit(address)
    found = browser.get(f"{path.path}.json?{path.query}").json()["rows"]
    assert [row["outcome"] for row in found] == ["geweigerd", "gelukt, noodknop", "geweigerd", "geweigerd"]
    here = browser.get(f"{address_of(listed, 'Noodknop na weigering')}.json").json()["rows"]
    # What came after the glass was broken did not raise it.
    assert [row["reason"] for row in here] == ["Noodknop: spoed.", "Geen behandelrelatie.", "Geen behandelrelatie."]
    assert "999911120" not in page + address


def test_a_hint_lists_the_records_that_its_rule_counted(tmp_path: Path) -> None:
    """Of an hour, of a night and of one request: page by page, and nothing around it."""
    clients = [CX(f"8888{number:05}", BSN_OID) for number in range(60)]
    with served(tmp_path) as pages:
        work = Work(pages)
        before, after = work.look("H. Haast", 2, 9.9, clients[59]), work.look("H. Haast", 2, 11.0, clients[58])
        in_the_hour = [
            work.look("H. Haast", 2, 10 + n / 60, clients[n], UNRELATED if n % 3 else GIVEN) for n in range(30)
        ]
        at_once = work.look("V. Veel", 1, 12)
        sweep = Event(**{name: getattr(at_once, name) for name in at_once.__struct_fields__} | {
            "accesses": tuple(Access(client, GIVEN) for client in clients[:12])})  # fmt: skip
        by_night = [work.look("N. Nacht", 4, hour, clients[1]) for hour in (0.5, 5.9, 6.1, 22.9, 23.1)]
        pages.record(before, *in_the_hour, after, *by_night, work.look("V. Veel", 1, 11), sweep)
        browser = pages.signed_in("telt-na")
        texts = {row["rule"]: row["found"] for row in rows(browser)}
        counted = {}
        for rule in ("uur", "nacht", "een-vraag"):
            (url,) = set(
                re.findall(r'href="(/toezicht/signalen/[0-9a-f]{32})"', browser.get(f"{HINTS}?regel={rule}").text)
            )
            found = browser.get(f"{url}.json?limit=20").json()
            counted[rule] = found["rows"] + (browser.get(found["next"]).json()["rows"] if found["next"] else [])

    assert texts["Zeer veel dossiers in een uur"] == (
        "Vroeg dossiers op van 30 cliënten in één uur, dat om 10:00 begon; bij 20 geweigerd."
    )
    assert {rule: len(found) for rule, found in counted.items()} == {"uur": 30, "nacht": 3, "een-vraag": 12}
    assert sum(row["outcome"] == "geweigerd" for row in counted["uur"]) == 20
    assert len({row["client"] for row in counted["uur"]}) == 30


def test_the_same_hints_are_given_as_json_and_csv(busy: Pages) -> None:
    browser = busy.signed_in("lijst")

    assert [(row["rule"], row["employee"]) for row in rows(browser)] == [
        ("Noodknop na weigering", "C. Smit, verpleegkundige"),
        ("Noodknop gebruikt", "C. Smit, verpleegkundige"),
        ("Ongewoon in de nacht", "C. Smit, verpleegkundige"),
        ("Noodknop gebruikt", "D. Wieg, verpleegkundige"),
    ]
    first = browser.get(f"{HINTS}.json?limit=3").json()
    assert len(first["rows"]) == 3
    assert [row["employee"] for row in browser.get(first["next"]).json()["rows"]] == ["D. Wieg, verpleegkundige"]
    assert "Noodknop na weigering" in browser.get(f"{HINTS}.csv").text
    assert browser.get(f"{HINTS}?toon=onzin").status == browser.get(f"{HINTS}/{'0' * 32}").status == 404


def test_an_auditor_of_one_organisation_sees_its_own_hints(busy: Pages) -> None:
    browser = busy.signed_in("van-de-wieg", Role.AUDITOR, JGZ.ura)
    whole = busy.signed_in("van-alles").get(f"{HINTS}?regel=toch-binnen").text

    assert {row["employee"] for row in rows(browser)} == {"D. Wieg, verpleegkundige"}
    assert "C. Smit" not in browser.get("/toezicht").text
    assert browser.get(address_of(whole, "Noodknop na weigering")).status == 404


def test_a_review_is_kept_with_who_and_when_and_is_on_record(busy: Pages) -> None:
    browser = busy.signed_in("beoordeelt")
    url = address_of(browser.get(f"{HINTS}?regel=nacht").text, "Ongewoon in de nacht")
    form = browser.get(url).text
    assert "Beoordelen" in form and "lezen de uitkomst meteen op hun eigen pagina" in form

    assert "Schrijf bij deze uitkomst een toelichting" in browser.post(url, {"uitkomst": "unlawful"}).text
    told = browser.post(url, {"uitkomst": "in-order", "toelichting": "Ging over 999911120."})
    assert told.status == 422 and "burgerservicenummer" in told.text
    assert browser.post(url, {"uitkomst": "goed"}).status == 422
    others = [row for row in rows(browser) if row["employee"].startswith("C. Smit")]
    assert {row["state"] for row in others} == {"open"}

    siblings = browser.get(url).text.split('name="ook" value="')[1:]
    kept = browser.post(url, {"uitkomst": "investigate", "toelichting": "Gesprek gepland.", "ook": siblings[0][:32]})
    assert (kept.status, kept.headers["Location"]) == (303, "/toezicht?vastgelegd=ja")
    assert "Uw beoordeling is vastgelegd" in browser.get(kept.headers["Location"]).text
    assert "Uw beoordeling is vastgelegd" not in browser.get("/toezicht").text
    page = browser.get(url).text
    assert "Wordt uitgezocht" in page and "Gesprek gepland." in page and "Naam van beoordeelt" in page
    assert "wordt uitgezocht" in browser.get("/toezicht").text

    assert browser.post(url, {"uitkomst": "unlawful", "toelichting": "Buurvrouw."}).status == 303
    assert [row["state"] for row in rows(browser, "?toon=beoordeeld")] == ["niet in orde"]
    assert [row["state"] for row in rows(browser)] == ["wordt uitgezocht", "open", "open"]
    first, second = busy.records(employee="beoordeelt", transaction="hint-review")
    assert dict(first.things[0].details)["uitkomst"] == "investigate"
    assert len(first.things[0].details) == 3 and len(second.things[0].details) == 2
    assert "C. Smit" not in browser.get(f"{HINTS}?toon=alle&regel=uur").text


def test_who_may_not_review_is_shown_no_form(busy: Pages) -> None:
    browser = busy.signed_in("beheerder-kijkt", Role.ADMINISTRATOR)
    url = address_of(browser.get(f"{HINTS}?regel=nacht&toon=alle").text, "Ongewoon in de nacht")

    assert 'name="uitkomst"' not in browser.get(url).text
    assert browser.post(url, {"uitkomst": "in-order"}).status == 404
    assert busy.visiting().get(HINTS).status == 404


def test_the_state_of_the_log_is_told(busy: Pages) -> None:
    browser = busy.signed_in("zegel")
    page = browser.get("/toezicht").text
    assert "zojuist nagerekend" in page and "nog nooit" in page

    busy.later(minutes=61)
    assert "te lang niet buiten het systeem bewaard" in busy.signed_in("zegel-later").get("/toezicht").text


@pytest.mark.parametrize("changed", ["replace(payload, 'Ander', 'Onder')", "CAST('{}' AS BLOB)"])
def test_a_record_that_was_changed_is_told_on_the_start_page(tmp_path: Path, changed: str) -> None:
    with served(tmp_path) as pages:
        pages.record(Work(pages).look("A. Ander", 0, 1))
        browser = pages.signed_in("argwaan")
        assert "zojuist nagerekend" in browser.get("/toezicht").text

        with sqlite3.connect(pages.folder / "pages.db") as database:
            database.execute(f"UPDATE log_record SET payload = {changed} WHERE seq = 0")

        assert "klopt niet meer bij regel 0" in browser.get("/toezicht").text
