"""The composition root: opens what the actors need, and mounts them on an HTTP application.

May import: everything below server. The only place, with gate, where rooms meet that don't know each other.

Decisions
- The first worker also sweeps the document store; of all servers on one database one seals and feeds the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import tempfile
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from xds.affinity import Reloading as ReloadingDomain
from xds.atna.keeper import keep
from xds.db import Database, open_database
from xds.errors import Issue
from xds.gate.consent_api import mount_consent_api
from xds.gate.opening import Gate, open_gate
from xds.model.objects import Submission
from xds.ports import Staged
from xds.registry.register import LocalRegistrar
from xds.registry.rules import check_submission
from xds.reloading import Reloading
from xds.settings import Settings
from xds.soap import Limits, add_actor
from xds.soap.registrar import RemoteRegistry
from xds.soap.wsdl import wsdl_handler
from xds.store.files import FileDocuments
from xds.store.sweep import sweep_on
from xds.transaction import Context, Registry, Repository, discover
from xds.web.answers import Answers
from xds.web.door import Door
from xds.web.http import name_server
from xds.web.metrics import Metrics
from xds.web.pages import Probe, add_pages, disk_probe
from xds.web.tls import client_context

PATHS = {"registry": "/registry", "repository": "/repository"}
"""Where each actor answers."""
_LEAST_FREE = 256 << 20


@dataclass(frozen=True, slots=True)
class Parts:
    """What one worker has open."""

    database: Database
    documents: FileDocuments | None
    affinity_domain: ReloadingDomain
    registry: Registry | None
    repository: Repository | None
    registry_apart: RemoteRegistry | None
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
    makes one for this worker alone. Slot 0 sweeps the document store, and seals and feeds the log.
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

    async def run_beside(app: web.Application) -> AsyncIterator[None]:
        if parts.gate.events is not None:
            await parts.gate.events.started(first=slot == 0)
        if parts.gate.watch is not None:
            await parts.gate.watch.look()
        beside = parts.gate.tasks()
        if slot == 0:
            beside += _sweeping(settings, parts)
        if slot == 0 and parts.gate.sealer is not None:
            # Before there are requests: they would wait for it, for as long as it takes to answer a hundred.
            importlib.import_module("xds.db.log_indexing")
            beside.append(keep(parts.database.claim, partial(parts.gate.duties, settings)))
        running = [asyncio.create_task(each) for each in beside]
        yield
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await parts.gate.closing(first=slot == 0)
        if parts.registry_apart is not None:
            await parts.registry_apart.close()
        await asyncio.to_thread(closing.close)

    app.cleanup_ctx.append(run_beside)
    app[DOOR] = Door(_mount(app, settings, parts, answers))
    log, policy = parts.gate.trust.log, parts.gate.policy
    if log is not None and policy is not None and settings.consent.source == "register":
        mount_consent_api(app, parts.database, policy, parts.gate.authenticator, log)
    add_pages(app, _probes(settings, parts), partial(_render, parts, metrics, answers))
    return app


def _open(settings: Settings, metrics: Metrics, opened: contextlib.ExitStack) -> Parts:
    # Without identity nothing is recorded, and so nothing written when somebody reads.
    database = open_database(settings.database.url, rarely_written=not settings.identity.required)
    opened.callback(database.close)
    home = settings.server.home_community_id
    domain = ReloadingDomain(settings.registry.affinity_domain)
    registry = Registry(database, domain, lambda: datetime.now(UTC), home, settings.registry.max_results)
    repository = documents = apart = None
    if settings.repository.enabled:
        documents = CountedDocuments(settings.repository.documents, metrics)
        opened.callback(documents.close)
        # A registry on the same database is reached through that, also where another server answers for it.
        if settings.repository.registry_url is not None:
            apart = _registry_apart(settings, settings.repository.registry_url, database, domain)
        unique_id = settings.repository.unique_id or ""
        documents.belong_to(unique_id)
        repository = Repository(database, documents, apart or LocalRegistrar(registry), unique_id, home, apart)
    offered = registry if settings.registry.enabled else None
    return Parts(database, documents, domain, offered, repository, apart, open_gate(settings, database))


def _registry_apart(settings: Settings, url: str, database: Database, domain: ReloadingDomain) -> RemoteRegistry:
    repository = settings.repository
    context = None
    if url.startswith("https:"):
        context = client_context(repository.registry_ca, repository.registry_certificate, repository.registry_key)

    def check(submission: Submission) -> list[Issue]:
        return check_submission(submission, domain(), datetime.now(UTC).date(), at_registry=False)

    return RemoteRegistry(url, context, database, check)


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
    for actor, path in PATHS.items():
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
    if parts.gate.watch is not None:
        probes["log"] = parts.gate.watch.probe
    return probes


def _sweeping(settings: Settings, parts: Parts) -> list[Coroutine[Any, Any, None]]:
    """The sweeping of the documents, which waits while the log says that the database is not the newest."""
    if parts.documents is None:
        return []
    watch, page = parts.gate.watch, parts.database.holdings_after
    return [sweep_on(settings.repository.documents, page, lambda: watch is None or watch.refusal is None)]


def _render(parts: Parts, metrics: Metrics, answers: Answers) -> bytes:
    watch = parts.gate.watch
    if watch is not None:
        metrics.set_log(watch.records, watch.age.total_seconds(), watch.unsent)
    return answers.render_metrics()
