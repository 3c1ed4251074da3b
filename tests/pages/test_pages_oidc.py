"""Signing in at an OpenID provider: authorisation code with PKCE, and every way in which an answer can be wrong."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwk, jws
from oidc_provider import CLIENT, MFA, SECRET, OpenIdProvider, provider
from pages_kit import Answer, Browser, Pages, served

from xds.model.audit import SERIOUS, SUCCESS
from xds.model.viewer import Auditor, Role


class Moved:
    """The clock of the pages, for the provider that is there before them."""

    pages: Pages | None = None

    def __call__(self) -> datetime:
        return datetime.now(UTC) if self.pages is None else self.pages.now


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pages, OpenIdProvider]]:
    folder = tmp_path_factory.mktemp("oidc")
    (folder / "secret").write_text(f"{SECRET}\n")
    clock = Moved()
    with provider(folder, clock) as idp:
        settings = {
            "oidc_issuer": idp.issuer, "oidc_client_id": CLIENT, "oidc_secret": folder / "secret",
            "oidc_acr": (MFA, "c1"), "oidc_ca": idp.ca,
        }  # fmt: skip
        with served(folder, **settings) as pages:
            clock.pages = pages
            for name in ("anna", "bob"):
                known = Auditor(0, name, f"Naam van {name}", Role.AUDITOR, None, subject=f"{idp.issuer} {name}")
                pages.database.write_now(lambda writer, known=known: writer.viewers.add_auditor(known))
            yield pages, idp


@pytest.fixture
def pages(both: tuple[Pages, OpenIdProvider]) -> Pages:
    return both[0]


@pytest.fixture
def idp(both: tuple[Pages, OpenIdProvider]) -> Iterator[OpenIdProvider]:
    both[1].well()
    yield both[1]
    both[1].well()


def begun(browser: Browser, onward: str = "%2Ftoezicht%3Fx%3D1") -> str:
    """Where the pages send a browser that will sign in."""
    answer = browser.get(f"/aanmelden/oidc?verder={onward}")
    assert answer.status == 303
    return answer.headers["Location"]


def came_back(browser: Browser, idp: OpenIdProvider) -> Answer:
    return browser.get(idp.sign_in(begun(browser)))


def refused(answer: Answer, browser: Browser) -> bool:
    """Whether nobody was let in."""
    return (
        answer.status == 403 and "__Host-xds-session" not in browser.cookies and browser.get("/toezicht").status == 303
    )


def test_who_signed_in_there_is_signed_in_here(pages: Pages, idp: OpenIdProvider) -> None:
    browser = pages.browser()
    assert 'href="/aanmelden/oidc?verder=/toezicht"' in browser.get("/aanmelden").text
    back = came_back(browser, idp)

    assert (back.status, back.headers["Location"]) == (303, "/toezicht?x=1")
    assert "Naam van anna" in browser.get("/toezicht").text
    assert list(browser.cookies) == ["__Host-xds-session"]
    (record,) = pages.records(transaction="sign-in", employee="anna")
    assert (record.outcome, record.user.assurance) == (SUCCESS, 3)


def test_what_is_sent_along_binds_the_answer_and_tells_nothing(pages: Pages, idp: OpenIdProvider) -> None:
    browser = pages.browser()
    asked = parse_qs(urlsplit(begun(browser)).query)
    cookie = browser.cookies["__Host-xds-oidc"].split(".")[0]

    assert asked["redirect_uri"] == [f"{pages.url}/aanmelden/oidc/terug"]
    assert asked["acr_values"] == [f"c1 {MFA}"]
    assert json.loads(asked["claims"][0])["id_token"]["acrs"] == {"essential": True, "values": ["c1", MFA]}
    assert len({asked[name][0] for name in ("state", "nonce", "code_challenge")} | {cookie}) == 4
    other = parse_qs(urlsplit(begun(pages.browser())).query)
    assert not {asked[name][0] for name in ("state", "nonce", "code_challenge")} & {
        other[name][0] for name in ("state", "nonce", "code_challenge")
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://elders.example"},
        {"aud": "een-ander"},
        {"aud": ["een-ander"]},
        {"aud": [CLIENT, "een-ander"]},
        {"azp": "een-ander"},
        {"nonce": "van een andere aanmelding"},
        {"nonce": None},
        {"exp": 1},
        {"iat": 10**11},
        {"iat": 1, "exp": 10**11},
        {"iat": 10**40},
        {"acr": "wachtwoord"},
        {"acr": None},
        {"acr": None, "amr": ["pwd", "mfa"]},
        {"sub": "niemand"},
        {"sub": ""},
        {"sub": 3},
        {"sub": "anna https://127.0.0.1 anna"},
    ],
    ids=str,
)
def test_a_token_that_says_something_else_is_refused(
    pages: Pages, idp: OpenIdProvider, changed: dict[str, Any]
) -> None:
    idp.changed = changed
    browser = pages.browser()

    assert refused(came_back(browser, idp), browser)


def test_words_of_several_providers_for_two_factors_count(pages: Pages, idp: OpenIdProvider) -> None:
    idp.changed = {"acr": None, "acrs": ["c1"], "aud": [CLIENT, "een-ander"], "azp": CLIENT}

    assert came_back(pages.browser(), idp).status == 303


@pytest.mark.parametrize("forgery", ["none", "hmac", "stranger", "own key inside", "rubbish"])
def test_a_token_that_the_provider_did_not_sign_is_refused(pages: Pages, idp: OpenIdProvider, forgery: str) -> None:
    own = jwk.generate_key("EC", "P-256", {"kid": idp.key.kid})
    known = jwk.import_key(b"een geheim van meer dan tweeendertig tekens", "oct")
    ways = {
        "none": lambda said: f"{unsigned({'alg': 'none'})}.{unsigned(said)}.",
        "hmac": lambda said: jws.serialize_compact({"alg": "HS256", "kid": idp.key.kid}, json.dumps(said), known),
        "stranger": lambda said: jws.serialize_compact({"alg": "ES256", "kid": idp.key.kid}, json.dumps(said), own),
        "own key inside": lambda said: jws.serialize_compact(
            {"alg": "ES256", "jwk": own.as_dict(private=False)}, json.dumps(said), own
        ),
        "rubbish": lambda said: "geen.token.dus",
    }
    idp.sign = ways[forgery]
    browser = pages.browser()

    assert refused(came_back(browser, idp), browser)


def unsigned(said: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def test_an_answer_for_another_browser_is_refused(pages: Pages, idp: OpenIdProvider) -> None:
    victim, attacker = pages.browser(), pages.browser()
    begun(victim)
    answer = idp.sign_in(begun(attacker))

    assert refused(victim.get(answer), victim)
    assert refused(pages.browser().get(answer), pages.browser())


def test_an_answer_counts_once(pages: Pages, idp: OpenIdProvider) -> None:
    browser = pages.browser()
    answer = idp.sign_in(begun(browser))
    kept = dict(browser.cookies)
    assert browser.get(answer).status == 303
    again = pages.browser()
    again.cookies = kept

    assert refused(again.get(answer), again)


@pytest.mark.parametrize("sender", ["", "&iss=https%3A%2F%2Felders.example"])
def test_an_answer_of_another_provider_is_refused(pages: Pages, idp: OpenIdProvider, sender: str) -> None:
    browser = pages.browser()
    answer = idp.sign_in(begun(browser)).partition("&iss=")[0]

    assert refused(browser.get(answer + sender), browser)


def test_a_code_of_another_sign_in_is_refused(pages: Pages, idp: OpenIdProvider) -> None:
    """The attacker puts a code of its own, or a stolen one, in the answer to somebody else's sign-in."""
    browser, other = pages.browser(), pages.browser()
    own = idp.sign_in(begun(browser))
    stolen = parse_qs(urlsplit(idp.sign_in(begun(other))).query)["code"][0]
    code = parse_qs(urlsplit(own).query)["code"][0]

    assert refused(browser.get(own.replace(code, stolen)), browser)


def test_who_gives_up_is_not_signed_in(pages: Pages, idp: OpenIdProvider) -> None:
    browser = pages.browser()
    state = parse_qs(urlsplit(begun(browser)).query)["state"][0]

    answer = browser.get(f"/aanmelden/oidc/terug?error=access_denied&state={state}&iss={idp.issuer}")
    assert refused(answer, browser)


@pytest.mark.parametrize("kind", ["RSA", "EC"])
def test_a_provider_may_take_another_key(pages: Pages, idp: OpenIdProvider, kind: str) -> None:
    assert came_back(pages.browser(), idp).status == 303
    pages.later(minutes=2)
    idp.new_key(kind)

    assert came_back(pages.browser(), idp).status == 303


def test_a_suspended_account_stays_out(pages: Pages, idp: OpenIdProvider) -> None:
    idp.subject = "bob"
    browser = pages.browser()
    assert came_back(browser, idp).status == 303
    (number,) = [
        each.id for each in pages.database.read_now(lambda reader: reader.viewers.auditors()) if each.account == "bob"
    ]
    pages.database.write_now(lambda writer: writer.viewers.suspend_auditor(number, True))

    assert browser.get("/toezicht").status == 303
    again = pages.browser()
    assert refused(came_back(again, idp), again)
    assert [each.outcome for each in pages.records(transaction="sign-in", employee="bob")] == [SUCCESS, SERIOUS]


def test_the_way_on_stays_on_this_site(pages: Pages, idp: OpenIdProvider) -> None:
    browser = pages.browser()
    back = browser.get(idp.sign_in(begun(browser, "%2F%2Felders.example")))
    assert back.headers["Location"] == "/toezicht"

    browser = pages.browser()
    address = begun(browser)
    browser.cookies["__Host-xds-oidc"] = browser.cookies["__Host-xds-oidc"].split(".")[0] + ".https%3A%2F%2Felders"
    assert browser.get(idp.sign_in(address)).headers["Location"] == "/toezicht"


def test_a_provider_that_is_away_lets_nobody_in(pages: Pages, idp: OpenIdProvider) -> None:
    def broken(said: dict[str, Any]) -> str:
        raise RuntimeError

    idp.sign = broken
    browser = pages.browser()

    assert came_back(browser, idp).status == 503
    assert browser.get("/toezicht").status == 303


def test_a_public_client_signs_in_with_pkce_alone(tmp_path: Path) -> None:
    clock = Moved()
    with provider(tmp_path, clock) as idp:
        idp.secret = None
        idp.changed = {"acr": None, "amr": ["pwd", "mfa"]}
        with served(tmp_path, oidc_issuer=idp.issuer, oidc_client_id=CLIENT, oidc_ca=idp.ca) as pages:
            clock.pages = pages
            known = Auditor(0, "anna", "Anna", Role.AUDITOR, None, subject=f"{idp.issuer} anna")
            pages.database.write_now(lambda writer: writer.viewers.add_auditor(known))

            assert came_back(pages.browser(), idp).status == 303
            idp.changed = {"acr": None, "amr": ["pwd"]}
            assert came_back(pages.browser(), idp).status == 403
