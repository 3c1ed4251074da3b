"""The answer onto the connection: SOAP alone, or MTOM with its documents streamed.

Source: MTOM 1.0; ITI TF-2: Appendix V.3.6.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from xds.errors import Unavailable
from xds.soap.mtom import Multipart, multipart
from xds.transaction import Outgoing, Reply, Transaction

_AT_ONCE = 256 * 1024


class Aborted(Exception):
    """An answer that had begun could not be completed; the connection must be cut, so that its reader knows."""


async def send(
    request: web.Request, transaction: Transaction, reply: Reply, envelope: bytes, *, as_multipart: bool
) -> tuple[web.StreamResponse, int]:
    """Send an answer, or make it ready for being sent; its size in bytes.

    Unavailable when the first document can't be read: nothing was sent then. Aborted when a later read fails.
    """
    if not as_multipart:
        content_type = f'application/soap+xml; charset=UTF-8; action="{transaction.response_action}"'
        return web.Response(body=envelope, headers={"Content-Type": content_type}), len(envelope)
    message = multipart(envelope, transaction.response_action, reply.attachments)
    headers = {"Content-Type": message.content_type, "MIME-Version": "1.0"}
    content = _content(message, reply.attachments)
    if message.size <= _AT_ONCE:
        body = b"".join([chunk async for chunk in content])
        return web.Response(body=body, headers=headers), len(body)
    response = web.StreamResponse(headers=headers)
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
