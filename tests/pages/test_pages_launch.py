"""Clients come in by a token of the portal that identified them: signed, for this site, and good for one use."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwk, jws
from pages_kit import Answer, Browser, Pages, served
from samples import OTHER_PATIENT, PATIENT

from xds.audit.record import decode
from xds.db import open_database
from xds.model.audit import SERIOUS, SUCCESS
from xds.model.party import NormStatus, Organisation
from xds.pages.access.launch_token import make

HOSPITAL = Organisation("00010990", "Ziekenhuis De Uiver", "V6")
CLIENT, PARENT = "999911120", "999900006"
SUBSTANTIAL = "http://eidas.europa.eu/LoA/substantial"
_numbers = iter(range(10_000))


class Portal:
    """A participant that signs tokens."""

    def __init__(self, pages: Pages, name: str, organisation: Organisation):
        self.pages = pages
        self.organisation = organisation
        known_by, since = pages.certificate(name), pages.now.date()
        self.certificate = (pages.folder / f"{name}.pem").read_bytes()
        self.key = (pages.folder / f"{name}-key.pem").read_bytes()
        self.number = pages.database.write_now(
            lambda writer: writer.add_participant(organisation, known_by, (), since, NormStatus())
        )

    def said(self, **claims: Any) -> dict[str, Any]:
        return {
            "iss": self.organisation.ura,
            "sub": CLIENT,
            "aud": self.pages.url,
            "acr": SUBSTANTIAL,
            "jti": f"een-token-van-de-proef-{next(_numbers)}",
            **claims,
        }

    def token(self, lifetime: timedelta = timedelta(minutes=1), **claims: Any) -> str:
        return make(self.certificate, self.key, self.said(**claims), self.pages.now, lifetime)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with served(tmp_path_factory.mktemp("launch")) as running:
        running.database.write_now(lambda writer: (writer.add_patient(PATIENT), writer.add_patient(OTHER_PATIENT)))
        yield running


@pytest.fixture(scope="module")
def portal(pages: Pages) -> Portal:
    return Portal(pages, "ziekenhuis", HOSPITAL)


def launch(browser: Browser, token: str) -> Answer:
    """What a form of the portal's makes a browser do."""
    return browser.post("/mijn/binnen", {"token": token}, Origin="https://portaal.example")


def born(pages: Pages, age: int) -> None:
    """Have the client be this old today."""
    today = pages.now.date()
    birth = date(today.year - age, today.month, min(today.day, 28))

    def change(writer: Any) -> None:
        writer.consents.set_birth_date(writer.patient(PATIENT), birth)

    pages.database.write_now(change)


def test_a_token_lets_its_client_in(pages: Pages, portal: Portal) -> None:
    browser = pages.browser()
    answer = launch(browser, portal.token())

    assert (answer.status, answer.headers["Location"]) == (303, "/mijn")
    assert CLIENT not in answer.text + str(answer.headers)
    (record,) = pages.records(transaction="sign-in", patient=pages.recorder.patient(PATIENT))
    assert (record.outcome, record.user.assurance) == (SUCCESS, 3)
    assert record.user.person.number == f"client-{pages.recorder.patient(PATIENT).hex()}"
    assert record.user.person.organisation == HOSPITAL.ura
    assert "Wie heeft uw dossier ingezien?" in browser.get(answer.headers["Location"]).text
    assert CLIENT not in record.user.person.number
    (session,) = pages.database.read_now(lambda reader: reader.viewers.sessions(pages.now))
    assert session.visit is not None and session.visit.patient == PATIENT


def test_a_token_is_good_for_one_use_even_at_one_moment(pages: Pages, portal: Portal) -> None:
    token, answers = portal.token(), []
    together = threading.Barrier(4)

    def come() -> None:
        browser = pages.browser()
        together.wait()
        answers.append(launch(browser, token).status)

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [303, 403, 403, 403]
    assert launch(pages.browser(), token).status == 403


def test_a_used_token_stays_used_after_a_restart(tmp_path: Path) -> None:
    with served(tmp_path, base_url="https://pages.example") as first:
        first.database.write_now(lambda writer: writer.add_patient(PATIENT))
        token = Portal(first, "ziekenhuis", HOSPITAL).token()
        assert launch(first.browser(), token).status == 303
    with served(tmp_path, base_url="https://pages.example") as second:
        assert launch(second.browser(), token).status == 403
        assert second.records(transaction="sign-in")[-1].outcome_text == "the token was used before"


@pytest.mark.parametrize(
    ("claims", "lifetime"),
    [
        ({"aud": "https://elders.example"}, 60),
        ({"iss": "01234567"}, 60),
        ({"acr": "http://eidas.europa.eu/LoA/low"}, 60),
        ({"acr": "iets"}, 60),
        ({"sub": "123456789"}, 60),
        ({"sub": ""}, 60),
        ({"jti": "kort"}, 60),
        ({"jti": 12}, 60),
        ({"iat": 10**40}, 60),
        ({"exp": "morgen"}, 60),
        ({"act": {"sub": "123456789"}}, 60),
        ({}, 301),
        ({}, -1),
    ],
)
def test_a_token_that_says_something_else_is_refused(
    pages: Pages, portal: Portal, claims: dict[str, Any], lifetime: int
) -> None:
    browser = pages.browser()
    answer = launch(browser, portal.token(timedelta(seconds=lifetime), **claims))

    assert answer.status == 403
    assert browser.cookies == {}
    assert "niet geldig" in answer.text


def test_an_expired_token_is_refused_on_the_second(pages: Pages, portal: Portal) -> None:
    first, second = portal.token(), portal.token()
    pages.later(seconds=59)
    assert launch(pages.browser(), first).status == 303
    pages.later(seconds=1)
    assert launch(pages.browser(), second).status == 403


def test_refusals_of_strangers_are_counted_and_those_of_portals_told_one_by_one(tmp_path: Path) -> None:
    with served(tmp_path) as pages:
        pages.database.write_now(lambda writer: writer.add_patient(PATIENT))
        portal = Portal(pages, "ziekenhuis", HOSPITAL)
        for _ in range(20):
            assert launch(pages.browser(), "rommel").status == 403
        parent = {"act": {"sub": PARENT}}
        for _ in range(2):
            assert launch(pages.browser(), portal.token(**parent)).status == 403
        own = pages.records(transaction="sign-in")
    database = open_database(pages.settings.database.url)
    lines = database.read_now(lambda reader: reader.log.lines(0, 100))
    database.close()
    counted = [decode(line.payload) for line in lines if line.payload and b"refused-connections" in line.payload]

    assert [(each.outcome, each.outcome_text) for each in own] == [
        (SERIOUS, "who looks may not, at the client's age")
    ] * 2
    assert own[0].system.organisation == HOSPITAL.ura
    assert sum(int(dict(each.things[0].details)["count"]) for each in counted) == 20
    assert len(counted) <= 2


def test_only_a_participant_signs(pages: Pages, portal: Portal) -> None:
    stranger = Portal.__new__(Portal)
    stranger.pages, stranger.organisation = pages, HOSPITAL
    pages.certificate("vreemde")
    stranger.certificate = (pages.folder / "vreemde.pem").read_bytes()
    stranger.key = (pages.folder / "vreemde-key.pem").read_bytes()
    assert launch(pages.browser(), stranger.token()).status == 403

    stranger.certificate = portal.certificate  # whose key it hasn't got
    assert launch(pages.browser(), stranger.token()).status == 403


def test_a_suspended_portal_sends_nobody(pages: Pages) -> None:
    portal = Portal(pages, "geschorst", Organisation("00000077", "Portaal", "V6"))
    browser = pages.browser()
    assert launch(browser, portal.token()).status == 303
    pages.database.write_now(lambda writer: writer.suspend_participant(portal.number, True))

    assert launch(pages.browser(), portal.token()).status == 403


def part(text: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(text + "=="))


def packed(said: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def signed_with(secret: bytes, head: str, body: str) -> str:
    """By HMAC with what everybody knows."""
    digest = hmac.digest(secret, f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


@pytest.mark.parametrize("forgery", ["none", "hmac", "jwk", "kind", "no certificate", "claims", "rubbish", "long"])
def test_a_forged_token_is_refused(pages: Pages, portal: Portal, forgery: str) -> None:
    head, body, signature = portal.token().split(".")
    roomy = type("Roomy", (jws.JWSRegistry,), {"max_header_length": 8192})(
        algorithms=["HS256", "ES256"], strict_check_header=False
    )
    header, claims = part(head), part(body)
    own = jwk.generate_key("EC", "P-256")
    forged = {
        "none": lambda: f"{packed(header | {'alg': 'none'})}.{body}.",
        "hmac": lambda: signed_with(portal.certificate, packed(header | {"alg": "HS256"}), body),
        "jwk": lambda: jws.serialize_compact(
            header | {"jwk": own.as_dict(private=False)}, json.dumps(claims), own, registry=roomy
        ),
        "kind": lambda: jws.serialize_compact(
            header | {"typ": "JWT"}, json.dumps(claims), jwk.import_key(portal.key, "EC"), registry=roomy
        ),
        "no certificate": lambda: jws.serialize_compact(
            {"typ": header["typ"], "alg": "ES256"}, json.dumps(claims), jwk.import_key(portal.key, "EC"), registry=roomy
        ),
        "claims": lambda: f"{head}.{packed(claims | {'sub': PARENT})}.{signature}",
        "rubbish": lambda: "a.b.c",
        "long": lambda: "a" * 20_000,
    }[forgery]()

    browser = pages.browser()
    assert launch(browser, forged).status == 403
    assert browser.cookies == {}


@pytest.mark.parametrize(
    ("age", "who", "status"),
    [(0, PARENT, 303), (11, PARENT, 303), (11, None, 403), (12, None, 303), (15, PARENT, 303), (16, PARENT, 403),
     (16, None, 303)],
)  # fmt: skip
def test_a_parent_and_a_child_come_in_by_the_rules_on_age(
    pages: Pages, portal: Portal, age: int, who: str | None, status: int
) -> None:
    born(pages, age)
    actor = {} if who is None else {"act": {"sub": who}}

    assert launch(pages.browser(), portal.token(**actor)).status == status


def header_with(x5c: Any) -> str:
    return f"{packed({'typ': 'xds-launch+jwt', 'alg': 'ES256', 'x5c': x5c})}.e30.AAAA"


def der_of(pem: bytes) -> bytes:
    return base64.b64decode(b"".join(pem.split(b"-----")[2].split()))


@pytest.mark.parametrize(
    "rubbish",
    [None, [], "x", [1], [None], ["!"], [""], ["AAAA"], {"0": "x"}, ["truncated"], ["version"], ["other key"]],
    ids=str,
)
def test_rubbish_for_a_certificate_is_refused(pages: Pages, portal: Portal, rubbish: Any) -> None:
    whole = der_of(portal.certificate)
    made = {
        "truncated": whole[: len(whole) // 2],
        "version": whole.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020109"), 1),
        "other key": whole.replace(bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d0209"), 1),
    }
    known = rubbish and isinstance(rubbish, list) and made.get(rubbish[0])
    token = header_with([base64.b64encode(known).decode()] if known else rubbish)

    assert launch(pages.browser(), token).status == 403


def test_a_header_without_end_is_refused(pages: Pages) -> None:
    nested = base64.urlsafe_b64encode(b"[" * 5000).decode()

    assert launch(pages.browser(), f"{nested}.e30.AAAA").status == 403


def test_a_parent_of_somebody_whose_age_is_not_known_stays_out(pages: Pages, portal: Portal) -> None:
    token = portal.token(sub=PARENT, act={"sub": CLIENT})

    assert launch(pages.browser(), token).status == 403


def test_a_new_client_takes_the_place_of_the_one_before(pages: Pages, portal: Portal) -> None:
    born(pages, 30)
    browser = pages.browser()
    launch(browser, portal.token())
    before = dict(browser.cookies)
    launch(browser, portal.token(sub=PARENT))

    assert browser.cookies != before
    other = pages.browser()
    other.cookies = before
    assert other.get("/toezicht").status == 303


def test_a_token_in_a_url_is_not_taken(pages: Pages, portal: Portal) -> None:
    assert pages.browser().get(f"/mijn/binnen?token={portal.token()}").status == 405


def test_what_a_refusal_says_holds_no_number(pages: Pages, portal: Portal) -> None:
    launch(pages.browser(), portal.token(act={"sub": PARENT}))

    (line,) = [
        line.payload for line in pages.database.read_now(lambda reader: reader.log.lines(reader.log.head().size - 1, 1))
    ]
    assert line is not None and b"at the client's age" in line
    assert f"^{CLIENT}".encode() not in line and f'"{CLIENT}'.encode() not in line
