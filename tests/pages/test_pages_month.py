"""The month of scripts/demo: who never saw it finds both incidents from the start page, and not much besides."""

from __future__ import annotations

import asyncio
import html
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from pages_kit import Browser, Pages, served

from xds.cli.init import ORGANISATIONS
from xds.model.audit import MINOR, SUCCESS
from xds.model.dutch_time import dutch_time
from xds.model.party import NormStatus
from xds.settings import RegistrySettings, RepositorySettings
from xds.store.files import FileDocuments

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
CHANGED_HER_MIND = "999901394^^^&2.16.840.1.113883.2.4.6.3&ISO"
"""Whom the demonstration names as a client who changed her mind."""
DOMAIN = ROOT / "fixtures" / "affinity-domains" / "geboortezorg.toml"


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """The pages on the log of a month."""
    with pytest.MonkeyPatch.context() as patch, served(tmp_path_factory.mktemp("month")) as pages:
        patch.syspath_prepend(str(SCRIPTS))
        from demonstration.month import write_month

        settings = msgspec.structs.replace(
            pages.settings,
            registry=RegistrySettings(affinity_domain=(DOMAIN,)),
            repository=RepositorySettings(unique_id="2.999.1", documents=pages.folder / "documents"),
        )

        for number, organisation in enumerate(ORGANISATIONS.values()):
            pages.database.write_now(
                lambda writer, organisation=organisation, number=number: writer.add_participant(
                    organisation, f"{number:02x}" * 32, (), pages.now.date(), NormStatus()
                )
            )
        assert write_month(settings, pages.now) > 3000
        yield pages
    for name in [name for name in sys.modules if name.partition(".")[0] == "demonstration"]:
        del sys.modules[name]


def cases(browser: Browser) -> list[str]:
    """The start page's cards, in their order, as text without marks."""
    page = browser.get("/toezicht").text
    cards = re.findall(r'<li class="card case.*?</p>\s*</li>', page, re.DOTALL)
    return [html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", card))) for card in cards]


def test_both_incidents_come_first_and_ordinary_work_raises_little(month: Pages) -> None:
    first, second, *others = cases(month.signed_in("nieuw"))

    assert "Petra Vos, verloskundige" in first and "3 keer geweigerd bij een cliënt" in first
    assert "Daan Kuiper, verpleegkundige" in second and "Vroeg dossiers op van 40 cliënten in één uur" in second
    assert len(others) == 3
    assert all("3 regels met de noodknop" in other for other in others)


def test_the_way_from_a_hint_to_its_records_says_why_each_was_permitted(month: Pages) -> None:
    browser = month.signed_in("zoekt-uit")
    (url,) = re.findall(r'href="(/toezicht/signalen/[0-9a-f]{32})"', browser.get("/toezicht/signalen?regel=uur").text)

    rows = browser.get(f"{url}.json").json()["rows"]

    assert len(rows) == 42
    refused = [row for row in rows if row["outcome"] == "geweigerd"]
    assert len(refused) == 25
    assert {row["reason"] for row in refused} == {"JGZ De Wieg had toen geen behandelrelatie met de cliënt."}
    assert re.search(r'href="/toezicht/log\?[^"]*medewerker=', browser.get(url).text)


def test_what_an_employee_could_see_is_what_the_log_says_was_seen(month: Pages) -> None:
    """Of one who was given documents by consent, and of one who was refused after it was withdrawn."""
    browser = month.signed_in("rekent-na")
    for outcome, could in ((SUCCESS, "ja"), (MINOR, "alleen met de noodknop")):
        record = month.records(transaction="ITI-18", rule="consent", outcome=outcome)[-1]
        assert record.patient is not None
        number, day = record.user.person.number, dutch_time(record.started)
        client = f"client={month.recorder.patient(record.patient).hex()}&medewerker={number}"
        place = f"/toezicht/kon-zien.json?{client}&dag={day.date()}&tijd={day:%H:%M}"

        rows = browser.get(place).json()["rows"]

        assert {row["could"] for row in rows if row["rule"] == "toestemming"} == {could}
        if outcome == SUCCESS:
            assert len([row for row in rows if row["could"] == could]) == len(record.documents)
        assert browser.get(place.replace(".json", "")).text.count("versie 2026-01") == 1


def test_clients_have_documents_and_a_say_that_changed(month: Pages) -> None:
    browser = month.signed_in("leest-keuzes")
    said = [str(record.things[0].name) for record in month.records(transaction="consent-change")]
    client = month.recorder.patient(CHANGED_HER_MIND).hex()
    rows = browser.get(f"/toezicht/toestemming.json?client={client}").json()["rows"]

    assert sum(text.startswith("Eerdere keuze ingetrokken") for text in said) >= 3
    assert sum(text.startswith("Bezwaar") for text in said) >= 1
    about_the_hospital = [row["decision"] for row in rows if "Ziekenhuis De Uiver" in str(row)]
    assert about_the_hospital == ["toestemming", "ingetrokken", "toestemming"]
    assert "Termijnecho" in month.visiting(CHANGED_HER_MIND).get("/mijn").text


def test_each_document_can_be_retrieved(month: Pages) -> None:
    held = month.database.read_now(lambda reader: reader.holdings_after("", 1000))
    documents = FileDocuments(month.folder / "documents")

    async def check() -> None:
        for each in held:
            await documents.check(each.address, each.size)

    try:
        asyncio.run(check())
    finally:
        documents.close()
    assert len(held) > 150
