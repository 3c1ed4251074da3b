"""What a client's page makes of several people, an emergency, a choice that somebody took down, and a review."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from log_events import HOSPITAL, JANSEN, PERMITTED, PRACTICE, REFUSED, requester
from pages_kit import Pages, served

from xds.audit.hints import Hint, Rule
from xds.consent.change import record
from xds.consent.events import event_of
from xds.consent.policy_file import load_policy
from xds.model.audit import Access, Document, Event
from xds.model.coded import Coded
from xds.model.conduct import Who
from xds.model.consent import ANYONE, Channel, Consent, Decision, Giver, Scope, ScopeKind, Subject
from xds.model.hint import Finding, Review
from xds.model.hl7 import CX
from xds.model.party import NormStatus, Person, Requester
from xds.model.verdict import Checks, Verdict
from xds.ports import Writer

BSN = "2.16.840.1.113883.2.4.6.3"
UZI = "2.16.528.1.1007.3.1"
BEGIN = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
GLASS = Verdict(True, "emergency", "2026-01", "Noodknop.", Checks(True, False, None, True))
URGENT = requester(HOSPITAL, "900000002", "E. Haast", emergency="Bewusteloos binnengebracht")
CALM = requester(HOSPITAL, "900000002", "E. Haast")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with served(tmp_path_factory.mktemp("client-story")) as running:
        yield running


def looked(by: Requester, client: CX, minutes: int, verdict: Verdict = PERMITTED, **changes: Any) -> Event:
    given = {"request_id": f"{client.number}-{minutes}", "transaction": "ITI-18",
             "started": BEGIN + timedelta(minutes=minutes), "outcome": 0 if verdict.permitted else 4,
             "requester": by, "accesses": (Access(client, verdict),)}  # fmt: skip
    return Event(**given | changes)


def test_two_persons_of_one_function_are_two_lines_and_an_emergency_stays_where_it_was(pages: Pages) -> None:
    client = CX("999900067", BSN)
    other = requester(PRACTICE, "123456780", "K. Jansen")
    pages.record(
        looked(JANSEN, client, 0), looked(other, client, 1), looked(JANSEN, client, 2),
        looked(CALM, client, 10, REFUSED), looked(CALM, client, 11, REFUSED), looked(URGENT, client, 12, GLASS),
        looked(URGENT, client, 13, GLASS), looked(CALM, client, 14, REFUSED),
    )  # fmt: skip
    text = pages.visiting(str(client)).get("/mijn").text

    shown = [part.partition("</ol>")[0] for part in text.split('<li class="card look')[1:]]
    marks = [part.partition('class="mark mark-')[2].partition("</span>")[0].partition(">")[2] for part in shown]
    assert marks == ["geweigerd", "noodknop gebruikt", "noodknop gebruikt", "geweigerd", "toegestaan", "toegestaan"]
    assert ["en nog 1 keer" in part for part in shown] == [False, False, False, True, True, False]
    assert "123456780" not in text and "123456789" not in text


def test_who_took_a_choice_down_is_told_to_the_client_and_to_the_officer(pages: Pages) -> None:
    client = CX("999900079", BSN)
    text, at = str(client), BEGIN
    assert pages.settings.consent.policy is not None
    policy = load_policy(pages.settings.consent.policy)
    subject = Subject(ANYONE, None, Scope(ScopeKind.ORGANISATION, PRACTICE.ura))
    word = Consent(0, subject, Decision.DENY, at, None, frozenset({Giver.CLIENT}), Channel.SPOKEN,
                   f"{HOSPITAL.ura}:Sanne Bos", at)  # fmt: skip

    def change(writer: Writer) -> None:
        writer.add_patient(text)
        writer.add_participant(HOSPITAL, "cd" * 32, (), at.date(), NormStatus())
        portal = writer.participant("cd" * 32)
        writer.record(pages.recorder.entries(event_of(record(writer, policy, text, word), text, "keuze", at,
                                                      participant=portal)))  # fmt: skip

    pages.database.write_now(change)
    reason = f"De cliënt heeft bezwaar gemaakt: alles, te bekijken door de organisatie met nummer {HOSPITAL.ura}."
    refused = Verdict(False, "consent", "1", reason, Checks(True, True, False))
    pages.record(looked(CALM, client, 3, refused))
    page = pages.visiting(text).get("/mijn").text
    officer, found = pages.signed_in("leest-wie"), f"client={pages.recorder.patient(text).hex()}"
    dossier = officer.get(f"/toezicht/overzicht/dossier.json?{found}").json()["rows"][0]
    line = officer.get(f"/toezicht/log.json?{found}&gebeurtenis=consent-change").json()["rows"][0]
    assert (line["employee"], line["role"]) == ("Sanne Bos", "computersysteem")
    assert "door Sanne Bos, via een systeem" in officer.get(f"/toezicht/log/{line['seq']}").text
    assert "Source Role ID" not in officer.get(f"/toezicht/log?{found}").text
    assert f"te bekijken door {HOSPITAL.name}." in page
    own = officer.get(f"/toezicht/overzicht/client.json?{found}").json()["rows"][0]

    assert "ingevoerd door Sanne Bos" in page and "Bezwaar vastgelegd (in een gesprek): alle gegevens" in page
    assert "Dit deed een computersysteem vanzelf" not in page
    assert (dossier["organisation"], dossier["employee"], dossier["role"]) == (
        HOSPITAL.name, "Sanne Bos", "computersysteem")  # fmt: skip
    assert (dossier["consent"], own["role"]) == ("geen: hier was niets te beslissen", "computersysteem")


def test_who_was_signed_out_reads_how_to_come_in_again(pages: Pages) -> None:
    browser = pages.visiting()
    browser.get("/mijn")
    left = browser.post("/afmelden")
    again = browser.get("/mijn/toestemming?voor=3")
    by_htmx = browser.get("/mijn?van=2026-01-01", **{"HX-Request": "true"})

    assert (left.status, left.headers["Location"]) == (303, "/mijn/afgemeld")
    assert (again.status, again.headers["Location"]) == (303, "/mijn/afgemeld")
    assert (by_htmx.status, by_htmx.headers["HX-Redirect"]) == (200, "/mijn/afgemeld")
    told = browser.get("/mijn/afgemeld")
    assert told.status == 200 and "in het portaal van uw ziekenhuis of verloskundige" in told.text
    assert "certificaat" not in told.text
    assert pages.visiting().get("/mijn/afgemeld").headers["Location"] == "/mijn"
    assert browser.get("/toezicht").headers["Location"].startswith("/aanmelden?verder=")


def test_what_came_of_a_review_is_told_of_that_look_only(pages: Pages) -> None:
    client, other = CX("999900080", BSN), CX("999900092", BSN)
    gynaecologist = Coded("01.046", "2.16.840.1.113883.2.4.15.111")
    nosy = requester(HOSPITAL, "900000003", "N. Nosy", user=Person("900000003", UZI, "N. Nosy", gynaecologist))
    urgent = requester(HOSPITAL, "900000003", "N. Nosy", user=nosy.user, emergency="Bloedverlies")
    pages.record(looked(nosy, client, 0), looked(urgent, client, 5, GLASS), looked(urgent, other, 6, GLASS))
    who = Who(f"900000003^^^&{UZI}&ISO", "", HOSPITAL.ura, "", "", "")
    key, day = pages.recorder.patient(str(client)).hex(), BEGIN.date()

    def outcomes(of: CX) -> list[tuple[str, str | None]]:
        rows = pages.visiting(str(of)).get("/mijn.json?tot=2026-03-31").json()["rows"]
        return [(row["outcome"], row["review"]) for row in rows]

    def reviewed(hint: Hint, finding: Finding) -> None:
        review = Review(hint.id, hint.rule.value, day, who.employee, who.organisation, finding, "Nee.", "o", "O", BEGIN)
        pages.database.write_now(lambda writer: writer.hints.add_review(review))

    waiting = ("noodknop gebruikt", "Dit moet nog worden nagekeken.")
    assert outcomes(client) == [waiting, ("toegestaan", None)] and outcomes(other) == [waiting]

    reviewed(Hint(Rule.SURNAME, who, day, "", "", key), Finding.UNLAWFUL)
    unlawful = ("achteraf niet in orde", "Dit is nagekeken. Het had niet gemogen.")
    assert outcomes(client) == [unlawful, unlawful] and outcomes(other) == [waiting]

    reviewed(Hint(Rule.EMERGENCY, who, day, "", ""), Finding.IN_ORDER)
    in_order = ("noodknop gebruikt", "Dit is nagekeken. Er was een goede reden voor.")
    assert outcomes(client) == [unlawful, unlawful] and outcomes(other) == [in_order]
    text = pages.visiting(str(client)).get("/mijn?tot=2026-03-31").text
    assert "Het had niet gemogen." in text and "mocht dit zien" not in text
    assert "gynaecoloog" in text and "01.046" not in text


def test_a_review_of_what_was_refused_says_that_nothing_was_shown(pages: Pages) -> None:
    client = CX("999900146", BSN)
    turned_away = requester(HOSPITAL, "900000004", "N. Naam", emergency="Spoed")
    pages.record(looked(turned_away, client, 0, REFUSED))
    who = Who(f"900000004^^^&{UZI}&ISO", "", HOSPITAL.ura, "", "", "")
    hint = Hint(Rule.SURNAME, who, BEGIN.date(), "", "", pages.recorder.patient(str(client)).hex())
    review = Review(hint.id, hint.rule.value, hint.day, who.employee, who.organisation, Finding.UNLAWFUL, "Nee.", "o",
                    "O", BEGIN)  # fmt: skip
    pages.database.write_now(lambda writer: writer.hints.add_review(review))
    text = pages.visiting(str(client)).get("/mijn").text

    assert "De poging is nagekeken. Dit had niet gemogen. De zorgverlener kreeg niets te zien." in text
    assert "Waarom ging dit niet door?" in text and "Waarom liet het systeem dit toe?" not in text
    assert "Het had niet gemogen." not in text and '<span class="mark mark-notice">geweigerd</span>' in text


def test_a_review_is_told_of_the_records_that_raised_the_sign_only(pages: Pages) -> None:
    client = CX("999900158", BSN)
    night, day = requester(HOSPITAL, "900000005", "N. Acht"), BEGIN.date()
    glass = requester(HOSPITAL, "900000005", "N. Acht", emergency="Spoed")
    others = [CX(f"9999{each:05}", BSN) for each in range(70_000, 70_020)]
    pages.record(
        looked(night, client, 30), looked(night, client, 60, REFUSED), looked(glass, client, 65, GLASS),
        looked(night, client, 14 * 60 + 5), *(looked(night, each, 14 * 60 + 5) for each in others),
    )  # fmt: skip
    who = Who(f"900000005^^^&{UZI}&ISO", "", HOSPITAL.ura, "", "", "")
    key = pages.recorder.patient(str(client)).hex()

    def told(of: CX = client) -> list[str]:
        rows = pages.visiting(str(of)).get("/mijn.json?tot=2026-03-31").json()["rows"]
        return [row["review"] or "" for row in rows]

    def reviewed(rule: Rule, patient: str = "") -> None:
        review = Review(Hint(rule, who, day, "", "", patient).id, rule.value, day, who.employee, who.organisation,
                        Finding.UNLAWFUL, "Nee.", "o", "O", BEGIN)  # fmt: skip
        pages.database.write_now(lambda writer: writer.hints.add_review(review))

    waiting, some = "Dit moet nog worden nagekeken.", "Wat deze persoon die dag deed, is nagekeken. Niet alles mocht."
    assert told() == ["", waiting, "", ""]
    reviewed(Rule.NIGHT)
    reviewed(Rule.HOUR)
    at_night = told()
    assert at_night[0].startswith(some) and at_night[1:] == [waiting, "", ""]
    assert told(others[0])[0].startswith(some)
    reviewed(Rule.INSISTING, key)
    refused = "De poging is nagekeken. Dit had niet gemogen. De zorgverlener kreeg niets te zien."
    assert told()[1:] == ["Dit is nagekeken. Het had niet gemogen.", refused, ""]


def test_a_long_history_is_told_in_parts(pages: Pages) -> None:
    client = CX("999900109", BSN)
    pages.record(*(looked(requester(PRACTICE, f"1{each:08}", "X"), client, each) for each in range(50)))
    browser = pages.visiting(str(client))

    first = browser.get("/mijn?tot=2026-03-31").text
    (older,) = re.findall(r'href="(/mijn[?][^"]+)" rel="next"', first)
    second = browser.get(older.replace("&amp;", "&")).text
    assert (first.count('<li class="card look'), second.count('<li class="card look')) == (25, 25)
    assert "Ouder dan dit" in first and "Terug naar het nieuwste" in second
    assert first.index("als document (PDF)") < first.index('<li class="card look')


def test_a_question_names_the_line_that_it_is_about_and_no_other_client_s(pages: Pages, tmp_path: Path) -> None:
    client, other = CX("999900110", BSN), CX("999900122", BSN)
    with served(tmp_path, contact_email="vraag@bureau.example") as named:
        named.record(looked(JANSEN, client, 0), looked(JANSEN, other, 1))
        browser = named.visiting(str(client))
        (link,) = set(re.findall(r'"(/mijn/vraag[?]regel=[0-9]+)"', browser.get("/mijn").text))
        text = browser.get(link).text
        seq = link.partition("=")[2]

        assert f"Uw vraag gaat over regel {seq}" in text and "10 maart 2026 om 09:00 uur" in text
        assert f'href="mailto:vraag@bureau.example?subject=Vraag%20over%20regel%20{seq}' in text
        assert client.number not in text
        officer = named.signed_in("geeft-antwoord")
        officer.get("/toezicht/client")
        found = officer.post("/toezicht/regel", {"regel": seq})
        assert (found.status, found.headers["Location"]) == (303, f"/toezicht/log/{seq}")
        assert "J. Jansen" in officer.get(f"/toezicht/log/{seq}").text
        assert officer.post("/toezicht/regel", {"regel": "drie"}).status == 422
        stranger = named.visiting(str(other))
        for asked in (seq, "999999", "x", "9" * 30):
            assert stranger.get(f"/mijn/vraag?regel={asked}").status == 404
    (line,) = pages.visiting(str(client)).get("/mijn/vraag").text.split("functionaris gegevensbescherming")[1:]
    assert line.startswith(". Dat is de persoon die erop let")


def test_a_document_that_another_rule_let_be_seen_has_its_own_reason(pages: Pages) -> None:
    client = CX("999900134", BSN)
    own = Document("1.2.4", "urn:uuid:4", rule="own-record", version="3", reason="Het is van de eigen organisatie.")
    accesses = (Access(client, PERMITTED, (Document("1.2.3", "urn:uuid:3"), own)),)
    pages.record(looked(JANSEN, client, 0, accesses=accesses))
    (row,) = pages.visiting(str(client)).get("/mijn.json").json()["rows"]

    consent, _, its_own = row["why"].partition(" Bij een document dat niet meer is aangemeld: ")
    assert "toestemming" in consent
    assert "een document van de eigen organisatie" in its_own
    assert row["reason"] == "1.2.3: Mag, want er is toestemming. 1.2.4: Het is van de eigen organisatie."
