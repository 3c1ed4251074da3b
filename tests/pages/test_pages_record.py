"""One record of the log on screen: why, on what that rests, and its proof."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from log_events import (
    BAKKER,
    JANSEN,
    MARIA,
    PRACTICE,
    SOFIE,
    URGENT,
    happened,
    seal,
    with_a_log,
)
from pages_kit import Pages, served

from xds.audit.checkpoint import said
from xds.audit.nen7513 import FIELDS
from xds.audit.tree import leaf_hash, root_of_inclusion
from xds.model.verdict import Checks, Grounds, Verdict
from xds.model.viewer import Role


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with with_a_log(tmp_path_factory.mktemp("log-pages")) as running:
        yield running


def test_a_record_tells_why_it_was_permitted_and_proves_itself(pages: Pages) -> None:
    seal(pages)
    text = pages.signed_in("bewijs").get("/toezicht/log/61").text
    assert "Waarom dit niet doorging" in text and "Geen behandelrelatie." in text
    assert re.search(
        r"<dt>Regel die besliste</dt><dd>behandelrelatie</dd>\s*<dt>Versie van die regel</dt><dd>matrix 3", text
    )
    assert '<span class="mark mark-good">klopt</span>' in text
    assert "later geschreven dan wat er gebeurde" in text and "25-03-2025 15:00" in text
    line, note = pages.database.read_now(lambda reader: (reader.log.lines(61, 1)[0], reader.log.newest_note()))
    path = [bytes.fromhex(each) for each in re.findall(r"<li>([0-9a-f]{64})</li>", text)]
    assert root_of_inclusion(leaf_hash(line.leaf), 61, note.size, path) == said(note.text).root


def test_a_record_has_every_field_of_the_norm_and_is_on_record_with_its_client(pages: Pages) -> None:
    browser = pages.signed_in("velden")
    rows = browser.get("/toezicht/log/60.json").json()["rows"]
    assert {field.number for field in FIELDS} <= {row["number"] for row in rows}
    values = {row["name"]: row["value"] for row in rows if row["group"] in ("Gebeurtenis", "Gebruiker", "Aanvulling")}
    assert (values["Actiecode"], values["Naam"], values["Regel"]) == ("R", "B. Bakker", "consent 12")
    (looked,) = pages.records(patient=pages.recorder.patient(str(MARIA)), employee="velden")
    assert looked.things[0].name == "Logregel"


def test_a_record_says_in_dutch_what_was_decided_and_on_what_it_rests(tmp_path: Path) -> None:
    given = Verdict(True, "consent", "52", "De cliënt gaf toestemming.", Checks(True, True, True),
                    Grounds("2026-01", "registered:71", "52"))  # fmt: skip
    broken = Verdict(True, "emergency", "2026-01", "Noodknop: spoed.", Checks(True, False, None, True))
    own = Verdict(
        True, "own-record", "2026-01", "Eigen document.", Checks(True, True), Grounds("2026-01", "eigen dossier")
    )
    with served(tmp_path) as pages:
        pages.record(
            happened(0, BAKKER, MARIA, given, transaction="ITI-43"),
            happened(1, URGENT, MARIA, broken),
            happened(2, BAKKER, MARIA, own, started=pages.now),
        )
        browser = pages.signed_in("leest-na")
        texts = [browser.get(f"/toezicht/log/{seq}").text for seq in range(3)]
        exact = {row["name"]: row["value"] for row in browser.get("/toezicht/log/0.json").json()["rows"]}
    facts = [dict(re.findall("<dt>([^<]+)</dt><dd>([^<]*)</dd>", text)) for text in texts]
    first, second, third = facts

    assert (first["Regel die besliste"], first["Keuze van de cliënt"]) == ("toestemming", "nummer 52")
    assert first["Behandelrelatie blijkt uit"] == "aanmelding door de organisatie (nummer 71)"
    assert (second["Versie van die regel"], second["Behandelrelatie"]) == ("2026-01", "nee")
    assert "Behandelrelatie blijkt uit" not in second and "emergency" not in "".join(second.values())
    assert third["Toestemming"] == "niet nodig" and "later geschreven" not in texts[2]
    assert "gegevens verstrekt (110106)" in texts[0] and "Export" not in texts[0]
    assert "10-03-2025 09:00:00 (in UTC: 2025-03-10T08:00:00Z)" in texts[0]
    assert (exact["Gebeurteniscode"], exact["Behandelrelatieprotocol"]) == ("Export (110106)", "registered:71")


def test_a_record_that_was_changed_is_told(pages: Pages) -> None:
    seal(pages)
    with sqlite3.connect(pages.folder / "pages.db") as database:
        (before,) = database.execute("SELECT payload FROM log_record WHERE seq = 3").fetchone()
        database.execute("UPDATE log_record SET payload = ? WHERE seq = 3", (before.replace(b"Jansen", b"Hansen"),))
    answer = pages.signed_in("vervalst").get("/toezicht/log/3")
    with sqlite3.connect(pages.folder / "pages.db") as database:
        database.execute("UPDATE log_record SET payload = ? WHERE seq = 3", (before,))
    assert "klopt niet" in answer.text


def test_a_record_of_another_organisation_does_not_exist(pages: Pages) -> None:
    browser = pages.signed_in("ander-huis", Role.AUDITOR, PRACTICE.ura)
    assert browser.get("/toezicht/log/5").status == 200
    assert browser.get("/toezicht/log/61").status == browser.get("/toezicht/log/99999999").status == 404


def test_a_deleted_record_keeps_its_proof(tmp_path: Path) -> None:
    with served(tmp_path) as pages:
        pages.record(*(happened(number, JANSEN, SOFIE) for number in range(3)))
        seal(pages)
        pages.database.write_now(lambda writer: writer.log.delete_payloads(2))
        text = pages.signed_in("gewist").get("/toezicht/log/1").text
        assert "na de bewaartermijn gewist" in text and '<span class="mark mark-good">klopt</span>' in text
        assert "Jansen" not in text
