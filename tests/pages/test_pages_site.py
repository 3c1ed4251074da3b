"""What holds for every page: who sees it, that it is on record first, and what a browser may do with it."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from urllib.parse import quote

import pytest
from pages_kit import Pages, served

from xds.model.audit import MINOR, SUCCESS
from xds.model.party import NormStatus, Organisation
from xds.model.viewer import Role


def test_the_front_page_is_for_everybody_and_in_dutch(pages: Pages) -> None:
    answer = pages.browser().get("/")

    assert answer.status == 200
    assert '<html lang="nl">' in answer.text
    assert "Aangesloten organisaties" in answer.text


def test_a_page_carries_a_strict_policy_and_is_kept_by_nobody(pages: Pages) -> None:
    for path in ("/", "/niets", "/aanmelden", "/static/style.css"):
        headers = pages.browser().get(path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))

        assert policy["default-src"] == "'none'", path
        assert policy["script-src"] == policy["style-src"] == "'self'", path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "DENY", path
        assert headers["Strict-Transport-Security"].startswith("max-age="), path
    assert pages.browser().get("/").headers["Cache-Control"] == "no-store"


def test_who_is_not_signed_in_is_sent_to_the_sign_in_and_back(pages: Pages) -> None:
    pages.auditor("eerst")
    browser = pages.browser("eerst")
    away = browser.get("/toezicht?dag=01-02-2026")

    assert (away.status, away.headers["Location"]) == (303, "/aanmelden?verder=%2Ftoezicht%3Fdag%3D01-02-2026")
    assert 'value="/toezicht?dag=01-02-2026"' in browser.get(away.headers["Location"]).text
    back = browser.sign_in(onward="/toezicht?dag=01-02-2026")
    assert (back.status, back.headers["Location"]) == (303, "/toezicht?dag=01-02-2026")
    assert browser.get(back.headers["Location"]).status == 200


def test_a_page_is_on_record_with_who_saw_it(pages: Pages) -> None:
    browser = pages.signed_in("op-schrift", Role.AUDITOR, "00010990")
    before = len(pages.records(employee="op-schrift"))

    assert browser.get("/toezicht").status == 200

    (record,) = pages.records(employee="op-schrift")[before:]
    assert record.outcome == SUCCESS
    assert record.kinds[0].code == "log-read"
    assert (record.user.person.name, record.user.person.role.code) == ("Naam van op-schrift", "auditor")
    assert record.user.person.organisation == "00010990"
    assert record.user.access_point == "127.0.0.1"
    assert (record.things[0].id, record.things[0].name) == ("/toezicht", "Startpagina")


def test_a_page_that_cannot_be_recorded_is_not_shown(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = pages.signed_in("zonder-log")
    with pages.out_of_order():
        refused = browser.get("/toezicht")

    assert refused.status == 500
    assert "Regels in het logboek" not in refused.text
    assert browser.get("/toezicht").status == 200


@pytest.mark.parametrize("path", ["/niets", "/toezicht/niets", "/toezicht.json"])
def test_what_is_not_there_is_told_in_words(pages: Pages, path: str) -> None:
    answer = pages.browser().get(path)

    assert answer.status == 404
    assert "bestaat niet" in answer.text


def test_who_is_signed_in_goes_on_from_the_menu_after_a_page_that_is_not_there(pages: Pages) -> None:
    missing = pages.signed_in("dwaalt").get("/toezicht/niets")

    assert missing.status == 404
    assert "Naam van dwaalt" in missing.text and 'href="/toezicht/beheer"' in missing.text


def test_another_host_and_another_origin_are_turned_away(pages: Pages) -> None:
    browser = pages.signed_in("vreemd")

    assert browser.get("/", Host="elders.example").status == 421
    assert browser.post("/afmelden", Origin="https://elders.example").status == 403
    assert browser.post("/afmelden", Origin="null").status == 403
    assert browser.post("/afmelden", {"formulier": "0" * 64}).status == 403
    assert browser.get("/toezicht").status == 200


def test_a_list_is_the_same_in_all_its_forms(pages: Pages) -> None:
    hostile = Organisation("00000042", '=HYPERLINK("x")<script>\u202e', "V6")
    add_participant(pages, hostile)
    browser = pages.browser()

    html = browser.get("/organisaties").text
    listed = browser.get("/organisaties.json").json()
    table = browser.get("/organisaties.csv")

    assert "&lt;script&gt;" in html and "<script>\\" not in html and "\u202e" not in html
    assert 'href="/organisaties.csv"' in html
    assert [row["name"] for row in listed["rows"]] == ['=HYPERLINK("x")<script>\u202e']
    assert listed["rows"][0]["connected_since"] == "2026-02-01"
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    lines = table.body.decode("utf-8-sig").split("\r\n")
    assert lines[0].startswith('"Organisatie";"Soort";"Aangesloten sinds"')
    assert lines[1].startswith('"\'=HYPERLINK(""x"")<script>\\u202e";"ziekenhuizen, klinieken, ')


@pytest.mark.parametrize("limit", ["0", "-1", "x", "²", "9" * 5000, "%00", "1e3"])
def test_a_limit_that_is_none_counts_as_none(pages: Pages, limit: str) -> None:
    assert pages.browser().get(f"/organisaties.json?limit={quote(limit)}").status == 200


def test_a_form_that_is_too_large_or_no_form_is_not_taken(pages: Pages) -> None:
    pages.auditor("veel")
    browser = pages.browser("veel")

    assert browser.post("/aanmelden", {"code": "1" * 70_000}).status == 413
    assert browser.post("/aanmelden", {"code": "1"}, **{"Content-Type": "application/json"}).status == 400
    assert (
        browser.post("/aanmelden", {"code": "1"}, **{"Content-Type": "multipart/form-data; boundary=x"}).status == 400
    )


@pytest.mark.parametrize("path", ["/static/../site.py", "/static/%2e%2e/site.py", "/static/..%2fsite.py", "/static/"])
def test_nothing_but_the_files_of_the_style_is_served(pages: Pages, path: str) -> None:
    assert pages.browser().get(path).status == 404


@pytest.mark.parametrize("cookie", ["", "x", "x" * 4000, "é", '"', "a=b; c", "%00"])
def test_a_cookie_that_is_no_session_is_none(pages: Pages, cookie: str) -> None:
    browser = pages.browser()
    browser.cookies = {"__Host-xds-session": cookie}

    assert browser.get("/toezicht").status == 303


@pytest.mark.parametrize(
    "target",
    [b"/toezicht?x=\xe9", b"/toezicht/\xe9", b"/organisaties?limit=\xe9", b"/aanmelden?verder=\xe9", b"/%ff?%ff=%ff",
     b"/aanmelden?verder=/%ff", b"/aanmelden/oidc/terug?state=\xe9"],
)  # fmt: skip
def test_an_address_of_odd_bytes_breaks_nothing(pages: Pages, target: bytes) -> None:
    context = ssl.create_default_context(cafile=pages.folder / "ca.pem")
    host = pages.url.removeprefix("https://").encode()
    with (
        socket.create_connection(("127.0.0.1", pages.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
        answer = connection.makefile("rb").read()

    assert answer.split()[1] in (b"200", b"303", b"400", b"404"), answer[:200]


def test_a_theme_goes_over_the_style(pages: Pages) -> None:
    text = pages.browser().get("/").text

    assert text.index("/static/style.css?v=") < text.index("/static/theme.css?v=")


def add_participant(pages: Pages, organisation: Organisation) -> None:
    from datetime import date

    since, fingerprint = date(2026, 2, 1), "ab" * 32
    pages.database.write_now(lambda writer: writer.add_participant(organisation, fingerprint, (), since, NormStatus()))


def test_the_pages_work_on_postgresql_too(tmp_path: Path, postgres_url: str) -> None:
    with served(tmp_path, postgres_url) as pages:
        add_participant(pages, Organisation("00000042", "Praktijk", "G3"))
        browser = pages.signed_in("anna", Role.ADMINISTRATOR)

        for path in ("/toezicht", "/toezicht/beheer", "/toezicht/beheer/fouten.json", "/toezicht/beheer/sessies/1"):
            assert browser.get(path).status == 200, path
        assert browser.post("/toezicht/beheer/sessies/1/einde").status == 303
        assert browser.get("/toezicht").status == 303
        assert [row["name"] for row in browser.get("/organisaties.json").json()["rows"]] == ["Praktijk"]
        assert {each.kinds[0].code for each in pages.records(employee="anna")} == {"110122", "log-read", "110123"}


def test_a_page_of_others_is_as_if_it_were_not_there_and_that_it_was_asked_is_on_record(pages: Pages) -> None:
    client, auditor = pages.visiting(), pages.signed_in("gluurt", Role.AUDITOR)
    nothing = client.get("/toezicht/niets")
    for answer in (client.get("/toezicht/log"), client.get("/toezicht/beheer/sessies/1")):
        assert (answer.status, answer.text) == (404, nothing.text.replace("/toezicht/niets", "/toezicht/log"))
    auditor.get("/toezicht")
    assert auditor.post("/toezicht/beheer/sessies/1/einde").status == 404
    asked = [record for record in pages.records(outcome=MINOR) if record.things[0].id.startswith("/toezicht/")]
    assert [record.things[0].id for record in asked] == [
        "/toezicht/log", "/toezicht/beheer/sessies/{number:[0-9]{1,15}}",
        "/toezicht/beheer/sessies/{number:[0-9]{1,15}}/einde",
    ]  # fmt: skip
