"""Signing in with a certificate and a second factor, and what a session is."""

from __future__ import annotations

import threading

import pytest
from pages_kit import Pages

from xds.model.audit import SERIOUS, SUCCESS


def test_a_certificate_and_a_code_let_in(pages: Pages) -> None:
    browser = pages.signed_in("binnen")

    page = browser.get("/toezicht")
    assert page.status == 200
    assert "Naam van binnen" in page.text
    assert [
        (each.outcome, each.user.assurance) for each in pages.records(employee="binnen", transaction="sign-in")
    ] == [(SUCCESS, 4)]


def test_the_cookie_can_be_read_by_no_script_and_sent_by_no_other_site(pages: Pages) -> None:
    pages.auditor("koekje")
    given = pages.browser("koekje").sign_in().headers["Set-Cookie"]

    assert given.startswith("__Host-xds-session=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in given.split(";")}


def test_without_a_certificate_there_is_no_code_to_give(pages: Pages) -> None:
    browser = pages.browser()

    assert "geen certificaat" in browser.get("/aanmelden").text
    assert browser.post("/aanmelden", {"code": "123456"}).status == 200
    assert browser.cookies == {}


def test_a_wrong_code_is_refused_and_on_record(pages: Pages) -> None:
    pages.auditor("mis")
    browser = pages.browser("mis")
    refused = browser.sign_in("000000" if pages.code("mis") != "000000" else "111111")

    assert refused.status == 422
    assert "klopt niet" in refused.text
    assert browser.cookies == {}
    assert [each.outcome for each in pages.records(employee="mis")] == [SERIOUS]


def test_a_code_is_good_for_one_use(pages: Pages) -> None:
    pages.auditor("tweemaal")
    code = pages.code("tweemaal")

    assert pages.browser("tweemaal").sign_in(code).status == 303
    assert pages.browser("tweemaal").sign_in(code).status == 422
    pages.later(seconds=30)
    assert pages.browser("tweemaal").sign_in().status == 303


def test_a_code_is_good_for_one_use_even_at_one_moment(pages: Pages) -> None:
    pages.auditor("tegelijk")
    code, answers, together = pages.code("tegelijk"), [], threading.Barrier(4)

    def sign_in() -> None:
        browser = pages.browser("tegelijk")
        together.wait()
        answers.append(browser.sign_in(code).status)

    threads = [threading.Thread(target=sign_in) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [303, 422, 422, 422]


def test_guessing_is_slowed_down_also_for_the_right_code(pages: Pages) -> None:
    pages.auditor("raden")
    wrong = "000000" if pages.code("raden") != "000000" else "111111"
    for _ in range(5):
        assert pages.browser("raden").sign_in(wrong).status == 422

    assert pages.browser("raden").sign_in().status == 422
    pages.later(seconds=61)
    assert pages.browser("raden").sign_in().status == 303


def test_a_session_ends_when_it_is_not_used_and_at_last(pages: Pages) -> None:
    browser = pages.signed_in("einde")
    for _ in range(3):
        pages.later(minutes=14)
        assert browser.get("/toezicht").status == 200
    pages.later(minutes=15)
    assert browser.get("/toezicht").status == 303

    browser.sign_in()
    for _ in range(34):
        pages.later(minutes=14)
        browser.get("/toezicht")
    assert browser.get("/toezicht").status == 200
    pages.later(minutes=5)
    assert browser.get("/toezicht").status == 303


def test_signing_out_ends_the_session_for_good(pages: Pages) -> None:
    browser = pages.signed_in("uit")
    browser.get("/toezicht")
    kept = dict(browser.cookies)

    assert browser.post("/afmelden").status == 303
    assert browser.cookies == {}
    browser.cookies = kept
    assert browser.get("/toezicht").status == 303
    assert [each.kinds[0].code for each in pages.records(employee="uit", transaction="sign-out")] == ["110123"]


def test_a_session_is_of_the_certificate_that_it_began_with(pages: Pages) -> None:
    browser = pages.signed_in("eigen")
    for other in (pages.browser(), pages.browser("eigen")):
        other.cookies = dict(browser.cookies)
        assert other.get("/toezicht").status == (200 if other.account else 303)
    pages.auditor("ander")
    thief = pages.browser("ander")
    thief.cookies = dict(browser.cookies)
    assert thief.get("/toezicht").status == 303


def test_a_session_that_was_planted_is_not_taken_over(pages: Pages) -> None:
    pages.auditor("geplant")
    browser = pages.browser("geplant")
    browser.cookies = {"__Host-xds-session": "gekozen-door-een-ander"}

    browser.sign_in()

    assert browser.cookies["__Host-xds-session"] != "gekozen-door-een-ander"
    other = pages.browser("geplant")
    other.cookies = {"__Host-xds-session": "gekozen-door-een-ander"}
    assert other.get("/toezicht").status == 303


def test_a_client_sees_no_page_of_auditors_and_cannot_tell_that_there_are(pages: Pages) -> None:
    client = pages.visiting()
    refused, absent = client.get("/toezicht"), client.get("/niets")

    assert (refused.status, refused.body) == (absent.status, absent.body) == (404, absent.body)


def test_a_client_is_out_when_the_portal_that_sent_her_is_suspended(pages: Pages) -> None:
    client = pages.visiting()
    assert client.get("/toezicht").status == 404
    (portal,) = {each.id for each in pages.database.read_now(lambda reader: reader.participants())}

    pages.database.write_now(lambda writer: writer.suspend_participant(portal, True))

    assert client.get("/toezicht").status == 303
    pages.database.write_now(lambda writer: writer.suspend_participant(portal, False))


def test_a_suspended_auditor_is_out_at_once(pages: Pages) -> None:
    browser = pages.signed_in("geschorst")
    (number,) = [
        each.id
        for each in pages.database.read_now(lambda reader: reader.viewers.auditors())
        if each.account == "geschorst"
    ]
    pages.database.write_now(lambda writer: writer.viewers.suspend_auditor(number, True))

    assert browser.get("/toezicht").status == 303
    assert browser.sign_in().status == 200
    assert browser.get("/toezicht").status == 303


@pytest.mark.parametrize(
    "onward",
    ["https://elders.example/", "//elders.example", "/\\elders.example", "\\\\elders.example", "javascript:alert(1)",
     "/%0d%0aSet-Cookie:x=1\r\nX: y", "http:/elders.example", " //elders.example", "/\t/elders.example"],
)  # fmt: skip
def test_the_way_on_stays_on_this_site(pages: Pages, onward: str) -> None:
    account = f"verder-{abs(hash(onward))}"
    pages.auditor(account)

    assert pages.browser(account).sign_in(onward=onward).headers["Location"] == "/toezicht"
