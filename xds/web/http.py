"""aiohttp's handler of a connection, made more discreet."""

from __future__ import annotations

import asyncio
import socket
import ssl
from http import HTTPStatus

from aiohttp import web

from xds.web.accept import Refused, TlsListener
from xds.web.tls import peer_certificate

_NAME = "xds"
_OPTIONS = {"access_log": None, "read_bufsize": 256 * 1024, "auto_decompress": False}


class _Connection(web.RequestHandler):
    """A connection that knows who is at its other end.

    aiohttp quotes what it could not read in its answer; here nothing received is repeated.
    """

    __slots__ = ("address", "certificate")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.certificate = peer_certificate(transport)
        self.address = str((transport.get_extra_info("peername") or ("",))[0])

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
) -> asyncio.AbstractServer | TlsListener:
    """Serve HTTP on a bound socket; `refused` is told of each TLS handshake that fails."""
    loop = asyncio.get_running_loop()

    def connection() -> _Connection:
        return _Connection(server, loop=loop, **_OPTIONS)

    if tls is not None:
        return TlsListener(sock, tls, connection, refused)
    return await loop.create_server(connection, sock=sock, backlog=backlog)
