"""Records that are taken away: in which forms, by whom, and who must agree."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from hashlib import sha256
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
    SOFIE,
    URGENT,
    happened,
    requester,
    seal,
)
from lxml import etree
from pages_kit import Browser, Pages, served
from pypdf import PdfReader

from xds.audit.checkpoint import parse_key, split_notes
from xds.audit.verify import verify
from xds.model.audit import Access, Document
from xds.model.viewer import Role

ALONE = 30
ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/verify-audit"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with served(tmp_path_factory.mktemp("exports"), export_alone=ALONE) as running:
        running.record(*(happened(number, JANSEN, SOFIE) for number in range(40)))
        running.record(happened(41, BAKKER, MARIA), happened(42, URGENT, MARIA))
        running.database.write_now(lambda writer: writer.log.index(25))
        seal(running)
        yield running


def asked(browser: Browser, words: str, form: str) -> str:
    """Ask for an export; its address."""
    browser.get(f"/toezicht/export?{words}")
    done = browser.post("/toezicht/export", {"vraag": words, "vorm": form})
    assert (done.status, done.headers["Location"]) == (303, "/toezicht/exports")
    return "/toezicht/export/" + re.findall(r'href="/toezicht/export/(\d+)"', browser.get("/toezicht/exports").text)[0]


def test_a_small_export_is_ready_at_once_and_has_what_was_asked(pages: Pages) -> None:
    browser = pages.signed_in("neemt-mee")
    address = asked(browser, "organisatie=00005678&tot=2025-12-31", "csv")
    answer = browser.get(f"{address}/bestand")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="logboek-{address.rpartition("/")[2]}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig")), delimiter=";"))
    assert [(row["Wie"], row["Uitkomst"]) for row in rows] == [
        ("B. Bakker", "gelukt"),
        ("E. Haast", "gelukt, noodknop"),
    ]
    assert "opgehaald" in browser.get(address).text
    exported = pages.records(transaction="log-export", employee="neemt-mee")
    assert [record.things[0].name for record in exported] == ["Export gevraagd", "Export: Rekenblad (CSV)"]
    assert exported[1].patient == str(MARIA)


def test_how_far_an_export_is_can_be_read_from_any_process(pages: Pages) -> None:
    browser = pages.signed_in("wacht")
    address = asked(browser, "noodknop=1", "csv")
    number = int(address.rpartition("/")[2])
    pages.database.write_now(lambda writer: writer.desk.set_sent(number, 0, pages.now))
    text = browser.get(address).text
    assert "0 van 1 regels verstuurd" in text and 'hx-trigger="every 2s"' in text
    pages.later(minutes=2)
    text = browser.get(address).text
    assert "afgebroken na 0 van 1 regels: haal het opnieuw op" in text and "hx-trigger" not in text
    browser.get(f"{address}/bestand")
    assert pages.database.read_now(lambda reader: reader.desk.export(number)).sent == 1
    assert "opgehaald" in browser.get("/toezicht/exports").text


def test_the_forms_of_the_standards(pages: Pages) -> None:
    browser = pages.signed_in("vormen")
    xml = etree.fromstring(browser.get(asked(browser, "noodknop=1", "nen7513") + "/bestand").body)
    assert [each.get("volgnummer") for each in xml] == ["41"]
    lines = browser.get(asked(browser, "organisatie=00005678&tot=2025-12-31", "fhir") + "/bestand").text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["log-40", "log-41"]


def test_a_stranger_verifies_the_bundle(pages: Pages) -> None:
    browser = pages.signed_in("bewijst")
    archive = zipfile.ZipFile(
        io.BytesIO(browser.get(asked(browser, "organisatie=00005678", "bewijs") + "/bestand").body)
    )
    assert sorted(archive.namelist()) == ["LEESMIJ.txt", "checkpoints", "lijst.csv", "log.ndjson", "manifest"]
    notes, manifest = list(split_notes(archive.read("checkpoints").decode())), archive.read("manifest").decode()
    digests = {name: sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    address = f"{pages.url}/sleutel"
    told = archive.read("LEESMIJ.txt").decode()
    assert address in told and "Python 3.11" in told and "pip install cryptography" in told
    key = parse_key(pages.browser().get("/sleutel.json").json()["rows"][0]["key"])
    lines = archive.read("log.ndjson").splitlines(keepends=True)
    report = verify(lines, notes, key, [], manifest, digests)
    assert (report.sound, report.records, report.listed) == (True, 2, 2)
    assert report.selection == "Organisatie: 00005678"
    spoiled = [line.replace(b"Haast", b"Kalm!") for line in lines]
    assert verify(spoiled, notes, key, [], manifest, digests).first_bad == 41
    assert verify(lines[:1], notes, key, [], manifest, digests).first_bad == 40
    assert not verify(lines, notes, key, [], manifest, digests | {"lijst.csv": "0" * 64}).sound
    rows = list(csv.DictReader(io.StringIO(archive.read("lijst.csv").decode("utf-8-sig")), delimiter=";"))
    assert [(row["Nr"], row["Wie"]) for row in rows] == [("40", "B. Bakker"), ("41", "E. Haast")]


def test_both_verifiers_take_a_bundle_as_it_was_unpacked(pages: Pages, tmp_path: Path) -> None:
    browser = pages.signed_in("pakt-uit", Role.AUDITOR, HOSPITAL.ura)
    address = asked(browser, "noodknop=1", "bewijs")
    assert 'href="/sleutel"' in browser.get(address).text
    body = browser.get(f"{address}/bestand").body
    zipfile.ZipFile(io.BytesIO(body)).extractall(tmp_path / "map")
    (tmp_path / "sleutel").write_text(pages.browser().get("/sleutel.json").json()["rows"][0]["key"] + "\n")
    folder, key = tmp_path / "map", tmp_path / "sleutel"
    for command in (["-m", "xds", "audit", "verify", folder, "--key", key], [SCRIPT, folder, key]):
        done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Gezien door de organisatie met URA: 00005678, Noodknop: gebruikt" in done.stdout
        assert "All is as it was written." in done.stdout


def test_who_takes_numbers_of_clients_away_is_told_so(pages: Pages) -> None:
    browser = pages.signed_in("nummers")
    chosen = browser.get("/toezicht/export?noodknop=1").text
    warning = chosen.partition("vormen bevatten burgerservicenummers")[2].partition("</ul>")[0]
    warned = re.findall("<li>(.*?)</li>", warning)
    labels = dict(re.findall('<option value="([a-z0-9]+)">(.*?)</option>', chosen))
    for form in labels:
        address = asked(browser, "noodknop=1", form)
        body = browser.get(f"{address}/bestand").body
        if form == "bewijs":
            archive = zipfile.ZipFile(io.BytesIO(body))
            body = archive.read("log.ndjson")
            assert MARIA.number not in archive.read("lijst.csv").decode()
            assert archive.read("LEESMIJ.txt").decode().startswith("Dit pakket bevat burgerservicenummers")
        text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages) if form == "pdf" else None
        has_number = MARIA.number in (body.decode() if text is None else text)
        assert has_number == (labels[form] in warned) == ("bevat burgerservicenummers" in browser.get(address).text)
    assert len(warned) == 3


def test_without_the_key_or_a_checkpoint_there_is_no_bundle(tmp_path: Path) -> None:
    with served(tmp_path) as pages:
        pages.record(happened(1, JANSEN, SOFIE))
        browser = pages.signed_in("te-vroeg")
        browser.get("/toezicht/export")
        early = browser.post("/toezicht/export", {"vraag": "", "vorm": "bewijs"})
        assert early.status == 422 and "nog niets verzegeld" in early.text
        seal(pages)
        address = asked(browser, "", "bewijs")
        away = pages.settings.audit.signing_key.rename(tmp_path / "away.pem")
        assert browser.get(f"{address}/bestand").status == pages.browser().get("/sleutel").status == 503
        away.rename(pages.settings.audit.signing_key)
        assert browser.get(f"{address}/bestand").status == pages.browser().get("/sleutel").status == 200


def test_many_records_take_a_second_person(pages: Pages) -> None:
    browser = pages.signed_in("wil-veel")
    assert "neemt u niet alleen mee" in browser.get("/toezicht/export?tot=2025-12-31").text
    address = asked(browser, "tot=2025-12-31", "csv")
    assert browser.get(f"{address}/bestand").status == 404
    assert "wacht op een tweede persoon" in browser.get(address).text
    browser.get("/toezicht/export")
    assert browser.post(address).status == 404  # nobody approves their own

    other = pages.signed_in("toezichthouder", Role.AUDITOR)
    assert other.get(address).status == 404
    elsewhere = pages.signed_in("elders", Role.PRIVACY_OFFICER, HOSPITAL.ura)
    assert elsewhere.get(address).status == 404

    second = pages.signed_in("tweede")
    assert "wacht op uw goedkeuring" in second.get("/toezicht/exports").text
    assert second.get(f"{address}/bestand").status == 404
    second.get(address)
    assert second.post(address).status == 303
    assert second.post(address).status == 404
    assert second.get(f"{address}/bestand").status == 404

    assert len(browser.get(f"{address}/bestand").text.splitlines()) == 43
    (approved,) = pages.records(transaction="log-export", employee="tweede")
    assert approved.things[0].name == "Export goedgekeurd"
    assert dict(approved.things[0].details)["gevraagd door"] == "wil-veel"


def test_what_is_taken_is_what_was_there_when_it_was_asked_for(pages: Pages) -> None:
    browser = pages.signed_in("vast")
    address = asked(browser, "noodknop=1", "csv")
    pages.record(happened(43, URGENT, MARIA))
    assert len(browser.get(f"{address}/bestand").text.splitlines()) == 2


def test_an_export_ends_after_some_days_and_keeps_to_the_scope(tmp_path) -> None:
    with served(tmp_path) as pages:
        pages.record(happened(1, JANSEN, SOFIE), happened(2, BAKKER, MARIA))
        browser = pages.signed_in("bereik", Role.AUDITOR, PRACTICE.ura)
        address = asked(browser, "", "csv")
        text = browser.get(f"{address}/bestand").text
        assert "J. Jansen" in text and "Bakker" not in text
        pages.later(days=8)
        again = pages.signed_in("later", Role.AUDITOR, PRACTICE.ura)
        assert again.get(address).status == 404


def test_a_document_to_keep_is_pdf_a_and_takes_any_text(pages: Pages) -> None:
    browser = pages.signed_in("pdf")
    hostile = requester(HOSPITAL, "900000003", "#panic() *\u65e5\u672c* \u202e")
    pages.record(happened(50, hostile, MARIA))
    answer = browser.get(asked(browser, "medewerker=900000003", "pdf") + "/bestand")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.body.startswith(b"%PDF-1.7")
    assert re.search(rb"<pdfaid:part>2</pdfaid:part>\s*<pdfaid:conformance>A<", answer.body)


def test_a_document_to_keep_says_what_was_chosen_and_who_made_it(pages: Pages) -> None:
    browser = pages.signed_in("maakt-pdf")
    pages.record(happened(60, requester(HOSPITAL, "900000008", "D. Haast", emergency="Nood"), MARIA))
    words = "organisatie=00005678&medewerker=900000008&noodknop=1&van=2025-01-01&tot=2025-12-31"
    answer = browser.get(asked(browser, words, "pdf") + "/bestand")
    text = " ".join(PdfReader(io.BytesIO(answer.body)).pages[0].extract_text().split())
    assert "Keuze: Noodknop: gebruikt; Organisatie: Ziekenhuis Oost; Medewerker: D. Haast." in text
    assert "Periode: van 01-01-2025 tot en met 31-12-2025." in text
    assert "Aantal regels: 1, van de eerste " in text
    assert "Gemaakt door " in text and "(maakt-pdf), privacyfunctionaris, op " in text
    assert "bladzijde 1 van 1" in text


def test_a_long_document_repeats_its_heading_counts_its_pages_and_breaks_long_words(pages: Pages) -> None:
    browser = pages.signed_in("lange-pdf")
    long = requester(HOSPITAL, "900000009", "W" * 120)
    pages.record(*(happened(number, long, MARIA, request_id=f"long-{number}") for number in range(ALONE)))
    answer = browser.get(asked(browser, "medewerker=900000009", "pdf") + "/bestand")
    found = PdfReader(io.BytesIO(answer.body)).pages
    assert len(found) > 1
    for number, page in enumerate(found, 1):
        text = page.extract_text()
        assert f"bladzijde {number} van {len(found)}" in text
        assert "Uitkomst" in text
        assert max(map(len, re.findall("W+", text))) < 100 and "\u200b" not in text


def test_each_document_has_its_own_reason_where_they_differ(pages: Pages) -> None:
    own = Document("1.2.4", "urn:uuid:4", rule="own-record", version="3", reason="Het is van de eigen organisatie.")
    by = requester(HOSPITAL, "900000007", "G. Mengd")
    accesses = (Access(MARIA, PERMITTED, (DOCUMENT, own)),)
    pages.record(happened(70, by, MARIA, accesses=accesses))
    browser = pages.signed_in("per-document")
    told = "1.2.3: Mag, want er is toestemming. 1.2.4: Het is van de eigen organisatie."
    words = "medewerker=900000007"
    (row,) = csv.DictReader(
        io.StringIO(browser.get(asked(browser, words, "csv") + "/bestand").body.decode("utf-8-sig")), delimiter=";"
    )
    assert row["Waarom"] == told
    shown = browser.get(f"/toezicht/log/{row['Nr']}").text.partition('id="documenten"')[2]
    said = re.findall(r"<p>(.*?)</p>", shown.partition("</section>")[0])
    assert said == ["Mag, want er is toestemming.", "Het is van de eigen organisatie."]
    assert browser.get(f"/toezicht/overzicht/medewerker.json?{words}").json()["rows"][0]["reason"] == told
    norm = browser.get(asked(browser, words, "nen7513") + "/bestand").text
    assert "rule: own-record 3; reason: Het is van de eigen organisatie." in norm
