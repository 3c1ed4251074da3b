"""One actor's URL: a request in, an answer or a fault out, and nothing staged left behind."""

from __future__ import annotations

import itertools
import secrets
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from lxml.etree import _Element

from xds import xmlio
from xds.errors import Fault, Unavailable
from xds.model.party import Requester
from xds.ports import Documents, Staged
from xds.soap.addressing import read_message_id
from xds.soap.envelope import Envelope, header_blocks, open_envelope
from xds.soap.fault import action_mismatch, action_not_supported, fault_action, fault_envelope
from xds.soap.receive import Disconnected, Limits, Received, check_request, receive, resolve_includes
from xds.soap.send import SERVER, Aborted, send
from xds.soap.spyne_adapter import Actor
from xds.transaction import Answered, Context, Reply, Transaction

_log = structlog.get_logger()

ContextFactory = Callable[[str, Mapping[str, Staged], Requester | None], Context]
"""Makes the context of one request from its id, its attachments and who asks."""

Identify = Callable[[web.Request, Sequence[_Element]], Awaitable[Requester | None]]
"""Says who asks, by the connection and the header blocks; a Fault when that is not good enough."""

Observe = Callable[[Answered], None]
"""Told of each request when it has been answered, or can't be any more."""


def add_actor(
    app: web.Application,
    path: str,
    transactions: Sequence[Transaction],
    *,
    context_factory: ContextFactory,
    identify: Identify | None = None,
    documents: Documents | None = None,
    limits: Limits | None = None,
    observe: Observe = lambda answered: None,
    understood: frozenset[str] = frozenset(),
) -> Handler:
    """Offer these transactions by SOAP 1.2 at POST `path`, and return what answers there.

    `documents` receives attachments; None refuses them. Without `identify` nobody is known. `understood` are the SOAP
    header blocks, in Clark notation, that `identify` or a transaction heeds, besides those of WS-Addressing.
    """
    endpoint = Endpoint(transactions, context_factory, identify, documents, limits or Limits(), observe, understood)
    app.router.add_post(path, endpoint.handle)
    return endpoint.handle


class _Exchange:
    """What is known of one request so far."""

    __slots__ = ("codes", "received", "request_id", "root", "sent", "started", "status", "transaction")

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.started = time.perf_counter()
        self.received = Received()
        self.root: _Element | None = None
        self.transaction = "unknown"
        self.status = "Success"
        self.codes: Sequence[str] = ()
        self.sent = 0


class Endpoint:
    """The aiohttp handler of one actor. See `add_actor`."""

    def __init__(
        self,
        transactions: Sequence[Transaction],
        context_factory: ContextFactory,
        identify: Identify | None,
        documents: Documents | None,
        limits: Limits,
        observe: Observe,
        understood: frozenset[str],
    ):
        self._actor = Actor(transactions)
        self._by_message: dict[str, list[Transaction]] = {}
        for transaction in transactions:
            self._by_message.setdefault(transaction.request, []).append(transaction)
        self._context = context_factory
        self._identify = identify
        self._documents = documents
        self._limits = limits
        self._observe = observe
        self._understood = understood
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request. Everything that was staged for it and not committed is discarded."""
        exchange = _Exchange(f"{self._prefix}-{next(self._numbers):x}")
        try:
            return await self._respond(request, exchange)
        except (Disconnected, Aborted, ConnectionError):
            exchange.status = "Disconnected"
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
            await receive(request, content_type, self._documents, self._limits, exchange.received)
            transaction, reply, answer = await self._answer(request, exchange)
            multipart = bool(reply.attachments) or transaction.mtom == "always"
            multipart = multipart or (transaction.mtom == "mirror" and exchange.received.mtom)
            response, exchange.sent = await send(request, transaction, reply, answer, as_multipart=multipart)
            return response
        except (Disconnected, Aborted, ConnectionError):
            raise
        except Fault as fault:
            return _refuse(exchange, fault)
        except xmlio.Malformed as malformed:
            return _refuse(exchange, Fault(str(malformed)))
        except Unavailable as unavailable:
            _log.error("unavailable", request=exchange.request_id, reason=str(unavailable))
            reason = f"not available for the moment, request {exchange.request_id}"
            return _refuse(exchange, Fault(reason, code="Receiver"))
        except Exception as error:
            # Neither the exception's text nor its locals may be logged: they can hold what a patient's record says.
            _log.error("failed", request=exchange.request_id, exception=type(error).__qualname__, at=_places(error))
            return _refuse(exchange, Fault(f"internal error, request {exchange.request_id}", code="Receiver"))

    async def _answer(self, request: web.Request, exchange: _Exchange) -> tuple[Transaction, Reply, tuple[bytes, ...]]:
        received = exchange.received
        exchange.root = xmlio.parse(received.envelope, max_bytes=self._limits.envelope)
        received.envelope = b""
        envelope = open_envelope(exchange.root, self._understood)
        transaction = self._find(envelope, received.actions)
        exchange.transaction = transaction.number
        requester = await self._identify(request, envelope.headers) if self._identify is not None else None
        attachments: Mapping[str, Staged] = received.attachments
        if self._documents is not None:
            attachments = resolve_includes(envelope.message, attachments)
        context = self._context(exchange.request_id, attachments, requester)
        reply, answer = await self._actor.answer(transaction, envelope, context)
        exchange.status = reply.status
        exchange.codes = reply.codes
        return transaction, reply, answer

    def _find(self, envelope: Envelope, actions: Sequence[str]) -> Transaction:
        """The transaction of the message in the body. Whatever names an action besides must name the same."""
        named = [*actions, envelope.addressing.action] if envelope.addressing.action else actions
        candidates = self._by_message.get(envelope.message.tag)
        if candidates is None:
            raise action_not_supported(named[-1] if named else "")
        for transaction in candidates:
            if all(action == transaction.action for action in named):
                return transaction
        raise action_mismatch(named[-1])

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
            )
        )


def _refuse(exchange: _Exchange, fault: Fault) -> web.Response:
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
