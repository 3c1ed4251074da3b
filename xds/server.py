"""The composition root: opens what the actors need, mounts them on an HTTP server, and runs its processes.

May import: everything below cli. The only place where rooms meet that don't know each other.

Decisions
- Everything is opened in the worker that uses it, after the fork: connections and threads don't survive one. Only
  the sockets and the TLS context are made before.
- All objects of a start are frozen out of the garbage collector, whose pauses would otherwise grow with them.
- One worker also sweeps the document store.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import shutil
import signal
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import uvloop
from aiohttp import web
from aiohttp.typedefs import Handler

from xds.affinity import Reloading as ReloadingDomain
from xds.db import Database, open_database
from xds.errors import Issue, Misconfigured, XdsError
from xds.gate import Gate, open_gate
from xds.mllp.handle import handle
from xds.mllp.server import MllpServer
from xds.model.objects import Submission
from xds.ports import Staged
from xds.registry.iti8_patient_identity_feed import feed as add_patients
from xds.registry.iti8_patient_identity_feed import merge as merge_patient
from xds.registry.register import LocalRegistrar
from xds.registry.rules import check_submission
from xds.reloading import Reloading
from xds.settings import Settings, bracketed
from xds.soap import Limits, add_actor
from xds.soap.registrar import RemoteRegistrar
from xds.soap.wsdl import wsdl_handler
from xds.store.files import FileDocuments
from xds.store.sweep import sweep
from xds.transaction import Context, Registry, Repository, discover
from xds.web.accept import log_refusal
from xds.web.answers import Answers
from xds.web.door import Door
from xds.web.http import listen, name_server
from xds.web.logs import set_up_logs
from xds.web.metrics import Metrics
from xds.web.pages import Probe, add_pages, disk_probe
from xds.web.prefork import Supervisor, raise_descriptor_limit
from xds.web.tls import client_context, load_certificate, peer_certificate, server_context

DRAIN_SECONDS = 25.0
"""What a request may take to finish after a stop; some seconds are for closing the rest."""
_CLOSE_SECONDS = 1.0
_BACKLOG = 1024
_SWEEP_EVERY = 3600.0
_LEAST_FREE = 256 << 20
_COLLECT_AFTER = (20_000, 50, 100)
"""A request leaves hardly any cycles behind, so the collector need not look as often as is usual."""
_PATHS = {"registry": "/registry", "repository": "/repository"}

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parts:
    """What one worker has open."""

    database: Database
    documents: FileDocuments | None
    affinity_domain: ReloadingDomain
    registry: Registry | None
    repository: Repository | None
    gate: Gate


PARTS = web.AppKey("parts", Parts)
DOOR = web.AppKey("door", Door)


class CountedDocuments(FileDocuments):
    """The document store, with what is stored in it counted."""

    def __init__(self, root: Path, metrics: Metrics):
        super().__init__(root)
        self._metrics = metrics

    async def commit(self, staged: Sequence[Staged]) -> None:
        await super().commit(staged)
        self._metrics.count_stored(sum(document.size for document in staged))


def build_app(settings: Settings, *, slot: int = 0, metrics_folder: Path | None = None) -> web.Application:
    """Make the application of one worker, with everything open; its cleanup closes it all.

    Misconfigured or Unavailable when something can't be opened. `metrics_folder` is shared by all workers; None
    makes one for this worker alone. Slot 0 sweeps the document store.
    """
    app = web.Application()
    app.on_response_prepare.append(name_server)
    with contextlib.ExitStack() as opened:
        if metrics_folder is None:
            metrics_folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="xds-metrics-")))
        metrics = Metrics(metrics_folder, slot)
        answers = Answers(metrics)
        opened.callback(answers.flush)
        parts = _open(settings, metrics, opened)
        closing = opened.pop_all()
    app[PARTS] = parts

    async def close(app: web.Application) -> AsyncIterator[None]:
        beside = parts.gate.tasks(settings, first=slot == 0)
        if slot == 0 and parts.documents:
            beside.append(_sweep_on(settings, parts))
        running = [asyncio.create_task(each) for each in beside]
        yield
        for task in running:
            task.cancel()
        if slot == 0 and parts.gate.sealer is not None:
            with contextlib.suppress(XdsError):
                await parts.gate.sealer.seal()
        if parts.repository is not None and isinstance(parts.repository.registrar, RemoteRegistrar):
            await parts.repository.registrar.close()
        await asyncio.to_thread(closing.close)

    app.cleanup_ctx.append(close)
    app[DOOR] = Door(_mount(app, settings, parts, answers))
    add_pages(app, _probes(settings, parts), answers.render_metrics)
    return app


def serve(settings: Settings) -> int:
    """Run the server until SIGTERM or SIGINT and return the exit status.

    Misconfigured or Unavailable when it can't start. One worker runs in this process.
    """
    set_up_logs(settings.log.level, settings.log.format)
    raise_descriptor_limit()
    discovered = discover("xds.registry", "xds.repository")
    context = _server_context(settings)
    with contextlib.ExitStack() as bound:
        http = bound.enter_context(_listen("server", settings.server.host, settings.server.port))
        mllp = None
        if settings.mllp.enabled:
            mllp = bound.enter_context(_listen("mllp", settings.mllp.host, settings.mllp.port))
        _log.info("listening", url=settings.base_url, workers=settings.server.workers, transactions=len(discovered))
        gc.collect()
        gc.freeze()
        with _metrics_folder(settings) as metrics:
            worker = _Worker(settings, context, http, mllp, metrics)
            if settings.server.workers == 1:
                worker.run(0, None)
                return 0
            return Supervisor(settings.server.workers, worker.run, DRAIN_SECONDS, bound.close).supervise()


def endpoints(settings: Settings) -> list[dict[str, str]]:
    """Where each transaction is offered: its number, name, actor and URL."""
    actors = {"registry": settings.registry.enabled, "repository": settings.repository.enabled}
    offered = [
        {
            "transaction": transaction.number,
            "name": transaction.name,
            "actor": transaction.actor,
            "url": settings.base_url + _PATHS[transaction.actor],
        }
        for transaction in discover("xds.registry", "xds.repository")
        if actors[transaction.actor]
    ]
    if settings.mllp.enabled:
        scheme = "mllps" if settings.mllp_tls else "mllp"
        url = f"{scheme}://{bracketed(settings.mllp.host)}:{settings.mllp.port}"
        feed = {"transaction": "ITI-8", "name": "Patient Identity Feed", "actor": "registry", "url": url}
        offered.append(feed)
    return sorted(offered, key=lambda endpoint: int(endpoint["transaction"].removeprefix("ITI-")))


class _Worker:
    """One worker process, or the only one."""

    def __init__(
        self,
        settings: Settings,
        context: ssl.SSLContext | None,
        http: socket.socket,
        mllp: socket.socket | None,
        metrics_folder: Path,
    ):
        self._settings = settings
        self._context = context
        self._http = http
        self._mllp = mllp
        self._metrics_folder = metrics_folder

    def run(self, slot: int, alive: int | None) -> None:
        """Serve until a signal says to stop, or the descriptor `alive` reads as ended."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve(slot, alive))

    async def _serve(self, slot: int, alive: int | None) -> None:
        parts: Parts | None = None

        def reload() -> None:
            if parts is not None:
                self._reload(parts)

        # Before any file is read, so that what changes from now on is seen; it is called when all has been opened.
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
        app = build_app(self._settings, slot=slot, metrics_folder=self._metrics_folder)
        parts = app[PARTS]
        stop = self._listen_to_signals(alive)
        runner = web.AppRunner(app, shutdown_timeout=_CLOSE_SECONDS)
        await runner.setup()
        assert runner.server is not None
        app[DOOR].open(runner.server)
        feed = self._identity_feed(parts)
        try:
            listening = await listen(runner.server, self._http, self._context, _BACKLOG, log_refusal)
            if feed is not None:
                await feed.start()
            gc.collect()
            gc.freeze()
            gc.set_threshold(*_COLLECT_AFTER)
            _log.info("ready", worker=slot)
            await stop.wait()
            _log.info("stopping", worker=slot)
            listening.close()
            in_time = asyncio.create_task(app[DOOR].finish(DRAIN_SECONDS))
            if feed is not None:
                await feed.stop(DRAIN_SECONDS)
            if not await in_time:
                _log.warning("requests were broken off", worker=slot)
        finally:
            await runner.cleanup()
        _log.info("stopped", worker=slot)

    def _listen_to_signals(self, alive: int | None) -> asyncio.Event:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        if alive is not None:
            loop.add_reader(alive, lambda: (loop.remove_reader(alive), stop.set()))
        return stop

    def _reload(self, parts: Parts) -> None:
        for each in (parts.affinity_domain, *parts.gate.reloadable.values()):
            each.reload()
        tls = self._settings.tls
        if self._context is not None and tls.certificate is not None and tls.key is not None:
            try:
                load_certificate(self._context, tls.certificate, tls.key)
            except Misconfigured as error:
                _log.error("the certificate was not reloaded, the one read before stays", reason=str(error))
            else:
                _log.info("the certificate was reloaded")

    def _identity_feed(self, parts: Parts) -> MllpServer | None:
        registry, domain = parts.registry, parts.affinity_domain
        if self._mllp is None or registry is None:
            return None

        async def answer(message: bytes) -> bytes:
            return await handle(message, domain(), partial(add_patients, registry), partial(merge_patient, registry))

        tls = self._context if self._settings.mllp_tls else None
        admits = parts.gate.authenticator.admits
        return MllpServer(answer, self._mllp, tls, admit=lambda transport: admits(peer_certificate(transport)))


def _open(settings: Settings, metrics: Metrics, opened: contextlib.ExitStack) -> Parts:
    database = open_database(settings.database.url)
    opened.callback(database.close)
    home = settings.server.home_community_id
    domain = ReloadingDomain(settings.registry.affinity_domain)
    registry = repository = documents = None
    if settings.registry.enabled:
        registry = Registry(database, domain, lambda: datetime.now(UTC), home, settings.registry.max_results)
    if settings.repository.enabled:
        documents = CountedDocuments(settings.repository.documents, metrics)
        opened.callback(documents.close)
        registrar = LocalRegistrar(registry) if registry is not None else _remote_registrar(settings, database, domain)
        unique_id = settings.repository.unique_id or ""
        repository = Repository(database, documents, registrar, unique_id, home)
    return Parts(database, documents, domain, registry, repository, open_gate(settings, database))


def _remote_registrar(settings: Settings, database: Database, domain: ReloadingDomain) -> RemoteRegistrar:
    repository = settings.repository
    url = repository.registry_url or ""
    context = None
    if url.startswith("https:"):
        context = client_context(repository.registry_ca, repository.registry_certificate, repository.registry_key)

    def check(submission: Submission) -> list[Issue]:
        return check_submission(submission, domain(), datetime.now(UTC).date(), at_registry=False)

    return RemoteRegistrar(url, context, database, check)


def _mount(app: web.Application, settings: Settings, parts: Parts, answers: Answers) -> dict[str, Handler]:
    """Offer the transactions of the actors; what answers at each path."""
    transactions = discover("xds.registry", "xds.repository")
    limits = Limits(
        settings.limits.max_envelope_bytes,
        settings.repository.max_document_bytes,
        settings.limits.max_parts,
        settings.limits.request_seconds,
    )

    def context(**known: Any) -> Context:
        return Context(registry=parts.registry, repository=parts.repository, access=parts.gate.access, **known)

    posts: dict[str, Handler] = {}
    for actor, path in _PATHS.items():
        if getattr(parts, actor) is not None:
            posts[path] = add_actor(
                app,
                path,
                [transaction for transaction in transactions if transaction.actor == actor],
                context_factory=context,
                documents=parts.documents if actor == "repository" else None,
                limits=limits,
                observe=answers.note,
                trust=parts.gate.trust,
            )
            app.router.add_get(path, wsdl_handler(actor, settings.server.base_url))
    return posts


def _probes(settings: Settings, parts: Parts) -> dict[str, Probe]:
    async def database() -> str | None:
        await parts.database.check()
        return None

    async def error_of(reloading: Reloading[Any]) -> str | None:
        return reloading.error

    reloadable = {"affinity_domain": parts.affinity_domain, **parts.gate.reloadable}
    probes: dict[str, Probe] = {"database": database}
    probes |= {name: partial(error_of, reloading) for name, reloading in reloadable.items()}
    if parts.documents is not None:
        probes["disk"] = disk_probe(settings.repository.documents, _LEAST_FREE)
    return probes


async def _sweep_on(settings: Settings, parts: Parts) -> None:
    while True:
        await asyncio.sleep(_SWEEP_EVERY)
        try:
            swept = await sweep(settings.repository.documents, parts.database.holdings_after)
            _log.info("swept", orphans=swept.orphans, leftovers=swept.leftovers, bytes=swept.size)
        except XdsError as error:
            _log.error("sweeping failed", reason=str(error))
        except Exception:
            _log.exception("sweeping failed")


def _server_context(settings: Settings) -> ssl.SSLContext | None:
    tls = settings.tls
    if tls.certificate is None or tls.key is None:
        return None
    return server_context(tls.certificate, tls.key, tls.client_ca)


def _listen(section: str, host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        problem = f"can't listen on {host}:{port}: {error.strerror}"
        raise Misconfigured(f"{section}.host, {section}.port: {problem}") from None


@contextlib.contextmanager
def _metrics_folder(settings: Settings) -> Iterator[Path]:
    """A new folder, named so that the next start at this address removes what a killed server left."""
    name = f"xds-metrics-{os.getuid()}-{settings.server.host}-{settings.server.port}"
    folder = Path(tempfile.gettempdir(), name)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise Misconfigured(f"the folder for metrics {folder} can't be made: {error.strerror}") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
