"""The transport under zeep: SOAP and MTOM over HTTP, documents streamed from and to files, byte for byte.

Source: ITI TF-2: Appendix V.3.6 and V.8; MTOM 1.0; XOP 1.0.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, NamedTuple

import requests
from lxml import etree
from lxml.etree import _Element
from zeep.transports import Transport

from xds.errors import Fault, Unavailable
from xds.soap.content_type import ContentType, parse_content_type
from xds.soap.mtom import Base64, Content, PartBegins, PartEnds, Scanner, content_id, multipart
from xds.xmlio import MAX_BYTES

_CHUNK = 1 << 20
_MAX_PARTS = 10_000

Progress = Callable[[int], object]
"""Told how many more bytes went over the line."""


class Part(NamedTuple):
    """A document to be sent; `size` in bytes."""

    content_id: str
    mime_type: str
    size: int
    source: Path | bytes


class Spooled(NamedTuple):
    """A part that was received into a file. `hash` is SHA-1, lower-case hex."""

    path: Path
    size: int
    hash: str


class Received(NamedTuple):
    """An answer: its HTTP status, its envelope, and its other parts by Content-ID."""

    status: int
    envelope: bytes
    parts: dict[str, Spooled]


class MtomTransport(Transport):
    """Sends with `post_message`; zeep itself only loads the WSDL through it.

    The environment (proxies, .netrc, CA bundles) is not heeded: a health care network is what the caller says it is.
    """

    def __init__(self, *, certificate: Path | None, key: Path | None, ca: Path | None, timeout: float):
        session = requests.Session()
        session.trust_env = False
        session.headers["Accept-Encoding"] = "identity"
        if certificate is not None:
            session.cert = (str(certificate), str(key)) if key is not None else str(certificate)
        if ca is not None:
            session.verify = str(ca)
        super().__init__(session=session, operation_timeout=timeout)

    def close(self) -> None:
        self.session.close()

    def post_message(
        self,
        url: str,
        envelope: _Element,
        action: str,
        parts: Sequence[Part] | None,
        spool: Path | None,
        progress: Progress,
    ) -> Received:
        """Send an envelope and receive the answer, whatever its HTTP status.

        It goes as MTOM unless `parts` is None. Parts of the answer are written into the folder `spool`; None drops
        them. Unavailable when the peer can't be reached, breaks off, or answers something that isn't SOAP.
        """
        root = etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")
        if parts is None:
            body: _Body | bytes = root
            content_type = f'application/soap+xml; charset=UTF-8; action="{action}"'
        else:
            body = _Body(root, action, parts, progress)
            content_type = body.content_type
        try:
            response = self.session.post(
                url,
                data=body,
                headers={"Content-Type": content_type},
                timeout=self.operation_timeout,
                stream=True,
                allow_redirects=False,
            )
            with closing(response):
                return _receive(response, spool, progress)
        except requests.RequestException as error:
            # What requests says of an error may hold the whole URL and addresses, never content.
            raise Unavailable(f"{url} can't be reached: {_reason(error)}") from None
        except Fault as error:
            raise Unavailable(f"{url} answers what is not intelligible: {error.reason}") from None


class _Body:
    """An MTOM message as requests sends it: iterated once, its length known before."""

    def __init__(self, root: bytes, action: str, parts: Sequence[Part], progress: Progress):
        self._layout = multipart(root, action, parts)
        self._parts = parts
        self._progress = progress
        self.content_type = self._layout.content_type

    def __len__(self) -> int:
        return self._layout.size

    def __iter__(self) -> Iterator[bytes]:
        yield self._layout.root
        for head, part in zip(self._layout.heads, self._parts, strict=True):
            yield head
            for chunk in _chunks(part):
                yield chunk
                self._progress(len(chunk))
        yield self._layout.tail


def _chunks(part: Part) -> Iterator[bytes]:
    """The bytes of a part, exactly as many as were promised."""
    if isinstance(part.source, bytes):
        yield part.source
        return
    left = part.size
    with part.source.open("rb", buffering=0) as file:
        while left:
            chunk = file.read(min(left, _CHUNK))
            if not chunk:
                raise Unavailable(f"{part.source} became shorter while it was sent")
            left -= len(chunk)
            yield chunk


def _receive(response: requests.Response, spool: Path | None, progress: Progress) -> Received:
    content_type = parse_content_type(response.headers.get("Content-Type", ""))
    chunks = response.iter_content(_CHUNK // 4)
    if content_type.media_type == "multipart/related":
        sorter = _Sorter(content_type, spool)
        try:
            for chunk in chunks:
                progress(len(chunk))
                sorter.feed(chunk)
            return Received(response.status_code, sorter.finish(), sorter.parts)
        except BaseException:
            sorter.discard()
            raise
    if content_type.media_type not in ("application/soap+xml", "application/xop+xml", "text/xml"):
        media_type = content_type.media_type or "without a Content-Type"
        raise Fault(f"HTTP {response.status_code}, {media_type}")
    envelope = bytearray()
    for chunk in chunks:
        _extend(envelope, chunk)
    return Received(response.status_code, bytes(envelope), {})


class _Sorter:
    """Takes a multipart answer apart: the envelope into memory, each other part into a file."""

    def __init__(self, content_type: ContentType, spool: Path | None):
        boundary = content_type.parameters.get("boundary", "")
        if not boundary:
            raise Fault("multipart without a boundary")
        self._scanner = Scanner(boundary, max_parts=_MAX_PARTS)
        self._start = content_id(content_type.parameters.get("start", ""))
        self._spool = spool
        self._envelope: bytearray | None = None
        self._in_root = False
        self._writing: _SpoolFile | None = None
        self.parts: dict[str, Spooled] = {}

    def feed(self, chunk: bytes) -> None:
        for event in self._scanner.feed(chunk):
            if isinstance(event, PartBegins):
                self._begin(event.headers)
            elif isinstance(event, Content):
                if self._in_root and self._envelope is not None:
                    _extend(self._envelope, event.chunk)
                elif self._writing is not None:
                    self._writing.write(event.chunk)
            elif isinstance(event, PartEnds) and self._writing is not None:
                self.parts[self._writing.name] = self._writing.finish()
                self._writing = None

    def finish(self) -> bytes:
        """The envelope; a fault when the message is incomplete."""
        self._scanner.finish()
        if self._envelope is None:
            raise Fault("multipart without the part that its start parameter names")
        return bytes(self._envelope)

    def discard(self) -> None:
        """Remove every file."""
        if self._writing is not None:
            self._writing.discard()
        for part in self.parts.values():
            part.path.unlink(missing_ok=True)

    def _begin(self, headers: dict[str, str]) -> None:
        name = content_id(headers.get("content-id", ""))
        # Without a start parameter the first part is the root. Source: RFC 2387: 3.2.
        self._in_root = self._envelope is None and (name == self._start or not self._start)
        if self._in_root:
            self._envelope = bytearray()
        elif self._spool is not None:
            if not name or name in self.parts:
                raise Fault("a MIME part without a Content-ID of its own")
            self._writing = _SpoolFile(self._spool, name, headers.get("content-transfer-encoding", "binary"))


class _SpoolFile:
    """A part on its way into a file."""

    def __init__(self, folder: Path, name: str, encoding: str):
        self.name = name
        encoding = encoding.strip().lower()
        if encoding not in ("binary", "8bit", "7bit", "base64"):
            raise Fault("a MIME part in an unknown Content-Transfer-Encoding")
        self._decode = Base64() if encoding == "base64" else None
        self._hash = hashlib.sha1(usedforsecurity=False)
        self._size = 0
        descriptor, path = tempfile.mkstemp(prefix=".receiving-", dir=folder)
        self._path = Path(path)
        self._file: BinaryIO = os.fdopen(descriptor, "wb", buffering=0)

    def write(self, chunk: bytes | memoryview) -> None:
        if self._decode is not None:
            chunk = self._decode.feed(chunk)
        self._hash.update(chunk)
        self._size += len(chunk)
        rest = memoryview(chunk)
        while rest:
            rest = rest[self._file.write(rest) :]

    def finish(self) -> Spooled:
        if self._decode is not None:
            self._decode.finish()
        self._file.close()
        return Spooled(self._path, self._size, self._hash.hexdigest())

    def discard(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


def _extend(envelope: bytearray, chunk: bytes | memoryview) -> None:
    if len(envelope) + len(chunk) > MAX_BYTES:
        raise Fault(f"an envelope larger than {MAX_BYTES} bytes")
    envelope += chunk


def _reason(error: requests.RequestException) -> str:
    """What went wrong, in words, without the addresses of objects that requests puts around it."""
    cause: BaseException = error
    while (inner := getattr(cause, "reason", None) or (cause.args[0] if cause.args else None)) is not None:
        if not isinstance(inner, BaseException) or inner is cause:
            break
        cause = inner
    text = str(cause)
    return text.partition(">: ")[2] or text or type(error).__name__
