"""The server: its sockets, its processes, and the signals that they get.

May import: everything below cli.

Decisions
- Everything is opened in the worker that uses it, after the fork: connections and threads don't survive one. Only
  the sockets and the TLS context are made before.
- All objects of a start are frozen out of the garbage collector, whose pauses would otherwise grow with them.
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
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog
import uvloop
from aiohttp import web

from xds.application import DOOR, PARTS, PATHS, Parts, build_app
from xds.errors import Misconfigured
from xds.gate.identity_feed import identity_feed
from xds.mllp.server import MllpServer
from xds.settings import Settings, bracketed
from xds.transaction import discover
from xds.web.accept import TlsListener
from xds.web.http import listen
from xds.web.logs import set_up_logs
from xds.web.prefork import Supervisor, raise_descriptor_limit
from xds.web.share import Shares, alone
from xds.web.tls import load_certificate, server_context

DRAIN_SECONDS = 25.0
"""What a request may take to finish after a stop; some seconds are for closing the rest."""
_CLOSE_SECONDS = 1.0
_BACKLOG = 1024
_COLLECT_AFTER = (20_000, 50, 100)
"""A request leaves hardly any cycles behind, so the collector need not look as often as is usual."""

_log = structlog.get_logger()


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
            "url": settings.base_url + PATHS[transaction.actor],
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
        self._shares = Shares(settings.server.workers)
        self._recording: asyncio.Task[None] | None = None

    def run(self, slot: int, alive: int | None) -> None:
        """Serve until a signal says to stop, or the descriptor `alive` reads as ended."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve(slot, alive))

    async def _serve(self, slot: int, alive: int | None) -> None:
        parts: Parts | None = None

        def reload() -> None:
            if parts is not None:
                self._reload(parts, slot)

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
            refused, share = parts.gate.note_refused, self._shares.of(slot)
            listening = await listen(runner.server, self._http, self._context, _BACKLOG, refused, share)
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

    def _reload(self, parts: Parts, slot: int) -> None:
        reloadable = (parts.affinity_domain, *parts.gate.reloadable.values())
        for each in reloadable:
            each.reload()
        errors = [each.error for each in reloadable if each.error is not None]
        tls = self._settings.tls
        if self._context is not None and tls.certificate is not None and tls.key is not None:
            try:
                load_certificate(self._context, tls.certificate, tls.key)
            except Misconfigured as error:
                _log.error("the certificate was not reloaded, the one read before stays", reason=str(error))
                errors.append(str(error))
            else:
                _log.info("the certificate was reloaded")
        if slot == 0 and parts.gate.events is not None:
            self._recording = asyncio.create_task(parts.gate.events.reloaded(errors))

    def _identity_feed(self, parts: Parts) -> MllpServer | None:
        registry, domain = parts.registry, parts.affinity_domain
        if self._mllp is None or registry is None:
            return None

        answer = identity_feed(registry, domain, parts.gate.authenticator, parts.gate.trust.log)
        context = self._context if self._settings.mllp_tls else None
        if context is None:
            return MllpServer(answer, self._mllp)
        refused = parts.gate.note_refused

        def listen_tls(sock: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> TlsListener:
            return TlsListener(sock, context, protocol, refused, alone())

        return MllpServer(answer, self._mllp, listen_tls)


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
