"""A real browser at the pages, and a log with something to see: two organisations, an emergency, a row of refusals."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest
from consent_samples import POLICY_FILE
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pages_kit import Browser, Pages, served
from samples import PATIENT

from xds.atna.keys import read_signer
from xds.atna.seal import Sealer
from xds.model.audit import MINOR, SUCCESS, Access, Document, Event
from xds.model.coded import Coded
from xds.model.consent import PolicyText
from xds.model.hl7 import CX, parse_cx
from xds.model.party import NormStatus, Organisation, Participant, Person, Requester
from xds.model.verdict import Checks, Grounds, Verdict

T = TypeVar("T")

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 320, "height": 640}
PRACTICE = Organisation("00001234", "Verloskundigenpraktijk De Kom", "V4")
HOSPITAL = Organisation("00010990", "Ziekenhuis De Uiver", "V6")
SOFIE, MARIA = parse_cx(PATIENT), CX("999900006", "2.16.840.1.113883.2.4.6.3")
HOSTILE = '"><img src=x onerror="document.title=1"><script>document.title=2</script>'
_GIVEN = Verdict(True, "consent", "12", "De cliënt heeft toestemming gegeven.", Checks(True, True, True),
                 Grounds("matrix 3", "sender:7", "consent 12"))  # fmt: skip
_UNRELATED = Verdict(False, "treatment-relation", "matrix 3", "Geen behandelrelatie.", Checks(True, False))
_BROKEN = Verdict(True, "emergency", "matrix 3", "Noodknop: bewusteloos.", Checks(True, False, None, True))
_ROLE = Coded("01.041", "2.16.840.1.113883.2.4.15.111", "Verloskundige")
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
          "--disable-component-update", "--disable-sync")  # fmt: skip


def chromium_here() -> str:
    """Path of a Chromium that runs; the test is skipped where there is none."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    if subprocess.run([found, "--version"], capture_output=True, timeout=60, check=False).returncode:
        pytest.skip("the Chromium that is installed here does not run")
    return found


@contextmanager
def started(sync_playwright: Any, certificate: Path) -> Iterator[Any]:
    """A browser with a profile of its own, which trusts one certificate that no authority made."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    spki = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    trusting = f"--ignore-certificate-errors-spki-list={b64encode(spki).decode()}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_here(), args=[*_FLAGS, trusting])
        yield browser
        browser.close()


def apart(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns, in a loop of its own: the browser has one running in this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


class Tab:
    """One tab of a browser, which notes what goes wrong in it, and what it asks of others than the pages and the
    `provider` at which one signs in.
    """

    def __init__(
        self, chromium: Any, pages: Pages, signed_in: Browser | None = None, provider: str = "", **options: Any
    ):
        self._pages = pages
        self._known = (f"{pages.url}/", *((provider,) if provider else ()))
        self.wrong: list[str] = []
        self._context = chromium.new_context(**{"viewport": WIDE, **options})
        self._context.set_default_timeout(20_000)
        for name, value in ({} if signed_in is None else signed_in.cookies).items():
            cookie = {"name": name, "value": value, "url": pages.url, "secure": True, "httpOnly": True}
            self._context.add_cookies([cookie])
        self._context.on("request", self._asked)
        self.page = self._context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._context.close()

    def open(self, path: str) -> int:
        """Go there; the status."""
        return int(self.page.goto(self._pages.url + path).status)

    @property
    def path(self) -> str:
        return str(self.page.url).removeprefix(self._pages.url)

    def tab_to(self, selector: str, presses: int = 80) -> None:
        """Go to a control with the Tab key alone."""
        for _ in range(presses):
            if self.page.locator(f"{selector}:focus").count():
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} is not reached by {presses} times Tab")

    def focused(self) -> str:
        return str(self.page.evaluate("document.activeElement.textContent")).strip()

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(self._known):
            self.wrong.append(f"asked of another origin: {request.url}")

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(message.text)


def _by(organisation: Organisation, number: str, name: str, emergency: str | None = None) -> Requester:
    system = Participant(1, organisation, "ab" * 32, ("2.999.7",), date(2026, 1, 1))
    person = Person(number, "2.16.528.1.1007.3.1", name, _ROLE)
    purpose = Coded("BTG" if emergency else "TREAT", "2.16.840.1.113883.5.8")
    return Requester(system, person, organisation, purpose, 4, "urn:issuer", f"_{number}", emergency=emergency)


def _happened(
    number: int, at: datetime, by: Requester, client: CX, verdict: Verdict = _GIVEN, holders: tuple[str, ...] = ()
) -> Event:
    document = Document("1.2.3", "urn:uuid:00000000-0000-4000-8000-000000000001", "2.999.5", "N")
    accesses = (Access(client, verdict, (document,) if verdict.permitted else (), holders),)
    outcome = SUCCESS if verdict.permitted else MINOR
    return Event(f"event-{number}", "ITI-18", at, outcome, by, address="192.0.2.7", accesses=accesses)


def events(now: datetime) -> Iterator[Event]:
    """What 3 employees did in the 20 days before `now`: 60 records, and 14 of a night, of which 12 were
    refused and one was about a document of the practice.
    """
    jansen = _by(PRACTICE, "123456789", "J. Jansen")
    bakker, haast = (_by(HOSPITAL, "900000001", "B. Bakker"), _by(HOSPITAL, "900000002", "E. Haast", "Bewusteloos"))
    midnight = datetime.combine(now.date(), time(), UTC)
    for number in range(60):
        at = midnight - timedelta(days=20 - number // 3) + timedelta(hours=9 + number % 3)
        yield _happened(number, at, jansen, SOFIE)
    night = midnight - timedelta(days=1) + timedelta(hours=1)
    for number in range(12):
        yield _happened(60 + number, night + timedelta(minutes=number), bakker, MARIA, _UNRELATED)
    yield _happened(72, night + timedelta(minutes=20), bakker, MARIA, holders=(PRACTICE.ura,))
    yield _happened(73, night + timedelta(minutes=30), haast, SOFIE, _BROKEN)


@contextmanager
def lively(folder: Path) -> Iterator[Pages]:
    """The pages, with those events in a sealed log, two participants and one who gave a hostile name."""
    with served(folder) as pages:
        since, until = date(2026, 3, 1), pages.now + timedelta(days=20)
        hostile, norms = (Organisation("00000666", HOSTILE, "V6"), NormStatus(date(2025, 1, 2)))
        for mark, each in (("ab", PRACTICE), ("cd", hostile)):
            pages.database.write_now(
                lambda writer, each=each, mark=mark: writer.add_participant(each, mark * 32, (), since, norms, until)
            )
        rules = PolicyText(pages.now - timedelta(days=400), POLICY_FILE.read_bytes())
        pages.database.write_now(lambda writer: writer.consents.put_in_force(rules))
        pages.database.write_now(lambda writer: writer.add_patient(PATIENT))
        pages.record(*events(pages.now))
        pages.database.write_now(lambda writer: writer.log.index(1000))
        signer = read_signer(pages.settings.audit.signing_key, pages.settings.audit_origin)
        apart(Sealer(pages.database, lambda: signer, (), pages.clock).seal())
        yield pages
