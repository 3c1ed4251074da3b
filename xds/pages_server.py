"""The composition root of the pages: a process of their own on the same database.

May import: everything below cli. Browsers never meet the port of the transactions, and a long search in the log keeps
nobody from documents.

Decisions
- Reading runs in threads, also on SQLite, because a search of the log may take long.
- The log's key is read when an export is signed, and let go of. Both processes have one configuration and one account,
  so a signature that is asked of the server would guard nothing that this one can't read; what guards against who has
  the key are the anchors.
- There is no way to run the pages without TLS, not even on this machine: a browser keeps no session without.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import structlog
import uvloop
from aiohttp import web
from cryptography import x509

from xds.atna.keys import read_index_key, read_signer
from xds.atna.syslog import FEED
from xds.audit.checkpoint import Signer
from xds.audit.hint_rules import HintRules, read_hint_rules
from xds.consent import Policy, load_policy
from xds.db import Database, open_database
from xds.errors import Misconfigured, Unavailable
from xds.gate.opening import log_of, watch_of
from xds.gate.recording import recorder_of
from xds.gate.server_events import RefusedConnections, ServerEvents
from xds.identity.codes import ASSURANCE
from xds.model.audit import Event
from xds.pages import auditor, client, public
from xds.pages.access.launch import ClientLaunch
from xds.pages.access.launch_token import Expected
from xds.pages.access.oidc import OidcSignIn
from xds.pages.access.oidc_provider import Client, Provider
from xds.pages.access.sessions import Sessions
from xds.pages.access.sign_in import CertificateSignIn
from xds.pages.ask import Certificate, Sources, Store
from xds.pages.assets import Assets
from xds.pages.site import Site
from xds.ports import Log, Reader, Writer
from xds.reloading import Reloading
from xds.settings import Settings
from xds.web.http import listen, name_server, peer_of
from xds.web.logs import set_up_logs
from xds.web.tls import client_context, load_certificate, server_context

T = TypeVar("T")
Clock = Callable[[], datetime]

_THREADS = 4
_BACKLOG = 256
_DRAIN_SECONDS = 10.0
_WATCH_EVERY = timedelta(seconds=10)
_log = structlog.get_logger()
REFUSED = web.AppKey("refused", RefusedConnections)
EVENTS = web.AppKey("events", ServerEvents)
RELOADABLE = web.AppKey("reloadable", tuple[Reloading[Any], ...])


def _now() -> datetime:
    return datetime.now(UTC)


class ThreadedIndex:
    """The port `Index`, whose every read is in a thread."""

    def __init__(self, database: Database):
        self._database = database
        self._threads = ThreadPoolExecutor(_THREADS, "xds-pages")

    async def read(self, question: Callable[[Reader], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._database.read_now, question)

    async def write(self, change: Callable[[Writer], T]) -> T:
        return await self._database.write(change)

    def close(self) -> None:
        self._threads.shutdown()


class AppendingTrail:
    """The port `Trail`, which takes nothing while no data may be given."""

    def __init__(self, log: Log):
        self._log = log

    async def append(self, event: Event) -> None:
        if not self._log.may_give():
            raise Unavailable("the log has had no anchor for too long")
        await self._log.append(event)


class ThisMachine:
    """The port `Machine`, from the settings and the files that they name."""

    def __init__(self, settings: Settings, database: Database):
        self._settings = settings
        self._database = database
        self.feed = None if settings.audit.syslog_host is None else FEED

    def certificates(self) -> list[Certificate]:
        settings = self._settings
        files = {
            "Deze server": settings.tls.certificate,
            "Autoriteit van de aangesloten systemen": settings.tls.client_ca,
            "Autoriteit van de auditors": settings.pages.client_ca,
            "Naar het register": settings.repository.registry_certificate,
            "Naar Mitz": settings.mitz.certificate,
            "Naar de bewaarplaats van de logging": settings.audit.peer_certificate,
        }
        return [Certificate(use, _expiry(file)) for use, file in files.items() if file is not None]

    def stores(self) -> list[Store]:
        found = [Store("Database", self._database.size(), None)]
        if self._settings.repository.enabled:
            try:
                disk = shutil.disk_usage(self._settings.repository.documents)
                found.append(Store("Schijf met documenten", disk.used, disk.free))
            except OSError:
                found.append(Store("Schijf met documenten, die niet te bereiken is", 0, 0))
        return found


def build_site(settings: Settings, clock: Clock = _now) -> web.Application:
    """Make the application of the pages with everything open; its cleanup closes it all."""
    with contextlib.ExitStack() as opened:
        database = open_database(settings.database.url)
        opened.callback(database.close)
        index = ThreadedIndex(database)
        opened.callback(index.close)
        watch = watch_of(settings, database)
        log = log_of(settings, database, watch)
        refused, provider = RefusedConnections(log), _provider(settings)
        machine, recorder = ThisMachine(settings, database), recorder_of(settings)
        trail, rules, policy = AppendingTrail(log), _rules(settings), _policy(settings)
        sources = Sources(
            index, trail, log.entries, recorder.patient, recorder.surname, clock, machine, refused.note, rules,
            _signer(settings), policy,
        )  # fmt: skip
        site = _site(settings, sources, provider)
        closing = opened.pop_all()
    app = site.app
    app[REFUSED] = refused
    app[RELOADABLE] = (rules, policy)
    app[EVENTS] = ServerEvents(settings, settings.pages_url, database, log)
    app.on_response_prepare.append(name_server)

    async def close(app: web.Application) -> AsyncIterator[None]:
        await watch.look()
        beside = [asyncio.create_task(each) for each in (watch.run(_WATCH_EVERY), refused.run())]
        yield
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await refused.flush()
        if provider is not None:
            await provider.close()
        await asyncio.to_thread(closing.close)

    app.cleanup_ctx.append(close)
    return app


def serve_pages(settings: Settings) -> int:
    """Run the pages until SIGTERM or SIGINT and return the exit status. Misconfigured when they can't start."""
    set_up_logs(settings.log.level, settings.log.format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))
    return 0


@contextlib.asynccontextmanager
async def running(settings: Settings, sock: socket.socket, clock: Clock = _now) -> AsyncIterator[None]:
    """Serve the pages on a bound socket for as long as the context lasts."""
    async with _listening(_context(settings), sock, build_site(settings, clock)):
        yield


@contextlib.asynccontextmanager
async def _listening(context: ssl.SSLContext, sock: socket.socket, app: web.Application) -> AsyncIterator[None]:
    runner = web.AppRunner(app, shutdown_timeout=_DRAIN_SECONDS)
    await runner.setup()
    assert runner.server is not None
    try:
        listening = await listen(runner.server, sock, context, _BACKLOG, app[REFUSED].note_handshake)
        yield
        listening.close()
    finally:
        await runner.cleanup()


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app, context = build_site(settings), _context(settings)
    recording: set[asyncio.Task[None]] = set()

    def reload() -> None:
        recording.add(asyncio.create_task(app[EVENTS].reloaded(_reload(settings, context, app[RELOADABLE]))))

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)

    async def record_start(app: web.Application) -> None:
        await app[EVENTS].started(first=True)

    async def record_stop(app: web.Application) -> None:
        await asyncio.gather(*recording)
        await app[EVENTS].stopped()

    app.on_startup.append(record_start)
    app.on_shutdown.append(record_stop)
    async with _listening(context, _bound(settings.pages.host, settings.pages.port), app):
        _log.info("ready", url=settings.pages_url)
        await stop.wait()
        _log.info("stopping")


def _context(settings: Settings) -> ssl.SSLContext:
    tls = settings.tls
    if tls.certificate is None or tls.key is None:
        raise Misconfigured("tls.certificate, tls.key: the pages need both")
    return server_context(tls.certificate, tls.key, settings.pages.client_ca, certificate_needed=False)


def _reload(settings: Settings, context: ssl.SSLContext, reloadable: Iterable[Reloading[Any]]) -> list[str]:
    """Go by what is in the files now: of the certificate, the policy and the bounds of hints; what is wrong in them."""
    errors = []
    for each in reloadable:
        each.reload()
        errors += [] if each.error is None else [each.error]
    assert settings.tls.certificate is not None and settings.tls.key is not None
    try:
        load_certificate(context, settings.tls.certificate, settings.tls.key)
    except Misconfigured as error:
        _log.error("the certificate was not reloaded, the one read before stays", reason=str(error))
        errors.append(str(error))
    else:
        _log.info("the certificate was reloaded")
    return errors


def _rules(settings: Settings) -> Reloading[HintRules]:
    return Reloading("the file of hints", lambda: read_hint_rules(settings.pages.hints))


def _signer(settings: Settings) -> Callable[[], Signer]:
    def signer() -> Signer:
        try:
            return read_signer(settings.audit.signing_key, settings.audit_origin)
        except Misconfigured as error:
            raise Unavailable(str(error)) from None

    return signer


def _policy(settings: Settings) -> Reloading[Policy | None]:
    policy = settings.consent.policy
    return Reloading("the policy", lambda: None if policy is None else load_policy(policy))


def _site(settings: Settings, sources: Sources, provider: Provider | None) -> Site:
    pages = settings.pages
    sessions = Sessions(sources, timedelta(minutes=pages.idle_minutes), timedelta(hours=pages.session_hours))
    assets = Assets(b"" if pages.theme is None else _read("theme", pages.theme))
    contact = {"name": pages.contact, "email": pages.contact_email, "phone": pages.contact_phone}
    everywhere = {
        "asset": assets.url,
        "site_title": pages.title,
        "with_provider": provider is not None,
        "with_mitz": settings.consent.source == "mitz",
        "contact": contact,
    }
    site = Site(sources, sessions, settings.pages_url, peer_of, everywhere)
    assets.add_to(site.app)
    CertificateSignIn(site, read_index_key(settings.audit.index_key))
    ClientLaunch(site, Expected(settings.pages_url, ASSURANCE, settings.identity.least_assurance))
    if provider is not None:
        OidcSignIn(site, provider)
    auditor.add_pages(site, pages.export_alone)
    for part in (client, public):
        part.add_pages(site)
    return site


def _provider(settings: Settings) -> Provider | None:
    pages = settings.pages
    if pages.oidc_issuer is None or pages.oidc_client_id is None:
        return None
    secret = None if pages.oidc_secret is None else _read("oidc_secret", pages.oidc_secret).decode().strip()
    known = Client(pages.oidc_issuer, pages.oidc_client_id, secret, frozenset(pages.oidc_acr))
    return Provider(known, client_context(pages.oidc_ca, None, None))


def _expiry(file: Path) -> datetime:
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())[0].not_valid_after_utc
    except (OSError, ValueError):
        raise Unavailable(f"the certificate {file} can't be read") from None


def _read(key: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"pages.{key}: {path} can't be read: {error.strerror}") from None


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        raise Misconfigured(f"pages.host, pages.port: can't listen on {host}:{port}: {error.strerror}") from None
