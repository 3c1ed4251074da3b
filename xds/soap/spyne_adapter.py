"""spyne as the service layer: it holds the services and calls them. The only file that imports it.

spyne calls the method for a body that is parsed and checked already, which answers with bytes that are encoded
already: what it would do by itself before and after (parse, resolve references, find methods by its own namespace,
build objects, validate, serialize) is left out. Its loggers quote messages and are silenced.
"""

from __future__ import annotations

import logging
import operator
import sys
from collections.abc import Sequence

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
        application = Application(
            [service], tns="urn:ihe:iti:xds-b:2007", name="Actor", in_protocol=Soap12(), out_protocol=Soap12()
        )
        server = _Embedded(application)
        self._service = service
        # What a context is made of is the same for every call of a transaction, and costs as much as all the rest.
        self._blanks = {number: _blank(server, service.public_methods[name]) for number, name in names.items()}

    async def answer(
        self, transaction: Transaction, envelope: Envelope, context: Context
    ) -> tuple[Reply, tuple[bytes, ...]]:
        """Have a request answered: the reply, and the SOAP envelope around its body, in pieces.

        Raises what the transaction raises.
        """
        call = _Call.__new__(_Call)
        call.__dict__.update(self._blanks[transaction.number], udc=context, in_object=(envelope.message,))
        # The context is not closed: all that would do is to collect garbage by hand, at 50 ms and more a time.
        reply = await self._service.call_wrapper(call)
        return reply, close_envelope(transaction.response_action, envelope.addressing, reply.body)


class _Embedded(ServerBase):
    """A spyne server without a transport of its own."""

    transport = "urn:xds:embedded"


class _Call(MethodContext):
    """A call, without what spyne offers to transports that there are none of."""

    TransportContext = None
    __setattr__ = object.__setattr__


def _blank(server: ServerBase, method: object) -> dict[str, object]:
    call = _Call(server, MethodContext.SERVER)
    call.descriptor = method
    call.function = method.function
    return dict(vars(call))


def _function(transaction: Transaction, name: str) -> object:
    def answer(call: MethodContext, message: object) -> object:
        return transaction.answer(message, call.udc)

    # spyne tells the methods of a service apart by the names of their functions.
    answer.__name__ = name
    return rpc(AnyXml, _returns=AnyXml, _body_style="bare")(answer)
