"""What anybody may read: who is connected, how it works, and which rights there are."""

from __future__ import annotations

from datetime import date
from html import escape
from pathlib import Path

from pages_kit import Pages, served

from xds.atna.keys import read_signer
from xds.model.party import NormStatus, Organisation


def connect(pages: Pages, organisation: Organisation, since: date, norms: NormStatus) -> None:
    pages.database.write_now(
        lambda writer: writer.add_participant(organisation, pages.certificate(organisation.ura), (), since, norms)
    )


def test_organisations_are_told_by_category_with_their_norms(tmp_path: Path) -> None:
    with served(tmp_path) as pages:
        met = NormStatus(date(2024, 5, 1), None, date(2025, 1, 31))
        connect(pages, Organisation("1", "Oost <b>", "G3"), date(2025, 3, 1), met)
        connect(pages, Organisation("2", "Aan Zee", "V6"), date(2025, 2, 1), NormStatus())
        connect(pages, Organisation("3", "Vreemd", "XX"), date(2025, 2, 1), NormStatus())
        text = pages.browser().get("/organisaties").text
        rows = pages.browser().get("/organisaties.json").json()["rows"]

    assert [(row["name"], row["category"]) for row in rows] == [
        ("Oost <b>", "verloskundigenpraktijken en geboortecentra"),
        ("Aan Zee", "ziekenhuizen, klinieken, laboratoria en diagnostische centra"),
        ("Vreemd", "andere organisaties"),
    ]
    assert text.index("Verloskundigenpraktijken") < text.index("Oost &lt;b&gt;") < text.index("Aan Zee")
    assert "NEN 7510" in text and "sinds 01-05-2024" in text and "sinds 31-01-2025" in text
    assert text.count("niet opgegeven") == 2


def test_how_it_works_and_which_rights_there_are(pages: Pages) -> None:
    works, rights = pages.browser().get("/zo-werkt-het"), pages.browser().get("/uw-rechten")

    assert (works.status, rights.status) == (200, 200)
    assert "noodknop" in works.text and "U hebt toestemming gegeven" in works.text
    assert "12 tot en met 15 jaar" in rights.text and "Autoriteit Persoonsgegevens" in rights.text


def test_the_front_page_leads_to_all_of_it(pages: Pages) -> None:
    text = pages.browser().get("/").text

    assert [path for path in ("/zo-werkt-het", "/uw-rechten", "/organisaties") if f'href="{path}"' not in text] == []


def test_the_key_of_the_log_is_published(pages: Pages) -> None:
    key = str(read_signer(pages.settings.audit.signing_key, pages.settings.audit_origin).key)
    browser = pages.browser()

    (row,) = browser.get("/sleutel.json").json()["rows"]
    assert row == {"origin": pages.settings.audit_origin, "key": key}
    assert escape(key) in browser.get("/sleutel").text and key in browser.get("/sleutel.csv").text
    assert 'href="/sleutel"' in browser.get("/zo-werkt-het").text
