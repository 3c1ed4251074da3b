"""spyne as the service layer: it holds the services and calls them. The only file that imports it.

spyne is handed an envelope that is parsed and checked already, and gives back bytes that were encoded already:
everything in between that it would do by itself (parse, resolve references, find methods by its own namespace,
build objects, validate, serialize) is overridden here. Its loggers quote messages and are silenced.
"""

from __future__ import annotations

import logging
import operator
import sys
from collections.abc import Mapping, Sequence

import six


def _provide_six() -> None:
    """Give spyne the real six where its own copy can't be imported: from Python 3.12 on."""
    if sys.version_info < (3, 12):
        return
    six.get_function_name = operator.attrgetter("__name__")
    sys.modules["spyne.util.six"] = six
    for name in (
        "",
        ".collections_abc",
        ".http_cookies",
        ".urllib",
        ".urllib.parse",
        ".urllib.request",
        ".urllib.error",
    ):
        __import__(f"six.moves{name}")
        sys.modules[f"spyne.util.six.moves{name}"] = sys.modules[f"six.moves{name}"]


_provide_six()
_spyne_log = logging.getLogger("spyne")
_spyne_log.propagate = False
_spyne_log.setLevel(logging.CRITICAL + 1)

from spyne import MethodContext, rpc  # noqa: E402
from spyne.application import Application  # noqa: E402
from spyne.model.primitive import AnyXml  # noqa: E402
from spyne.protocol.soap.soap12 import Soap12  # noqa: E402
from spyne.server import ServerBase  # noqa: E402
from spyne.service import Service  # noqa: E402

from xds.soap.envelope import Envelope, close_envelope  # noqa: E402
from xds.transaction import Context, Reply, Transaction  # noqa: E402


class Actor:
    """The transactions of one actor as a spyne application."""

    def __init__(self, transactions: Sequence[Transaction]):
        names = {transaction.number: transaction.number.lower().replace("-", "_") for transaction in transactions}
        functions = {
            names[transaction.number]: _function(transaction, names[transaction.number]) for transaction in transactions
        }
        service = type("Transactions", (Service,), functions)
        methods = {number: service.public_methods[name] for number, name in names.items()}
        protocols = {"in_protocol": _Opened(methods), "out_protocol": _Opened(methods)}
        self._server = server = _Embedded(
            Application([service], tns="urn:ihe:iti:xds-b:2007", name="Actor", **protocols)
        )
        # What a context is made of is the same for every call, and making it costs as much as all the rest.
        self._blank = dict(vars(_Method(server, MethodContext.SERVER)))

    async def answer(
        self, transaction: Transaction, envelope: Envelope, context: Context
    ) -> tuple[Reply, tuple[bytes, ...]]:
        """Have a request answered: the reply, and the SOAP envelope around its body, in pieces.

        Raises what the transaction raises.
        """
        server = self._server
        method = _Method.__new__(_Method)
        method.__dict__.update(self._blank)
        method.udc = _Call(transaction, envelope, context)
        server.generate_contexts(method)
        server.get_in_object(method)
        server.get_out_object(method)
        method.out_object = reply = await method.out_object
        server.get_out_string(method)
        # The context is not closed: all that would do is to collect garbage by hand, at 50 ms and more a time.
        return reply, method.out_string


class _Call:
    """One request on its way through spyne."""

    __slots__ = ("context", "envelope", "transaction")

    def __init__(self, transaction: Transaction, envelope: Envelope, context: Context):
        self.transaction = transaction
        self.envelope = envelope
        self.context = context


class _Method(MethodContext):
    """A call, without what spyne offers to hooks and transports that there are none of."""

    TransportContext = None
    __setattr__ = object.__setattr__

    def fire_event(self, event: str, *args: object, **kwargs: object) -> None:
        pass


class _Embedded(ServerBase):
    """A spyne server without a transport of its own."""

    transport = "urn:xds:embedded"

    def get_out_object(self, ctx: MethodContext) -> None:
        # Without spyne's own handling of exceptions, which logs what they say.
        ctx.out_object = ctx.descriptor.service_class.call_wrapper(ctx)

    def get_out_string(self, ctx: MethodContext) -> None:
        ctx.out_protocol.serialize(ctx, self.app.out_protocol.RESPONSE)


class _Opened(Soap12):
    """SOAP 1.2 for envelopes that are open already, and for bodies that are bytes already."""

    def __init__(self, methods: Mapping[str, object]):
        super().__init__()
        self._methods = methods

    def get_context(self, parent: MethodContext, transport: ServerBase) -> None:
        return None

    def create_in_document(self, ctx: MethodContext, charset: str | None = None) -> None:
        ctx.in_document = ctx.udc.envelope.message

    def decompose_incoming_envelope(self, ctx: MethodContext, message: object = None) -> None:
        ctx.in_header_doc = ctx.udc.envelope.headers
        ctx.in_body_doc = ctx.in_document
        ctx.method_request_string = ctx.in_document.tag

    def generate_method_contexts(self, ctx: MethodContext) -> list[MethodContext]:
        ctx.descriptor = self._methods[ctx.udc.transaction.number]
        return [ctx]

    def deserialize(self, ctx: MethodContext, message: object) -> None:
        ctx.in_object = (ctx.in_body_doc,)

    def serialize(self, ctx: MethodContext, message: object) -> None:
        call = ctx.udc
        message_id = call.envelope.addressing.message_id
        ctx.out_string = close_envelope(call.transaction.response_action, message_id, ctx.out_object.body)


def _function(transaction: Transaction, name: str) -> object:
    def answer(ctx: MethodContext, message: object) -> object:
        return transaction.answer(message, ctx.udc.context)

    # spyne tells the methods of a service apart by the names of their functions.
    answer.__name__ = name
    return rpc(AnyXml, _returns=AnyXml, _body_style="bare")(answer)
