"""The pages about the system itself: what runs out, what fails, who is signed in; and never whose data it was about."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pages_kit import Pages
from samples import PATIENT

from xds.model.audit import MAJOR, SERIOUS, SUCCESS, Access, Event
from xds.model.hl7 import parse_cx
from xds.model.party import NormStatus, Organisation, Participant
from xds.model.viewer import Role

PRACTICE = Organisation("01234567", "Praktijk De Ooievaar", "G3")
WIEG = Organisation("00054321", "JGZ De Wieg", "JGZ")


@pytest.fixture(scope="module")
def busy(pages: Pages) -> Pages:
    """Two participants, of which one must soon have another certificate, and three requests of which two failed."""

    def add(organisation: Organisation, fingerprint: str, days: int) -> Participant:
        until, since = pages.now + timedelta(days=days, hours=1), pages.now.date()
        number = pages.database.write_now(
            lambda writer: writer.add_participant(organisation, fingerprint, (), since, NormStatus(), until)
        )
        return Participant(number, organisation, fingerprint, (), since)

    practice, wieg = add(PRACTICE, "ab" * 32, 9), add(WIEG, "cd" * 32, 400)
    about = (Access(parse_cx(PATIENT)),)
    pages.record(
        Event("goed", "ITI-43", pages.now, SUCCESS, participant=practice, accesses=about),
        Event("mis-1", "ITI-18", pages.now, MAJOR, participant=practice, accesses=about, outcome_text="database"),
        Event("mis-2", "unintelligible", pages.now, SERIOUS, participant=wieg, outcome_text="Sender"),
    )
    return pages


def test_a_look_shows_what_needs_doing(busy: Pages) -> None:
    page = busy.signed_in("kijkt", Role.ADMINISTRATOR).get("/toezicht/beheer").text

    assert "nog 9 dagen" in page and "Praktijk De Ooievaar: Aansluiting" in page
    assert "documenten gezocht, Praktijk De Ooievaar (database)" in page
    assert "bewaarplaats" not in page
    assert "Schijf met documenten, die niet te bereiken is" in page and "nog 0 MB vrij" in page
    assert "999911120" not in page


def test_certificates_are_listed_the_soonest_first(busy: Pages) -> None:
    rows = busy.signed_in("certificaten", Role.AUDITOR).get("/toezicht/beheer/certificaten.json").json()["rows"]

    assert (rows[0]["of"], rows[0]["left"]) == ("Praktijk De Ooievaar", "9 dagen")
    assert {"of": "JGZ De Wieg", "left": "400 dagen"}.items() <= rows[1].items()
    assert {row["use"] for row in rows if row["of"] == "Dit systeem"} == {"Deze server", "Autoriteit van de auditors"}


def test_errors_are_listed_without_whose_data_they_were_about(busy: Pages) -> None:
    browser = busy.signed_in("fouten", Role.PRIVACY_OFFICER)
    rows = browser.get("/toezicht/beheer/fouten.json").json()["rows"]

    assert [(row["request_id"], row["outcome"]) for row in rows] == [("mis-2", "niet verwerkt"), ("mis-1", "storing")]
    assert "999911120" not in browser.get("/toezicht/beheer/fouten").text


def test_an_auditor_of_one_organisation_sees_its_own(busy: Pages) -> None:
    browser = busy.signed_in("eigen-huis", Role.AUDITOR, WIEG.ura)

    for part, expected in (("deelnemers", "organisation"), ("certificaten", "of"), ("fouten", "organisation")):
        rows = browser.get(f"/toezicht/beheer/{part}.json").json()["rows"]
        assert [row[expected] for row in rows] == ["JGZ De Wieg"], part
    assert "Ooievaar" not in browser.get("/toezicht/beheer").text


def test_an_administrator_ends_a_session(busy: Pages) -> None:
    other = busy.signed_in("moet-weg")
    administrator = busy.signed_in("beheert", Role.ADMINISTRATOR)
    rows = administrator.get("/toezicht/beheer/sessies.json").json()["rows"]
    (number,) = [row["number"] for row in rows if row["who"] == "Naam van moet-weg (moet-weg)"]

    assert "Naam van moet-weg" in administrator.get(f"/toezicht/beheer/sessies/{number}").text
    ended = administrator.post(f"/toezicht/beheer/sessies/{number}/einde")

    assert (ended.status, ended.headers["Location"]) == (303, "/toezicht/beheer/sessies")
    assert other.get("/toezicht").status == 303
    assert administrator.get(f"/toezicht/beheer/sessies/{number}").status == 404
    (record,) = busy.records(employee="beheert", transaction="sign-out")
    assert record.things[0].details == (("sessie", str(number)),)


def test_only_an_administrator_ends_sessions(busy: Pages) -> None:
    other = busy.signed_in("blijft")
    auditor = busy.signed_in("kan-niet", Role.AUDITOR)
    auditor.get("/toezicht/beheer")

    assert auditor.get("/toezicht/beheer/sessies").status == 404
    for number in range(1, 60):
        assert auditor.post(f"/toezicht/beheer/sessies/{number}/einde").status == 404
    assert other.get("/toezicht").status == 200


def test_a_session_is_not_ended_by_a_form_of_another_site(busy: Pages) -> None:
    administrator = busy.signed_in("gelokt", Role.ADMINISTRATOR)
    number = administrator.get("/toezicht/beheer/sessies.json").json()["rows"][-1]["number"]
    path = f"/toezicht/beheer/sessies/{number}/einde"

    assert administrator.post(path, Origin="https://elders.example").status == 403
    assert administrator.post(path, {"formulier": ""}).status == 403
    stranger = busy.signed_in("met-eigen-formulier", Role.ADMINISTRATOR)
    stranger.get("/toezicht")
    assert administrator.post(path, {"formulier": stranger.token}).status == 403
    assert administrator.get("/toezicht").status == 200
