"""The pages, running over TLS on loopback in a thread of the test's own, and a browser that signs in to them."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import re
import secrets
import socket
import sqlite3
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import trustme
from consent_samples import POLICY_FILE
from samples import PATIENT

from xds.atna.keys import make_keys, read_index_key
from xds.audit.record import decode
from xds.db import Database, open_database
from xds.gate.recording import recorder_of
from xds.model.audit import Event, LogSelection, Record
from xds.model.party import NormStatus, Organisation
from xds.model.viewer import Auditor, Relation, Role, Session, Visit
from xds.pages.access.sessions import COOKIE
from xds.pages.access.totp import code_at, encrypted, new_secret
from xds.pages_server import running
from xds.settings import AuditSettings, ConsentSettings, DatabaseSettings, PagesSettings, Settings, TlsSettings

Form = dict[str, str]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


class Pages:
    """The running pages, with their database and a clock that a test moves. Auditors are added by `auditor`."""

    def __init__(self, folder: Path, url: str | None = None, **settings: Any):
        self.folder = folder
        self.authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self._write("ca.pem", self.authority.cert_pem.bytes())
        self.certificate("server", "127.0.0.1")
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.url = settings.get("base_url") or f"https://127.0.0.1:{self.port}"
        keys = AuditSettings(index_key=folder / "index-key", signing_key=folder / "signing-key.pem")
        make_keys(keys.index_key, keys.signing_key)
        self.settings = Settings(
            tls=TlsSettings(certificate=folder / "server.pem", key=folder / "server-key.pem"),
            database=DatabaseSettings(url=url or f"sqlite:///{folder}/pages.db"),
            audit=keys,
            consent=ConsentSettings(policy=POLICY_FILE),
            pages=PagesSettings(port=self.port, client_ca=folder / "ca.pem", **settings),
        )
        self.database: Database = open_database(self.settings.database.url, create=True)
        self.recorder = recorder_of(self.settings)
        self.now = datetime.now(UTC).replace(microsecond=0)
        self._secrets: dict[str, bytes] = {}
        self._portal: int | None = None

    def clock(self) -> datetime:
        return self.now

    def later(self, **by: float) -> None:
        """Move the clock of the pages."""
        self.now += timedelta(**by)

    def certificate(self, name: str, *identities: str) -> str:
        """Make NAME.pem and NAME-key.pem; the SHA-256 of the certificate."""
        made = self.authority.issue_cert(*(identities or (f"{name}.example",)), key_type=trustme.KeyType.ECDSA)
        self._write(f"{name}.pem", b"".join(blob.bytes() for blob in made.cert_chain_pems))
        self._write(f"{name}-key.pem", made.private_key_pem.bytes())
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(made.cert_chain_pems[0].bytes().decode())).hexdigest()

    def auditor(self, account: str, role: Role = Role.PRIVACY_OFFICER, organisation: str | None = None) -> Auditor:
        """Register an auditor, with a certificate and a second factor."""
        secret = self._secrets[account] = new_secret()
        kept = encrypted(secret, read_index_key(self.settings.audit.index_key))
        new = Auditor(0, account, f"Naam van {account}", role, organisation, self.certificate(account), None, kept)
        self.database.write_now(lambda writer: writer.viewers.add_auditor(new))
        return new

    def code(self, account: str) -> str:
        """What the authenticator app of an auditor shows now."""
        return code_at(self._secrets[account], self.now)

    def browser(self, account: str | None = None) -> Browser:
        """A new browser; with the certificate of an account, if one is given."""
        return Browser(self, account)

    def signed_in(self, account: str, role: Role = Role.PRIVACY_OFFICER, organisation: str | None = None) -> Browser:
        """A browser in which a new auditor signed in. The clock moves, so that the next code is another."""
        self.auditor(account, role, organisation)
        browser = self.browser(account)
        answer = browser.sign_in()
        assert answer.status == 303, answer.text
        self.later(seconds=30)
        return browser

    def visiting(self, patient: str = PATIENT, relation: Relation = Relation.CLIENT) -> Browser:
        """A browser in which a client is signed in, as the portal of `portal` sent her."""
        if self._portal is None:
            organisation = Organisation("00010990", "Ziekenhuis De Uiver", "V6")
            since, known_by = self.now.date(), self.certificate("portal")
            self._portal = self.database.write_now(
                lambda writer: writer.add_participant(organisation, known_by, (), since, NormStatus())
            )
        actor = self.recorder.patient(patient)
        visit = Visit(patient, relation, actor, self._portal, "00010990", "Ziekenhuis De Uiver")
        return self._in_session(Session(0, None, 3, self.now, self.now, self.now + timedelta(hours=8), visit=visit))

    def signed_in_elsewhere(self, account: str, role: Role, organisation: str | None = None) -> Browser:
        """A browser in which a new auditor signed in at an OpenID provider, so that it needs no certificate."""
        self.auditor(account, role, organisation)
        known = self.database.read_now(lambda reader: reader.viewers.auditors())
        (auditor,) = [each for each in known if each.account == account]
        return self._in_session(Session(0, None, 3, self.now, self.now, self.now + timedelta(hours=8), auditor))

    def _in_session(self, session: Session) -> Browser:
        browser, value = self.browser(), secrets.token_urlsafe()
        token = hashlib.sha256(value.encode()).digest()
        self.database.write_now(lambda writer: writer.viewers.begin_session(token, session))
        browser.cookies[COOKIE] = value
        return browser

    def record(self, *events: Event) -> None:
        """Put what happened in the log."""
        entries = [entry for event in events for entry in self.recorder.entries(event)]
        self.database.write_now(lambda writer: writer.record(entries))

    def records(self, **asked: Any) -> list[Record]:
        """What the log has, oldest first, of the fields of LogSelection that are given."""
        selection = LogSelection(**asked)
        lines = self.database.read_now(lambda reader: reader.log.find(selection, 0, 10_000))
        return [decode(line.payload) for line in lines if line.payload is not None]

    @contextmanager
    def out_of_order(self) -> Iterator[None]:
        """Have a log that takes no record, because its table is gone."""
        database = sqlite3.connect(self.folder / "pages.db", isolation_level=None)
        database.execute("ALTER TABLE log_record RENAME TO log_record_away")
        try:
            yield
        finally:
            database.execute("ALTER TABLE log_record_away RENAME TO log_record")
            database.close()

    def _write(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)


class Browser:
    """Keeps cookies as a browser does, and sends forms with the token of the page that they are on."""

    def __init__(self, pages: Pages, account: str | None):
        self._pages = pages
        self.account = account
        self.cookies: dict[str, str] = {}
        self._context = ssl.create_default_context(cafile=pages.folder / "ca.pem")
        if account is not None:
            self._context.load_cert_chain(pages.folder / f"{account}.pem", pages.folder / f"{account}-key.pem")
        self.token = ""

    def get(self, path: str, **headers: str) -> Answer:
        return self._send("GET", path, None, headers)

    def post(self, path: str, form: Form | None = None, **headers: str) -> Answer:
        """Send a form, with the token of the last page, from a page of the site unless `Origin` is given."""
        fields = {"formulier": self.token, **(form or {})}
        sent = {"Origin": self._pages.url, "Content-Type": "application/x-www-form-urlencoded", **headers}
        return self._send("POST", path, urlencode(fields), sent)

    def sign_in(self, code: str | None = None, onward: str = "/toezicht") -> Answer:
        """Show the certificate and give the code of now."""
        assert self.account is not None
        return self.post("/aanmelden", {"code": code or self._pages.code(self.account), "verder": onward})

    def _send(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPSConnection("127.0.0.1", self._pages.port, context=self._context, timeout=20)
        headers = {"Host": self._pages.url.removeprefix("https://"), **headers}
        try:
            if self.cookies:
                headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
            connection.request(method, path, body, headers)
            got = connection.getresponse()
            answer = Answer(got.status, dict(got.getheaders()), got.read())
            self._keep(got.headers.get_all("Set-Cookie") or [])
        finally:
            connection.close()
        found = re.search(rb'name="formulier" value="([0-9a-f]+)"', answer.body)
        self.token = found.group(1).decode() if found else self.token
        return answer

    def _keep(self, given: list[str]) -> None:
        for text in given:
            for name, morsel in SimpleCookie(text).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value


@contextmanager
def served(folder: Path, url: str | None = None, **settings: Any) -> Iterator[Pages]:
    """The pages, for as long as the context lasts; `settings` are those of [pages]."""
    pages = Pages(folder, url, **settings)
    started = threading.Event()
    failed: list[BaseException] = []
    stop: list[Callable[[], object]] = []

    async def serve() -> None:
        until = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(until.set))
        async with running(pages.settings, pages.socket, pages.clock):
            started.set()
            await until.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            failed.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(20)
    if failed:
        raise failed[0]
    try:
        yield pages
    finally:
        stop[0]()
        thread.join(20)
        pages.database.close()
