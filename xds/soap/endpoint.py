"""One actor's URL: a request in, an answer or a fault out, and nothing staged left behind."""

from __future__ import annotations

import itertools
import secrets
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from lxml.etree import _Element

from xds import xmlio
from xds.audit.events import CERTIFICATE
from xds.errors import Fault, Unavailable
from xds.model.audit import MAJOR, SERIOUS, Access, Event, Thing
from xds.model.party import Participant, Requester
from xds.ports import Documents, Staged
from xds.soap.addressing import read_message_id
from xds.soap.beat import next_beat
from xds.soap.envelope import Envelope, header_blocks, open_envelope
from xds.soap.fault import (
    action_not_supported,
    fault_action,
    fault_envelope,
    wrong_action,
)
from xds.soap.receive import (
    Disconnected,
    Limits,
    Received,
    check_request,
    receive,
    resolve_includes,
)
from xds.soap.send import SERVER, Aborted, send
from xds.soap.spyne_adapter import Actor
from xds.soap.trust import SECURITY, Peer, Trust
from xds.transaction import Answered, Context, Reply, Transaction

_log = structlog.get_logger()
_NOBODY = Peer("", None)

ContextFactory = Callable[..., Context]
"""Makes the context of one request, from those of its fields that only the endpoint knows."""

Observe = Callable[[Answered], None]
"""Told of each request when it has been answered, or can't be any more."""


def add_actor(
    app: web.Application,
    path: str,
    transactions: Sequence[Transaction],
    *,
    context_factory: ContextFactory,
    documents: Documents | None = None,
    limits: Limits | None = None,
    observe: Observe = lambda answered: None,
    trust: Trust | None = None,
) -> Handler:
    """Offer these transactions by SOAP 1.2 at POST `path`, and return what answers there.

    `documents` receives attachments; None refuses them. Without `trust` nobody is known and nothing is recorded.
    """
    endpoint = Endpoint(transactions, context_factory, documents, limits or Limits(), observe, trust)
    app.router.add_post(path, endpoint.handle)
    return endpoint.handle


class _Exchange:
    """What is known of one request so far."""

    __slots__ = (
        "at",
        "codes",
        "envelope",
        "kind",
        "participant",
        "peer",
        "received",
        "recorded",
        "request_id",
        "requester",
        "root",
        "sent",
        "started",
        "status",
        "transaction",
        "verdicts",
        "wanted",
    )

    def __init__(self, request_id: str, peer: Peer) -> None:
        self.request_id = request_id
        self.peer = peer
        self.requester: Requester | None = None
        self.participant: Participant | None = None
        self.kind = "unintelligible"
        self.recorded = False
        self.at = datetime.now(UTC)
        self.started = time.perf_counter()
        self.received = Received()
        self.root: _Element | None = None
        self.envelope: Envelope | None = None
        self.wanted: Transaction | None = None
        self.transaction = "unknown"
        self.status = "Success"
        self.codes: Sequence[str] = ()
        self.verdicts: Sequence[tuple[str, bool]] = ()
        self.sent = 0


class Endpoint:
    """The aiohttp handler of one actor. See `add_actor`."""

    def __init__(
        self,
        transactions: Sequence[Transaction],
        context_factory: ContextFactory,
        documents: Documents | None,
        limits: Limits,
        observe: Observe,
        trust: Trust | None,
    ):
        self._actor = Actor(transactions)
        self._by_message: dict[str, list[Transaction]] = {}
        for transaction in transactions:
            self._by_message.setdefault(transaction.request, []).append(transaction)
        self._context = context_factory
        self._documents = documents
        self._limits = limits
        self._observe = observe
        self._trust = trust
        self._recording = None if trust is None else trust.log
        self._understood = frozenset() if trust is None else frozenset((SECURITY,))
        self._prefix = secrets.token_hex(8)
        self._numbers = itertools.count(1)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request. Everything that was staged for it and not committed is discarded."""
        peer = _NOBODY if self._trust is None else self._trust.peer(request)
        exchange = _Exchange(f"{self._prefix}-{next(self._numbers):x}", peer)
        try:
            return await self._respond(request, exchange)
        except (Disconnected, Aborted, ConnectionError):
            exchange.status = "Disconnected"
            await self._record_failure(exchange, MAJOR)
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=400)
        except BaseException:
            exchange.status = "Cancelled"
            raise
        finally:
            if self._documents is not None and exchange.received.attachments:
                self._documents.discard(list(exchange.received.attachments.values()))
            self._note(exchange)

    async def _respond(self, request: web.Request, exchange: _Exchange) -> web.StreamResponse:
        try:
            content_type = check_request(request)
            let_in = partial(self._let_in, exchange)
            await receive(request, content_type, self._documents, self._limits, exchange.received, let_in)
            transaction, reply, answer = await self._answer(exchange)
            if self._recording is not None and reply.event is not None and not self._recording.may_give():
                raise Unavailable("the log has had no anchor for too long")
            await self._record(exchange, reply.event)
            if reply.lacking and exchange.participant is not None:
                await next_beat(exchange.started)
            multipart = bool(reply.attachments) or transaction.mtom == "always"
            multipart = multipart or (transaction.mtom == "mirror" and exchange.received.mtom)
            response, exchange.sent = await send(request, transaction, reply, answer, as_multipart=multipart)
            return response
        except (Disconnected, Aborted, ConnectionError):
            raise
        except Fault as fault:
            return await self._refuse(exchange, fault)
        except xmlio.Malformed as malformed:
            return await self._refuse(exchange, Fault(str(malformed)))
        except Unavailable as unavailable:
            _log.error("unavailable", request=exchange.request_id, reason=str(unavailable))
            reason = f"not available for the moment, request {exchange.request_id}"
            return await self._refuse(exchange, Fault(reason, code="Receiver"))
        except Exception as error:
            # Neither the exception's text nor its locals may be logged: they can hold what a patient's record says.
            _log.error("failed", request=exchange.request_id, exception=type(error).__qualname__, at=_places(error))
            reason = f"internal error, request {exchange.request_id}"
            return await self._refuse(exchange, Fault(reason, code="Receiver"))

    async def _let_in(self, exchange: _Exchange) -> None:
        """Find out who sends before attachments are taken, so that no stranger fills the disk."""
        if exchange.received.envelope:
            await self._open(exchange)
        elif self._trust is not None:
            # The envelope comes later: the assertion is looked at then, the sender now.
            exchange.kind = "assertion-refused"
            exchange.participant = await self._trust.identity.system(exchange.peer.certificate)
            exchange.kind = "unintelligible"

    async def _open(self, exchange: _Exchange) -> tuple[Envelope, Transaction]:
        """Read the envelope, and find out what is wanted and by whom."""
        received = exchange.received
        exchange.root = xmlio.parse(received.envelope, max_bytes=self._limits.envelope)
        received.envelope = b""
        exchange.envelope = envelope = open_envelope(exchange.root, self._understood)
        exchange.wanted = transaction = self._find(envelope, received.actions)
        exchange.transaction = transaction.number
        await self._identify(envelope, transaction, exchange)
        return envelope, transaction

    async def _answer(self, exchange: _Exchange) -> tuple[Transaction, Reply, tuple[bytes, ...]]:
        envelope, transaction = exchange.envelope, exchange.wanted
        if envelope is None or transaction is None:
            envelope, transaction = await self._open(exchange)
        attachments: Mapping[str, Staged] = exchange.received.attachments
        if self._documents is not None:
            attachments = resolve_includes(envelope.message, attachments)
        recording, trust = self._recording, self._trust
        told = {} if recording is None else {"event": partial(_event, exchange), "entries": recording.entries}
        context = self._context(
            request_id=exchange.request_id,
            attachments=attachments,
            started=exchange.at,
            requester=exchange.requester,
            participant=exchange.participant,
            assertion=lambda: None if trust is None else trust.identity.assertion(envelope.headers),
            **told,
        )
        reply, answer = await self._actor.answer(transaction, envelope, context)
        exchange.status = reply.status
        exchange.codes = reply.codes
        if reply.event is not None:
            verdicts = (access.verdict for access in reply.event.accesses)
            exchange.verdicts = [(each.rule, each.permitted) for each in verdicts if each is not None]
        return transaction, reply, answer

    async def _identify(self, envelope: Envelope, transaction: Transaction, exchange: _Exchange) -> None:
        """Find out who asks; a Fault when nobody is accepted."""
        if self._trust is None:
            return
        exchange.kind = "assertion-refused"
        certificate, identity = exchange.peer.certificate, self._trust.identity
        exchange.requester = identity.remembered(envelope.headers, certificate, exchange.at)
        if exchange.requester is None:
            exchange.requester = await identity.authenticate(
                envelope.headers, certificate, exchange.at, person_needed=transaction.person_needed
            )
        if exchange.requester is not None:
            if exchange.requester.forwarder is not None and not transaction.passed_on:
                raise Fault(f"a repository may not pass on {transaction.number}")
            exchange.participant = exchange.requester.participant
        elif not transaction.person_needed:
            exchange.participant = await identity.system(certificate)
        exchange.kind = transaction.number

    async def _record(self, exchange: _Exchange, event: Event | None) -> None:
        """Have an event durable in the log; Unavailable when it can't be. A write has recorded itself."""
        if self._recording is not None and event is not None:
            await self._recording.append(event)
        exchange.recorded = True

    async def _record_failure(self, exchange: _Exchange, outcome: int) -> None:
        """Record a request that got no answer but a fault, or none at all, unless there is a record of it."""
        if self._recording is None or exchange.recorded:
            return
        try:
            await self._record(exchange, _event(exchange, outcome, outcome_text=" ".join(exchange.codes)))
        except (Unavailable, ValueError) as error:
            _log.error("not recorded", request=exchange.request_id, exception=type(error).__qualname__)

    async def _refuse(self, exchange: _Exchange, fault: Fault) -> web.Response:
        response = _fault_response(exchange, fault)
        await self._record_failure(exchange, MAJOR if fault.code == "Receiver" else SERIOUS)
        return response

    def _find(self, envelope: Envelope, actions: Sequence[str]) -> Transaction:
        """The transaction of the message in the body. Whatever names an action besides must name the same."""
        named = [*actions, envelope.addressing.action] if envelope.addressing.action else actions
        candidates = self._by_message.get(envelope.message.tag)
        if candidates is None:
            raise action_not_supported(named[-1] if named else "")
        for transaction in candidates:
            if all(action == transaction.action for action in named):
                return transaction
        raise wrong_action(named, candidates[0].action)

    def _note(self, exchange: _Exchange) -> None:
        self._observe(
            Answered(
                exchange.request_id,
                exchange.transaction,
                exchange.status,
                exchange.codes,
                time.time(),
                time.perf_counter() - exchange.started,
                exchange.received.size,
                exchange.sent,
                exchange.verdicts,
            )
        )


def _event(
    exchange: _Exchange, outcome: int, accesses: Sequence[Access] = (), *, transaction: str = "", **told: str
) -> Event:
    """What the log is told of a request. Of who was not let in, the certificate is what is known."""
    certificate = exchange.peer.certificate
    unknown = exchange.kind == "assertion-refused" and exchange.participant is None and certificate is not None
    return Event(
        exchange.request_id,
        transaction or exchange.kind,
        exchange.at,
        outcome,
        requester=exchange.requester,
        participant=exchange.participant,
        address=exchange.peer.address,
        accesses=accesses,
        things=(Thing(CERTIFICATE, certificate),) if unknown else (),
        **told,
    )


def _fault_response(exchange: _Exchange, fault: Fault) -> web.Response:
    message_id = read_message_id(header_blocks(exchange.root)) if exchange.root is not None else ""
    body = fault_envelope(fault, message_id)
    inner = getattr(fault, "inner", None) or fault.subcode or fault.code
    exchange.status = "Fault"
    exchange.codes = (inner.rpartition("}")[2],)
    exchange.sent = len(body)
    content_type = f'application/soap+xml; charset=UTF-8; action="{fault_action(fault)}"'
    response = web.Response(body=body, status=fault.status, headers={"Content-Type": content_type, "Server": SERVER})
    if fault.status < 500:
        # What else is on its way may be the rest of this message, and must not be taken for the next one.
        response.force_close()
    return response


def _places(error: BaseException) -> list[str]:
    """The files and lines of the innermost frames."""
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-4:]]
