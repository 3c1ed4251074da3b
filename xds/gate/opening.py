"""Identity, consent and log, opened from the settings."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from xds.atna.anchor import Anchor, anchor_at
from xds.atna.keys import read_signer
from xds.atna.seal import Sealer
from xds.atna.syslog import Feed
from xds.atna.syslog import Repository as AuditRepository
from xds.atna.watch import LogWatch
from xds.consent import Access, GivenConsents, load_policy
from xds.consent import Policy as Rules
from xds.db import Database, DatabaseTrail
from xds.errors import XdsError
from xds.gate.recording import recorder_of
from xds.gate.server_events import RefusedConnections, ServerEvents
from xds.identity import Authenticator, Issuer, Policy, load_issuers
from xds.mitz import MitzConsents
from xds.ports import Log
from xds.reloading import Reloading
from xds.settings import Settings, is_loopback
from xds.soap.trust import Peer, Trust
from xds.web.accept import log_refusal
from xds.web.http import peer_of
from xds.web.tls import client_context

_LOOK_EVERY = timedelta(seconds=10)


class Gate(NamedTuple):
    """`access` is None where no policy is set: then a known requester sees nothing.

    Without a log the last five are None, without an audit repository `feed` is. `reloadable` are the files that
    SIGHUP reads again, by the name that /ready shows.
    """

    authenticator: Authenticator
    trust: Trust
    reloadable: Mapping[str, Reloading[Any]]
    policy: Reloading[Rules] | None
    access: Access | None
    sealer: Sealer | None
    watch: LogWatch | None
    feed: Feed | None
    events: ServerEvents | None
    refused: RefusedConnections | None

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        """What runs beside the requests of every worker."""
        found: list[Coroutine[Any, Any, None]] = []
        if self.watch is not None:
            found.append(self.watch.run(_LOOK_EVERY))
        if self.refused is not None:
            found.append(self.refused.run())
        return found

    def duties(self, settings: Settings) -> list[Coroutine[Any, Any, None]]:
        """What only one process may run, of all on one database: sealing and feeding."""
        found: list[Coroutine[Any, Any, None]] = []
        if self.sealer is not None:
            found.append(self.sealer.run(settings.audit.checkpoint_seconds, settings.audit.checkpoint_records))
        if self.feed is not None:
            found.append(self.feed.run())
        return found

    def note_refused(self, peer: str, reason: str) -> None:
        """Take note of a TLS handshake that failed: a `xds.web.accept.Refused`."""
        if self.refused is None:
            log_refusal(peer, reason)
        else:
            self.refused.note_handshake(peer, reason)

    async def closing(self, *, first: bool) -> None:
        """Have the last of a worker on record, and sealed by the first."""
        if self.refused is not None:
            await self.refused.flush()
        if first and self.events is not None:
            await self.events.stopped()
        if first and self.sealer is not None:
            with contextlib.suppress(XdsError):
                await self.sealer.seal()


def open_gate(settings: Settings, database: Database) -> Gate:
    """Make the gate; Misconfigured when a file that it needs can't be used."""
    recorded = settings.identity.required
    issuers, rules = _issuers(settings), _rules(settings)
    authenticator = _authenticator(settings, database, issuers)
    sealer = watch = log = None
    feed = _feed(settings, database) if recorded else None
    if recorded:
        signer = partial(read_signer, settings.audit.signing_key, settings.audit_origin)
        signer()  # a server without it does not start; one that loses it is heard of, and stops giving data later
        sealer = Sealer(database, signer, anchors_of(settings), _now)
        watch = watch_of(settings, database, feed)
        log = log_of(settings, database, watch)
    trust = Trust(lambda request: Peer(*peer_of(request)), authenticator, log)
    reloadable = {"issuers": issuers} if rules is None else {"issuers": issuers, "policy": rules}
    access = _access(settings, rules)
    events = refused = None
    if log is not None:
        events = ServerEvents(settings, settings.base_url, database, log, partial(_content, rules))
        refused = RefusedConnections(log)
    return Gate(authenticator, trust, reloadable, rules, access, sealer, watch, feed, events, refused)


def _now() -> datetime:
    return datetime.now(UTC)


def _issuers(settings: Settings) -> Reloading[Mapping[str, Issuer]]:
    files, for_tests = settings.identity.issuers, is_loopback(settings.server.host)
    return Reloading("the list of issuers", lambda: load_issuers(files, for_tests=for_tests))


def _rules(settings: Settings) -> Reloading[Rules] | None:
    policy = settings.consent.policy
    return None if policy is None else Reloading("the policy", lambda: load_policy(policy))


def _content(rules: Callable[[], Rules] | None) -> bytes:
    """The policy as it was read last; empty without one."""
    return b"" if rules is None else rules().content


def _authenticator(
    settings: Settings, database: Database, issuers: Callable[[], Mapping[str, Issuer]]
) -> Authenticator:
    identity = settings.identity
    skew, longest = (timedelta(seconds=each) for each in (identity.clock_skew_seconds, identity.max_lifetime_seconds))
    policy = Policy(settings.audience, skew, longest, identity.least_assurance, identity.required)
    return Authenticator(database, issuers, policy)


def _access(settings: Settings, rules: Callable[[], Rules] | None) -> Access | None:
    if rules is None:
        return None
    mitz = settings.mitz
    if settings.consent.source == "mitz" and mitz.url is not None:
        context = client_context(mitz.ca, mitz.certificate, mitz.key)
        return Access(rules, MitzConsents(mitz.url, context, mitz.timeout_seconds))
    return Access(rules, GivenConsents(rules))


def _feed(settings: Settings, database: Database) -> Feed | None:
    audit = settings.audit
    if audit.syslog_host is None:
        return None
    repository = AuditRepository(audit.syslog_host, audit.syslog_port, _peer_context(settings))
    return Feed(database, repository, settings.audit_origin)


def log_of(settings: Settings, database: Database, watch: LogWatch) -> Log:
    """The log, by which no data may be given while the watch refuses; Misconfigured when its key can't be read."""
    recorder = recorder_of(settings)
    trail = DatabaseTrail(database, recorder.entries)
    return Log(recorder.entries, trail.append, lambda: watch.refusal is None)


def watch_of(settings: Settings, database: Database, feed: Feed | None = None) -> LogWatch:
    """What tells whether the log is sealed and anchored, and is the one that was."""
    grace = timedelta(minutes=settings.audit.anchor_grace_minutes)
    return LogWatch(database, anchors_of(settings), settings.audit_origin, grace, _now, feed)


def anchors_of(settings: Settings) -> list[Anchor]:
    """The anchors that the settings name."""
    anchors = [anchor_at(path) for path in settings.audit.anchor_paths]
    if settings.audit.anchor_url is not None:
        anchors.append(anchor_at(settings.audit.anchor_url, _peer_context(settings)))
    return anchors


def _peer_context(settings: Settings) -> ssl.SSLContext:
    audit = settings.audit
    return client_context(audit.peer_ca, audit.peer_certificate, audit.peer_key)
