"""A request's body from the connection: the envelope into memory, each document into staging.

Source: MTOM 1.0; XOP 1.0; ITI TF-2: Appendix V.3.6.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from lxml.etree import _Element

from xds.errors import Fault
from xds.ports import Documents, Staged, Staging
from xds.soap.content_type import ContentType, parse_content_type
from xds.soap.mtom import (
    MAX_PARTS,
    Base64,
    Content,
    Event,
    PartBegins,
    PartEnds,
    Scanner,
    content_id,
)

_XOP = "application/xop+xml"
_SOAP_TYPES = ("application/soap+xml", _XOP)
_INCLUDE = "{http://www.w3.org/2004/08/xop/include}Include"
_CHARSETS = ("utf-8", "utf8", "us-ascii", "ascii", "")
_AS_IS = ("", "binary", "8bit", "7bit")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take: sizes in bytes, seconds without a byte from the sender."""

    envelope: int = 8 << 20
    document: int = 2 << 30
    parts: int = MAX_PARTS
    idle: float = 60.0


@dataclass(slots=True)
class Received:
    """A request as it comes in. `actions` are those that its headers name; `size` counts all bytes."""

    mtom: bool = False
    envelope: bytes = b""
    actions: list[str] = field(default_factory=list)
    attachments: dict[str, Staged] = field(default_factory=dict)
    size: int = 0


LetIn = Callable[[], Awaitable[None]]
"""Returns when attachments may be taken from who sends; raises a Fault when not."""


async def anybody() -> None:
    """Take attachments from anybody."""


class Disconnected(Exception):
    """The sender is gone, or what it sent breaks HTTP: nobody waits for an answer."""


def check_request(request: web.Request) -> ContentType:
    """The Content-Type of a request that may be read; a fault with status 415 otherwise."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise Fault("this service takes no Content-Encoding", status=415)
    found = parse_content_type(request.headers.get("Content-Type", ""))
    if found.media_type not in ("application/soap+xml", "multipart/related", "text/xml"):
        raise Fault("this service takes application/soap+xml, or multipart/related with SOAP 1.2 in it", status=415)
    if found.media_type == "multipart/related" and not 0 < len(found.parameters.get("boundary", "")) <= 256:
        raise Fault("the Content-Type multipart/related has no boundary parameter", status=415)
    if found.parameters.get("charset", "utf-8").strip().lower() not in _CHARSETS:
        raise Fault("this service takes UTF-8 only", status=415)
    return found


async def receive(
    request: web.Request,
    content_type: ContentType,
    documents: Documents | None,
    limits: Limits,
    received: Received,
    let_in: LetIn = anybody,
) -> None:
    """Read all of a request into `received`, whose attachments the caller discards or commits, also on errors.

    Without `documents` attachments are refused. `let_in` is asked before the first is staged, and its Fault ends it: by
    then the envelope has been read, unless its part comes later. A fault has status 413 where a size limit is reached.
    Disconnected when the body does not come to its end.
    """
    _name_action(received, content_type)
    soap_action = request.headers.get("SOAPAction", "").strip().strip('"')
    if soap_action:
        received.actions.append(soap_action)
    if content_type.media_type == "multipart/related":
        received.mtom = True
        await _Parts(content_type, documents, limits, received, let_in).read(request.content)
        return
    chunks = []
    while chunk := await _read(request.content, limits, received):
        chunks.append(chunk)
        if received.size > limits.envelope:
            raise _too_large(limits.envelope)
        if request.content.at_eof():
            break
    received.envelope = b"".join(chunks)


async def _read(content: aiohttp.StreamReader, limits: Limits, received: Received) -> bytes:
    """The next bytes of the body; none at its end."""
    try:
        if content.is_eof():
            chunk = content.read_nowait()
        else:
            async with asyncio.timeout(limits.idle):
                chunk = await content.readany()
    except TimeoutError:
        raise Fault("no byte of the request came for too long", status=408) from None
    except (aiohttp.ClientError, aiohttp.http.HttpProcessingError, ConnectionError, web.HTTPException):
        raise Disconnected from None
    received.size += len(chunk)
    return chunk


def _too_large(limit: int) -> Fault:
    return Fault(f"the SOAP envelope is larger than {limit} bytes", status=413)


def _name_action(received: Received, content_type: ContentType) -> None:
    if content_type.action:
        received.actions.append(content_type.action)


class _Parts:
    """The parts of one MTOM message, each led to where it belongs."""

    def __init__(
        self,
        content_type: ContentType,
        documents: Documents | None,
        limits: Limits,
        received: Received,
        let_in: LetIn,
    ):
        parameters = content_type.parameters
        self._scanner = Scanner(parameters["boundary"], max_parts=limits.parts)
        self._start = content_id(parameters["start"]) if parameters.get("start") else None
        self._documents = documents
        self._limits = limits
        self._received = received
        self._let_in: LetIn | None = let_in
        self._seen: set[str] = set()
        self._root_found = False
        self._root: list[bytes | memoryview] | None = None
        self._staging: Staging | None = None
        self._name = ""
        self._size = 0
        self._base64: Base64 | None = None

    async def read(self, content: aiohttp.StreamReader) -> None:
        """Read the message to its end; on any error the part at work is discarded."""
        try:
            while chunk := await _read(content, self._limits, self._received):
                for event in self._scanner.feed(chunk):
                    await self._take(event)
            self._scanner.finish()
        except BaseException:
            if self._staging is not None:
                self._staging.discard()
            raise
        if not self._root_found:
            raise Fault("no MIME part has the Content-ID that the start parameter names")

    async def _take(self, event: Event) -> None:
        if isinstance(event, Content):
            await self._content(event.chunk)
        elif isinstance(event, PartBegins):
            await self._begin(event.headers)
        elif isinstance(event, PartEnds):
            if self._base64 is not None:
                self._base64.finish()
            await self._end()

    async def _begin(self, headers: dict[str, str]) -> None:
        encoding = headers.get("content-transfer-encoding", "").lower()
        if encoding not in (*_AS_IS, "base64"):
            raise Fault("a MIME part has a Content-Transfer-Encoding other than binary, 8bit, 7bit or base64")
        self._base64 = Base64() if encoding == "base64" else None
        self._size = 0
        self._name = content_id(headers.get("content-id", ""))
        if self._name and self._name in self._seen:
            raise Fault("two MIME parts have the same Content-ID")
        is_root = not self._root_found and (self._start is None or self._start == self._name)
        if not self._name and not is_root:
            raise Fault("a MIME part has no Content-ID")
        self._seen.add(self._name)
        if is_root:
            self._begin_root(headers)
        elif self._documents is None:
            raise Fault("this transaction takes no attachments")
        else:
            if self._let_in is not None:
                await self._let_in()
                self._let_in = None
            self._staging = self._documents.stage()

    def _begin_root(self, headers: dict[str, str]) -> None:
        content_type = parse_content_type(headers.get("content-type", _XOP))
        if content_type.media_type not in (*_SOAP_TYPES, "text/xml"):
            raise Fault("the root part of the MIME message is not application/xop+xml", status=415)
        _name_action(self._received, content_type)
        self._root_found = True
        self._root = []

    async def _content(self, chunk: bytes | memoryview) -> None:
        if self._base64 is not None:
            chunk = self._base64.feed(chunk)
        self._size += len(chunk)
        if self._root is not None:
            if self._size > self._limits.envelope:
                raise _too_large(self._limits.envelope)
            self._root.append(chunk)
        elif self._staging is not None:
            if self._size > self._limits.document:
                raise Fault(f"a document is larger than {self._limits.document} bytes", status=413)
            await self._staging.write(chunk)

    async def _end(self) -> None:
        if self._root is not None:
            self._received.envelope = b"".join(self._root)
            self._root = None
        elif self._staging is not None:
            self._received.attachments[self._name] = await self._staging.finish()
            self._staging = None


def resolve_includes(message: _Element, attachments: Mapping[str, Staged]) -> Mapping[str, Staged]:
    """The attachments by Content-ID, and also by the percent-decoded hrefs of the Include elements in `message`.

    The two differ where a stack writes the same percent-encoded text in both places. Sender faults for references
    that are not cid:, lead nowhere, or lead to one part twice. Parts that nothing refers to stay in.
    Source: XOP 1.0: 3.2 and 4.1; RFC 2392.
    """
    found = dict(attachments)
    used: set[str] = set()
    for include in message.iter(_INCLUDE):
        href = include.get("href", "")
        if href[:4].lower() != "cid:":
            raise Fault("the href of an xop:Include is not a cid: URL")
        written, decoded = href[4:], unquote(href[4:])
        names = {written, decoded} & attachments.keys()
        if len(names) != 1:
            raise Fault("an xop:Include refers to no part of the message, or it is not clear to which")
        (name,) = names
        if name in used:
            raise Fault("two xop:Include elements refer to one MIME part")
        used.add(name)
        found[decoded] = attachments[name]
    return found
