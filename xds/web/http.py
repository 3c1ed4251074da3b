"""aiohttp's handler of a connection, made more discreet."""

from __future__ import annotations

import asyncio
import socket
import ssl
from http import HTTPStatus

from aiohttp import web

from xds.web.accept import Refused, TlsListener
from xds.web.share import Share, alone
from xds.web.tls import peer_certificate

_NAME = "xds"
_OPTIONS = {"access_log": None, "read_bufsize": 256 * 1024, "auto_decompress": False}


class _Connection(web.RequestHandler):
    """A connection that knows who is at its other end.

    aiohttp quotes what it could not read in its answer; here nothing received is repeated.
    """

    __slots__ = ("_share", "address", "certificate")

    def __init__(self, server: web.Server, share: Share, loop: asyncio.AbstractEventLoop):
        super().__init__(server, loop=loop, **_OPTIONS)
        self._share = share

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._share.add()
        self.certificate = peer_certificate(transport)
        self.address = str((transport.get_extra_info("peername") or ("",))[0])

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._share.drop()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP, or failed, with its status alone."""
        response = super().handle_error(request, status, exc, f"{status} {HTTPStatus(status).phrase}\n")
        response.headers["Server"] = _NAME
        return response


def peer_of(request: web.BaseRequest) -> tuple[str, str | None]:
    """The IP address at the other end, and the SHA-256 of the certificate shown there, in lower-case hex, or None."""
    protocol = request.protocol
    return (protocol.address, protocol.certificate) if isinstance(protocol, _Connection) else ("", None)


async def name_server(request: web.Request, response: web.StreamResponse) -> None:
    """Send a Server header without versions; a signal handler of the application, before a response is prepared."""
    response.headers["Server"] = _NAME


async def listen(
    server: web.Server,
    sock: socket.socket,
    tls: ssl.SSLContext | None,
    backlog: int,
    refused: Refused,
    share: Share | None = None,
) -> asyncio.AbstractServer | TlsListener:
    """Serve HTTP on a bound socket; `refused` is told of each TLS handshake that fails.

    `share` is this process's of the socket's connections.
    """
    loop = asyncio.get_running_loop()
    share = share or alone()

    def connection() -> _Connection:
        return _Connection(server, share, loop)

    if tls is not None:
        return TlsListener(sock, tls, connection, refused, share)
    return await loop.create_server(connection, sock=sock, backlog=backlog)
