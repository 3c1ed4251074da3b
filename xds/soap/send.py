"""The answer onto the connection: SOAP alone, or MTOM with its documents streamed.

Source: MTOM 1.0; ITI TF-2: Appendix V.3.6.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from aiohttp import HttpVersion10, web
from aiohttp.helpers import rfc822_formatted_time

from xds.errors import Unavailable
from xds.soap.mtom import Multipart, multipart
from xds.transaction import Outgoing, Reply, Transaction

SERVER = "xds"
"""The Server header: no versions."""
_AT_ONCE = 256 * 1024


class Aborted(Exception):
    """An answer that had begun could not be completed; the connection must be cut, so that its reader knows."""


class Whole(web.StreamResponse):
    """An answer with status 200 that is in memory, in pieces: its header is one text, and all goes out in one write.

    What a StreamResponse makes of headers, cookies, compression and chunks costs as much as a small query does.
    """

    def __init__(self, headers: Mapping[str, str], pieces: Sequence[bytes]):
        super().__init__()
        self._lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        self._pieces = pieces
        self.size = sum(map(len, pieces))

    async def prepare(self, request: web.BaseRequest) -> None:
        """Take the connection; nothing is sent yet."""
        if self.keep_alive is None:
            self._keep_alive = request.keep_alive
        self._req = request

    async def write_eof(self, data: bytes = b"") -> None:
        """Send it all; ConnectionError when the reader is gone."""
        request = self._req
        transport = None if request is None else request.transport
        if request is None or transport is None or transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        version = request.version
        if not self.keep_alive:
            connection = "Connection: close\r\n"
        else:
            connection = "Connection: keep-alive\r\n" if version == HttpVersion10 else ""
        head = (
            f"HTTP/{version.major}.{version.minor} 200 OK\r\n{self._lines}Content-Length: {self.size}\r\n"
            f"Date: {rfc822_formatted_time()}\r\nServer: {SERVER}\r\n{connection}\r\n"
        )
        transport.write(b"".join((head.encode(), *self._pieces)))
        await request.writer.drain()


async def send(
    request: web.Request, transaction: Transaction, reply: Reply, envelope: Sequence[bytes], *, as_multipart: bool
) -> tuple[web.StreamResponse, int]:
    """Send an answer, or make it ready for being sent; its size in bytes.

    Unavailable when the first document can't be read: nothing was sent then. Aborted when a later read fails.
    """
    if not as_multipart:
        content_type = f'application/soap+xml; charset=UTF-8; action="{transaction.response_action}"'
        whole = Whole({"Content-Type": content_type}, envelope)
        return whole, whole.size
    message = multipart(b"".join(envelope), transaction.response_action, reply.attachments)
    headers = {"Content-Type": message.content_type, "MIME-Version": "1.0"}
    content = _content(message, reply.attachments)
    if message.size <= _AT_ONCE:
        return Whole(headers, [chunk async for chunk in content]), message.size
    response = web.StreamResponse(headers={**headers, "Server": SERVER})
    response.content_length = message.size
    await _stream(request, response, content)
    return response, message.size


async def _stream(request: web.Request, response: web.StreamResponse, content: AsyncIterator[bytes]) -> None:
    # Whatever can't be read is found out here, while a fault can still be sent.
    beginning = [await anext(content), await anext(content)]
    await response.prepare(request)
    try:
        await response.write(b"".join(beginning))
        async for chunk in content:
            await response.write(chunk)
        await response.write_eof()
    except Unavailable as error:
        raise Aborted from error


async def _content(message: Multipart, attachments: tuple[Outgoing, ...]) -> AsyncIterator[bytes]:
    yield message.root
    for head, attachment in zip(message.heads, attachments, strict=True):
        first = True
        async for chunk in attachment.chunks():
            yield head + chunk if first else chunk
            first = False
        if first:
            yield head
    yield message.tail
