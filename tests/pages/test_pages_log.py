"""The log on screen: its filters, facets, timeline and pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from log_events import (
    BAKKER,
    DOCUMENT,
    HOSPITAL,
    JANSEN,
    MARIA,
    PERMITTED,
    PRACTICE,
    REFUSED,
    SOFIE,
    happened,
    requester,
    seal,
    with_a_log,
)
from pages_kit import Pages, served
from samples import entry

from xds.ebrim.encode import encode
from xds.ebrim.fragment import pack
from xds.model.audit import Access
from xds.model.coded import LocalizedString
from xds.model.objects import Status
from xds.model.viewer import Role
from xds.ports import Writer

LATER = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with with_a_log(tmp_path_factory.mktemp("log-pages")) as running:
        yield running


def facet(text: str, label: str) -> dict[str, int]:
    """The values of a facet with their counts."""
    (block,) = re.findall(rf"<summary>{label}</summary>(.*?)</details>", text, re.S)
    pairs = re.findall(r"<span>(.*?)</span> <span class=\"count\">([\d.]+)</span>", block, re.S)
    return {unescape(name): int(count.replace(".", "")) for name, count in pairs}


@pytest.mark.parametrize(
    ("words", "mistake"),
    [
        ("van=gisteren&regel=consent", "Dit is geen dag. Schrijf een dag zo: 25-11-2026."),
        ("tot=31-02-2025&regel=consent", "Dit is geen dag."),
        ("van=9999-12-31&regel=consent", "Kies een dag na 1970 en voor 2100."),
        ("van=02-03-2025&tot=01-03-2025&regel=consent", "Deze dag is eerder dan de eerste dag."),
    ],
)
def test_who_types_no_day_is_told_what_is_wrong_and_keeps_the_rest(pages: Pages, words: str, mistake: str) -> None:
    browser = pages.signed_in(f"t-{words.encode().hex()[:50]}")
    answer = browser.get(f"/toezicht/log?{words}")
    assert (answer.status, mistake in answer.text) == (422, True)
    assert '<input type="hidden" name="regel" value="consent">' in answer.text
    assert "J. Jansen" not in answer.text
    by_htmx = browser.get(f"/toezicht/log?{words}", **{"HX-Request": "true"})
    assert (by_htmx.status, by_htmx.headers["HX-Redirect"]) == (200, f"/toezicht/log?{words}")
    assert browser.get(f"/toezicht/log.json?{words}").status == 422


def test_an_overview_names_documents_that_are_still_registered(pages: Pages) -> None:
    browser, token = pages.signed_in("titels"), pages.recorder.patient(str(SOFIE)).hex()
    path = f"/toezicht/overzicht/dossier?client={token}"
    assert "een document dat niet meer is aangemeld" in browser.get(path).text
    assert browser.get(path.replace("?", ".json?")).json()["rows"][0]["documents"] == ["1.2.3"]
    uuid = "urn:uuid:00000000-0000-4000-8000-000000000123"
    known = entry(uuid, unique_id="1.2.3", logical_id=uuid, version="1", availability_status=Status.APPROVED,
                  names=(LocalizedString("Echo <b>20</b> weken"),))  # fmt: skip

    def register(writer: Writer) -> None:
        writer.add_patient(str(SOFIE))
        writer.insert([(known, pack(encode(known)))], writer.patient(str(SOFIE)))

    pages.database.write_now(register)
    text = browser.get(path).text
    assert "Echo &lt;b&gt;20&lt;/b&gt; weken" in text and "1.2.3" not in text
    record = browser.get("/toezicht/log/0").text
    assert "<li>Echo &lt;b&gt;20&lt;/b&gt; weken" in record
    (onward,) = re.findall(r'href="([^"]+)">Overzicht van dit dossier op deze dag', record)
    assert onward == f"/toezicht/overzicht/dossier?client={token}&amp;van=2025-03-10&amp;tot=2025-03-10"
    assert len(browser.get(unescape(onward).replace("?", ".json?")).json()["rows"]) == 3
    assert browser.get(path.replace("?", ".csv?")).text.count("Echo <b>20</b> weken") == 60


def test_the_newest_come_first_with_what_there_is_to_choose(pages: Pages) -> None:
    answer = pages.signed_in("nieuwste").get("/toezicht/log?tot=2025-12-31")

    assert answer.status == 200
    assert re.findall(r'href="/toezicht/log/(\d+)"', answer.text)[:3] == ["62", "61", "60"]
    assert facet(answer.text, "Uitkomst") == {"gelukt": 62, "geweigerd": 1}
    assert facet(answer.text, "Medewerker") == {"J. Jansen": 60, "B. Bakker": 2, "E. Haast": 1}
    assert facet(answer.text, "Noodknop") == {"niet gebruikt": 62, "gebruikt": 1}
    assert facet(answer.text, "Regel die besliste") == {"toestemming": 62, "behandelrelatie": 1}
    assert "Regels per dag" in answer.text and "10-03-2025: 3" in answer.text


def test_pages_follow_each_other_and_miss_nothing(pages: Pages) -> None:
    browser = pages.signed_in("bladeren")
    seen, path = [], "/toezicht/log?tot=2025-12-31&limit=20"
    while path:
        text = browser.get(path).text
        seen += re.findall(r'href="/toezicht/log/(\d+)"', text)
        path = unescape("".join(re.findall(r'href="([^"]+)" rel="next"', text)))
    assert seen == [str(seq) for seq in range(62, -1, -1)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("medewerker=900000001", [61, 60]),
        ("medewerker=900000001^^^%262.16.528.1.1007.3.1%26ISO&uitkomst=4", [61]),
        ("organisatie=00005678&noodknop=0", [61, 60]),
        ("noodknop=1", [62]),
        ("gebeurtenis=ITI-43", [60]),
        ("regel=treatment-relation", [61]),
        ("van=2025-03-25", [62, 61, 60, 59]),
        ("van=25-3-2025", [62, 61, 60, 59]),
        ("van=25+maart+2025&tot=31/12/2025", [62, 61, 60, 59]),
        ("van=2025-03-10&tot=2025-03-10", [2, 1, 0]),
        ("doel=-&gebeurtenis=ITI-18", []),
    ],
)
def test_filters_narrow_the_list_in_every_form(pages: Pages, words: str, expected: list[int]) -> None:
    browser = pages.signed_in(words.encode().hex()[:60])
    rows = browser.get(f"/toezicht/log.json?tot=2025-12-31&{words}").json()["rows"]
    assert [row["seq"] for row in rows] == expected
    shown = re.findall(r'href="/toezicht/log/(\d+)"', browser.get(f"/toezicht/log?tot=2025-12-31&{words}").text)
    assert [int(seq) for seq in shown] == expected
    assert [row["why"] for row in rows] == [REFUSED.reason if seq == 61 else PERMITTED.reason for seq in expected]
    lines = browser.get(f"/toezicht/log.csv?tot=2025-12-31&{words}").text.splitlines()
    assert '"Regel";"Waarom";"Documenten";"Documentnummers"' in lines[0]
    assert len(lines) == len(expected) + 1


def test_a_client_is_found_by_a_form_and_is_in_no_address(pages: Pages) -> None:
    browser = pages.signed_in("zoeker")
    browser.get("/toezicht/client")
    wrong = browser.post("/toezicht/client", {"nummer": "123456789"})
    assert wrong.status == 422 and "geen geldig burgerservicenummer" in wrong.text and "123456789" not in wrong.text

    found = browser.post("/toezicht/client", {"nummer": "9999 00 006"})
    assert found.status == 303
    token = pages.recorder.patient(str(MARIA)).hex()
    assert found.headers["Location"] == f"/toezicht/log?client={token}"
    answer = browser.get(found.headers["Location"])
    assert re.findall(r'href="/toezicht/log/(\d+)"', answer.text)[-3:] == ["62", "61", "60"]
    assert MARIA.number not in answer.text

    looked = pages.records(patient=pages.recorder.patient(str(MARIA)), employee="zoeker")
    assert [record.things[0].name for record in looked] == ["Cliënt gezocht", "Logboek"]
    assert all(MARIA.number not in str(record.things) for record in looked)


def test_a_question_is_on_record(pages: Pages) -> None:
    browser = pages.signed_in("vraagt")
    browser.get("/toezicht/log?organisatie=00005678&van=2025-03-01&tot=2025-12-31&noodknop=1")
    said = dict(pages.records(employee="vraagt")[-1].things[0].details)
    assert said == {"van": "01-03-2025", "tot en met": "31-12-2025", "Organisatie": "00005678", "Noodknop": "gebruikt"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("medewerker=b.+BAKKER", [61, 60]),
        ("medewerker=haast", [62]),
        ("organisatie=ziekenhuis&uitkomst=4", [61]),
        ("medewerker=bakker&organisatie=de+kom", []),
    ],
)
def test_who_types_a_name_finds_as_by_the_number(pages: Pages, words: str, expected: list[int]) -> None:
    browser = pages.signed_in(f"n-{words.encode().hex()[:50]}")
    rows = browser.get(f"/toezicht/log.json?tot=2025-12-31&{words}").json()["rows"]
    assert [row["seq"] for row in rows] == expected
    shown = re.findall(r'href="/toezicht/log/(\d+)"', browser.get(f"/toezicht/log?tot=2025-12-31&{words}").text)
    assert [int(seq) for seq in shown] == expected


def test_the_other_pages_take_a_name_too(pages: Pages) -> None:
    browser = pages.signed_in("op-naam")
    for place in ("overzicht/medewerker.json?medewerker=Bakker", "steekproef.json?organisatie=oost&tot=2025-12-31"):
        rows = browser.get(f"/toezicht/{place}").json()["rows"]
        assert len(rows) >= 2 and {row["organisation"] for row in rows} == {HOSPITAL.name}
    day = browser.get("/toezicht/overzicht/dag.json?organisatie=de+kom&van=2025-03-10").json()["rows"]
    assert len(day) == 3


def test_a_name_of_several_is_asked_back_and_one_of_nobody_is_told(tmp_path: Path) -> None:
    with served(tmp_path) as pages:
        other = requester(HOSPITAL, "900000007", "J. Jansen")
        pages.record(happened(0, JANSEN, SOFIE), happened(1, BAKKER, SOFIE))
        pages.database.write_now(lambda writer: writer.log.index(10))
        pages.record(happened(2, other, SOFIE))
        browser = pages.signed_in("wie-dan")
        asked = browser.get("/toezicht/log?medewerker=jansen&tot=2025-12-31")
        choices = re.findall(r'<a href="([^"]+)">J. Jansen</a>, Verloskundige, (.+?) <', asked.text)
        chosen = browser.get(unescape(choices[1][0]))
        nobody = browser.get("/toezicht/log?medewerker=999911120")
        nowhere = browser.get("/toezicht/overzicht/medewerker?medewerker=Pietersen").text
        bound = pages.signed_in("alleen-de-kom", Role.AUDITOR, PRACTICE.ura)
        elsewhere = bound.get("/toezicht/log?medewerker=Bakker").text
        own = bound.get("/toezicht/log.json?medewerker=jansen&tot=2025-12-31").json()["rows"]
        statuses = [browser.get(f"/toezicht/log.json?medewerker={name}").status for name in ("jansen", "Pietersen")]
        looked = pages.records(employee="wie-dan")

    assert [place for _, place in choices] == [PRACTICE.name, HOSPITAL.name]
    assert re.findall(r'href="/toezicht/log/(\d+)"', chosen.text) == ["2"]
    for text in (nobody.text, nowhere):
        assert "Niemand met deze naam of dit nummer staat in het logboek." in text
        assert "Geen regel past" not in text and "Er is niets vastgelegd." not in text
    assert "in het deel van het logboek dat u mag zien" in elsewhere
    assert len(own) == 1 and statuses == [422, 422]
    assert "999911120" not in str([record.things for record in looked])


def test_an_auditor_of_one_organisation_sees_that_one_only(pages: Pages) -> None:
    browser = pages.signed_in("een-huis", Role.AUDITOR, PRACTICE.ura)
    answer = browser.get("/toezicht/log.json?tot=2025-12-31&limit=100")
    assert {row["organisation"] for row in answer.json()["rows"]} == {PRACTICE.name}
    assert browser.get(f"/toezicht/log.json?organisatie={HOSPITAL.ura}").json()["rows"] == []
    assert "Ziekenhuis" not in browser.get("/toezicht/log?tot=2025-12-31").text
    assert browser.get("/toezicht/log/61").status == 404


def test_an_auditor_of_one_organisation_sees_what_others_did_to_its_documents(pages: Pages) -> None:
    theirs = Access(MARIA, PERMITTED, (DOCUMENT,), (PRACTICE.ura,))
    pages.record(
        happened(
            63,
            requester(HOSPITAL, "900000003", "C. Bos"),
            MARIA,
            transaction="ITI-43",
            started=LATER,
            accesses=(theirs,),
        )
    )
    browser = pages.signed_in("dossierhouder", Role.AUDITOR, PRACTICE.ura)
    rows = browser.get("/toezicht/log.json?van=2026-01-02&tot=2026-01-02").json()["rows"]
    assert [(row["employee"], row["organisation"]) for row in rows] == [("C. Bos", HOSPITAL.name)]
    (seq,) = [row["seq"] for row in rows]
    record = browser.get(f"/toezicht/log/{seq}")
    assert record.status == 200 and PRACTICE.ura in record.text and "Wat kon deze medewerker" not in record.text
    assert pages.signed_in("een-ander", Role.AUDITOR, "00009999").get(f"/toezicht/log/{seq}").status == 404


@pytest.mark.parametrize("words", ["client=12", "client=zz", "uitkomst=x", "noodknop=ja"])
def test_what_can_not_be_meant_does_not_exist(pages: Pages, words: str) -> None:
    assert pages.signed_in(words.encode().hex()).get(f"/toezicht/log?{words}").status == 404


def test_nothing_found_is_said_and_hostile_words_stay_words(pages: Pages) -> None:
    answer = pages.signed_in("leeg").get("/toezicht/log?organisatie=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert answer.status == 200 and "Geen organisatie met deze naam" in answer.text
    past = pages.signed_in("leeg-ook").get("/toezicht/log?organisatie=00005678&tot=2020-01-01")
    assert past.status == 200 and "Geen regel past bij deze keuzes" in past.text
    assert "<script>alert" not in answer.text


def test_a_sample_is_drawn_again_from_the_same_seed(pages: Pages) -> None:
    browser = pages.signed_in("steekproef")
    asked = "/toezicht/steekproef.json?tot=2025-12-31&zaad=oktober&aantal=7"
    first = [row["seq"] for row in browser.get(asked).json()["rows"]]
    assert len(set(first)) == 7 and max(first) <= 62
    assert [row["seq"] for row in browser.get(asked).json()["rows"]] == first
    other = browser.get(asked.replace("oktober", "november")).json()["rows"]
    assert [row["seq"] for row in other] != first
    lasting = unescape(re.search(r'href="(\S+)">Vast adres', browser.get(asked.replace(".json", "")).text)[1])
    pages.record(happened(70, JANSEN, SOFIE))
    assert [int(seq) for seq in re.findall(r'href="/toezicht/log/(\d+)"', browser.get(lasting).text)] == first
    assert browser.get("/toezicht/steekproef?aantal=0").status == 404


def test_a_colleague_draws_the_same_sample_from_the_seed_and_the_size_that_the_page_tells(pages: Pages) -> None:
    """Of all periods, to which every look adds a record."""
    drawn = pages.signed_in("trekt").get("/toezicht/steekproef?aantal=7&zaad=maart")
    seqs = re.findall(r'href="/toezicht/log/(\d+)"', drawn.text)
    size = re.search(r'<input id="omvang"[^>]* value="(\d+)"', drawn.text)[1]
    assert f"zaad <strong>maart</strong> en omvang <strong>{size}</strong>" in drawn.text
    assert size == str(pages.database.read_now(lambda reader: reader.log.head().size) - 1)
    lists = [unescape(each) for each in re.findall(r'href="([^"]+)">(?:CSV|JSON)</a>', drawn.text)]

    colleague = pages.signed_in("trekt-na")
    again = colleague.get(f"/toezicht/steekproef.json?aantal=7&zaad=maart&omvang={size}").json()["rows"]
    listed = colleague.get(lists[1]).json()["rows"]

    assert [str(row["seq"]) for row in again] == [str(row["seq"]) for row in listed] == seqs
    assert len(seqs) == 7


def test_the_four_overviews(pages: Pages) -> None:
    browser = pages.signed_in("overzicht")
    token = pages.recorder.patient(str(MARIA)).hex()
    assert browser.get("/toezicht/overzicht").status == 200
    dossier = browser.get(f"/toezicht/overzicht/dossier.json?client={token}").json()["rows"]
    assert [(row["employee"], row["result"], row["emergency"]) for row in dossier[:3]] == [
        ("B. Bakker", "", False), ("B. Bakker", "geweigerd", False), ("E. Haast", "", True)]  # fmt: skip
    own = browser.get(f"/toezicht/overzicht/client.json?client={token}").json()["rows"]
    assert own and not any(row["employee"] for row in own)
    day = browser.get("/toezicht/overzicht/dag.json?organisatie=00001234&van=2025-03-10").json()["rows"]
    assert [(row["time"], row["client"]) for row in day] == [
        (time, SOFIE.number) for time in ("09:00", "15:00", "21:00")
    ]
    person = browser.get("/toezicht/overzicht/medewerker.json?medewerker=900000001").json()["rows"]
    assert len(person) == 2
    assert "Overzicht van een dossier" in browser.get(f"/toezicht/overzicht/dossier?client={token}").text
    assert browser.get("/toezicht/overzicht/dag?organisatie=00001234").status == 404
    assert len(pages.records(patient=pages.recorder.patient(str(SOFIE)), employee="overzicht")) == 1


def test_a_search_is_kept_shared_and_thrown_away(pages: Pages) -> None:
    browser, other = pages.signed_in("bewaart"), pages.signed_in("collega-van")
    browser.get("/toezicht/log?uitkomst=4")
    words = "uitkomst=4&organisatie=00005678&voor=3"
    for name, shared in (("Alleen van mij", ""), ("Voor iedereen", "ja")):
        assert browser.post("/toezicht/zoekopdrachten", {"naam": name, "vraag": words, "delen": shared}).status == 303
    for written in ("Over 999911120", "Over 9999 11 120"):
        refused = browser.post("/toezicht/zoekopdrachten", {"naam": written, "vraag": words, "delen": "ja"})
        assert refused.status == 422 and "staat een burgerservicenummer" in refused.text
        assert written not in refused.text and "uitkomst=4" in refused.text
    mine = browser.get("/toezicht/zoekopdrachten.json").json()["rows"]
    assert {row["account"] for row in mine} == {"Naam van bewaart (bewaart)"}
    assert [(row["name"], row["shared"]) for row in mine] == [("Alleen van mij", False), ("Voor iedereen", True)]
    text = other.get("/toezicht/zoekopdrachten").text
    assert "Alleen van mij" not in text and "Voor iedereen" in text
    address = unescape(re.search(r'href="(/toezicht/log\?[^"]+)">Voor iedereen', text)[1])
    assert re.findall(r'href="/toezicht/log/(\d+)"', other.get(address).text) == ["61"]

    shared = re.findall(r'action="(/toezicht/zoekopdrachten/\d+/weg)"', browser.get("/toezicht/zoekopdrachten").text)
    assert other.post(shared[0]).status == 404
    assert [browser.post(each).status for each in shared] == [303, 303]
    assert browser.get("/toezicht/zoekopdrachten.json").json()["rows"] == []
    assert browser.post("/toezicht/zoekopdrachten", {"naam": " ", "vraag": ""}).status == 404


def test_the_pages_of_the_log_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    with served(tmp_path, url=postgres_url) as pages:
        pages.record(*(happened(number, JANSEN, SOFIE) for number in range(5)), happened(6, BAKKER, MARIA, REFUSED))
        pages.database.write_now(lambda writer: writer.log.index(4))
        seal(pages)
        browser = pages.signed_in("postgres")
        answer = browser.get("/toezicht/log?tot=2025-12-31")
        assert facet(answer.text, "Medewerker") == {"J. Jansen": 5, "B. Bakker": 1}
        assert '<span class="mark mark-good">klopt</span>' in browser.get("/toezicht/log/5").text
        assert len(browser.get("/toezicht/steekproef.json?tot=2025-12-31&aantal=3").json()["rows"]) == 3
        named = (browser.get(f"/toezicht/log.json?medewerker={name}").json()["rows"] for name in ("bakker", "JANSEN"))
        assert [len(rows) for rows in named] == [1, 5]
        browser.get("/toezicht/export")
        assert browser.post("/toezicht/export", {"vraag": "uitkomst=4", "vorm": "csv"}).status == 303
        assert "B. Bakker" in browser.get("/toezicht/export/1/bestand").text
