"""What an auditor reads of a client's consents through time, and of what an employee could see on a day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
from consent_samples import POLICY_FILE, organisation, permit, relation, requester
from pages_kit import Browser, Pages, served
from samples import PATIENT, entry

from xds.audit.events import LET_IN_AGAIN, PARTICIPANT, SUSPENDED
from xds.consent.plain import PLAIN
from xds.ebrim.encode import encode
from xds.ebrim.fragment import pack
from xds.model.audit import SUCCESS, Access, Document, Event, Thing
from xds.model.coded import LocalizedString
from xds.model.consent import Decision, PolicyText
from xds.model.hl7 import parse_cx
from xds.model.objects import DocumentEntry, Status
from xds.model.party import NormStatus, Organisation
from xds.pages.auditor.question import HEADINGS
from xds.ports import Writer

EVA = parse_cx(PATIENT)
NUMBER = EVA.number
BEGIN = datetime(2026, 3, 10, 8, 5, tzinfo=UTC)
HOSPITAL = Organisation("00005678", "Ziekenhuis Oost", "V6")
BAKKER = requester(HOSPITAL, "03.000")
RULES = POLICY_FILE.read_bytes()
STRICTER = RULES.replace(b'"2026-01"', b'"2026-02"').replace(
    b'"verloskundige", classes = ["*"]', b'"verloskundige", classes = ["uitslagen"]'
)


def day(number: int) -> datetime:
    return BEGIN + timedelta(days=number)


def document(name: str) -> DocumentEntry:
    return entry(
        f"urn:uuid:00000000-0000-4000-8000-{name:0>12}",
        unique_id=f"2.999.100.{name}",
        logical_id=f"urn:uuid:00000000-0000-4000-8000-{name:0>12}",
        version="1",
        availability_status=Status.APPROVED,
        names=(LocalizedString(f"Kaart {name} <i>"),),
    )


def fill(writer: Writer) -> None:
    """Treated from day 1, permitted on day 2, withdrawn on day 4. Other rules from day 5, none from day 8."""
    for since, content in ((day(-2), RULES), (day(5), STRICTER), (day(8), b"")):
        writer.consents.put_in_force(PolicyText(since, content))
    writer.add_participant(HOSPITAL, "0" * 64, (), day(0).date(), NormStatus())
    writer.add_patient(PATIENT)
    client = writer.patient(PATIENT)
    assert client is not None
    writer.insert([(made, pack(encode(made))) for made in map(document, ("1", "2"))], client)
    writer.consents.add_relation(client, relation(HOSPITAL, since=day(1)), "portaal", day(1))
    given = permit(organisation(HOSPITAL.ura), since=day(2), recorded_at=day(2), recorded_by="Balie <b>")
    writer.consents.add_consent(client, given)
    writer.consents.add_consent(client, replace(given, decision=Decision.WITHDRAWN, since=day(4), recorded_at=day(4)))


def registered(name: str, at: datetime) -> Event:
    seen = Access(EVA, None, (Document(f"2.999.100.{name}"),))
    return Event(f"reg-{name}", "ITI-42", at, SUCCESS, accesses=(seen,))


def connection(what: str, at: datetime) -> Event:
    return Event(f"verbinding-{what}", "participant-change", at, SUCCESS, things=(Thing(PARTICIPANT, "1", what),))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with served(tmp_path_factory.mktemp("sight")) as running:
        running.database.write_now(fill)
        asked = Event("gezocht", "ITI-18", day(0), SUCCESS, requester=BAKKER, accesses=(Access(EVA),))
        running.record(registered("1", day(-3)), registered("2", day(3)), asked)
        running.record(connection(SUSPENDED, day(6)), connection(LET_IN_AGAIN, day(7)))
        yield running


def found(browser: Browser, onward: str) -> str:
    """Where the search for the client's number leads."""
    browser.get("/toezicht/client")
    answer = browser.post("/toezicht/client", {"nummer": NUMBER, "naar": onward})
    assert answer.status == 303 and NUMBER not in answer.headers["Location"]
    return answer.headers["Location"]


def test_consents_through_time_are_found_by_a_search_and_told_with_who_recorded_them(pages: Pages) -> None:
    browser = pages.signed_in("toestemming")
    place = found(browser, "/toezicht/toestemming")
    text = browser.get(place).text
    rows = browser.get(place.replace("?", ".json?")).json()["rows"]

    assert urlsplit(place).path == "/toezicht/toestemming"
    assert [(row["decision"], row["state"]) for row in rows] == [
        ("ingetrokken", "er is geen keuze meer"),
        ("toestemming", "ingetrokken op 14 maart 2026"),
    ]
    assert rows[0]["recorded_by"] == "Balie <b>" and "Balie &lt;b&gt;" in text
    assert NUMBER not in text
    looked = pages.records(patient=pages.recorder.patient(PATIENT), transaction="consent-read")
    assert len(looked) == 2 and looked[0].user.person.number == "toestemming"


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (0, [("Kaart 1 <i> (zwangerschapskaart)", "alleen met de noodknop", "behandelrelatie")]),
        (1, [("Kaart 1 <i> (zwangerschapskaart)", "alleen met de noodknop", "toestemming")]),
        (2, [("Kaart 1 <i> (zwangerschapskaart)", "ja", "toestemming")]),
        (3, [("Kaart 1 <i> (zwangerschapskaart)", "ja", "toestemming"),
             ("Kaart 2 <i> (zwangerschapskaart)", "ja", "toestemming")]),
        (4, [("Kaart 1 <i> (zwangerschapskaart)", "alleen met de noodknop", "toestemming"),
             ("Kaart 2 <i> (zwangerschapskaart)", "alleen met de noodknop", "toestemming")]),
        (5, [("Kaart 1 <i> (zwangerschapskaart)", "nee", "bevoegdheid van de rol"),
             ("Kaart 2 <i> (zwangerschapskaart)", "nee", "bevoegdheid van de rol")]),
        (6, [("Kaart 1 <i> (zwangerschapskaart)", "nee", "aansluiting"),
             ("Kaart 2 <i> (zwangerschapskaart)", "nee", "aansluiting")]),
        (7, [("Kaart 1 <i> (zwangerschapskaart)", "nee", "bevoegdheid van de rol"),
             ("Kaart 2 <i> (zwangerschapskaart)", "nee", "bevoegdheid van de rol")]),
    ],
)  # fmt: skip
def test_what_could_be_seen_is_told_by_what_was_known_that_day(
    pages: Pages, on: int, expected: list[tuple[str, str, str]]
) -> None:
    browser = pages.signed_in(f"dag-{on}")
    place = found(browser, "/toezicht/kon-zien").replace("?", ".json?")
    asked = f"{place}&medewerker=900000001&dag={day(on).date()}"
    rows = browser.get(asked).json()["rows"]

    assert [(row["title"], row["could"], row["rule"]) for row in rows] == expected
    assert rows[0]["registered"] == "2026-03-07T08:05:00Z"


def test_an_hour_of_the_day_can_be_asked_by_dutch_clocks(pages: Pages) -> None:
    browser = pages.signed_in("uur")
    asked = f"{found(browser, '/toezicht/kon-zien').replace('?', '.json?')}&medewerker=900000001&dag=2026-03-12&tijd="

    told = {clock: browser.get(f"{asked}{clock}").json()["rows"][0]["could"] for clock in ("09:04", "09:06")}
    assert told == {"09:04": "alleen met de noodknop", "09:06": "ja"}
    assert browser.get(f"{asked}gisteren").status == 404


def test_a_record_leads_to_what_its_employee_could_see_that_day(pages: Pages) -> None:
    browser = pages.signed_in("verder")
    text = browser.get("/toezicht/log/2").text
    (place,) = re.findall(r'href="(/toezicht/kon-zien\?[^"]+)"', text)

    assert "Ziekenhuis Oost" in browser.get(unescape(place)).text and "dag=2026-03-10&amp;tijd=09%3A05%3A00" in place
    assert "op 10-03-2026 09:05" in re.sub("<[^>]+>", "", browser.get(unescape(place)).text)


def test_every_rule_that_can_decide_has_a_name_for_auditors() -> None:
    assert HEADINGS["rule"].texts.keys() == PLAIN.keys()


def test_it_tells_whose_role_it_is_and_says_so_when_nothing_is_known(pages: Pages) -> None:
    browser = pages.signed_in("functie")
    place = found(browser, "/toezicht/kon-zien")
    text = browser.get(f"{place}&medewerker=900000001&dag=2026-03-12").text

    assert "A. Jansen" in text and "Ziekenhuis Oost" in text and "versie 2026-01" in text
    assert "Kaart 1 &lt;i&gt;" in text and NUMBER not in text
    assert "Niemand met deze naam" in browser.get(f"{place}&medewerker=900000009&dag=2026-03-12").text
    assert "versie 2026-01" in browser.get(f"{place}&medewerker=jansen&dag=2026-03-12").text
    assert "niets in het logboek" in browser.get(f"{place}&medewerker=900000001&dag=2026-03-01").text
    looked = pages.records(employee="functie", transaction="consent-read")[0]
    assert dict(looked.things[0].details)["medewerker"] == "900000001"


def test_it_tells_which_rules_were_in_force(pages: Pages) -> None:
    browser = pages.signed_in("regels")
    pages.record(Event("eerder", "ITI-18", day(-4), SUCCESS, requester=BAKKER, accesses=(Access(EVA),)))
    asked = f"{found(browser, '/toezicht/kon-zien')}&medewerker=900000001&dag="
    told = [browser.get(f"{asked}{day(number).date()}").text for number in (-3, 4, 5, 8)]

    assert "oudste versie die bewaard is: versie 2026-01, die geldt vanaf" in told[0] and "08-03-2026" in told[0]
    assert re.search(r"regels van dat moment: versie 2026-01, die gold vanaf.*08-03-2026", told[1])
    assert re.search(r"regels van dat moment: versie 2026-02, die gold vanaf.*15-03-2026", told[2])
    assert "geen regels vastgesteld" in told[3] and "Kaart 1" not in told[3]


@pytest.mark.parametrize("page", ["toestemming", "kon-zien"])
def test_a_client_of_others_is_as_one_who_is_not_there(pages: Pages, page: str) -> None:
    whole = pages.signed_in(f"geheel-{page}")
    place = found(whole, f"/toezicht/{page}")
    elsewhere = pages.signed_in(f"elders-{page}", organisation="00010990")
    treats = pages.signed_in(f"behandelt-{page}", organisation=HOSPITAL.ura)
    unknown = f"/toezicht/{page}?client={'0' * 32}"

    hidden, absent = elsewhere.get(place), elsewhere.get(unknown)
    assert (hidden.status, hidden.text) == (absent.status, absent.text) and hidden.status == 404
    assert treats.get(place).status == 200
    wrong = ("", "?client=x", "?client=" + "%C3%A9" * 32, "?client=" + "%20" * 32)
    assert [whole.get(f"/toezicht/{page}{each}").status for each in wrong] == [404] * 4
