"""MIME multipart/related without I/O: bytes in, events out; and parts in, bytes out.

Source: RFC 2046: 5.1.1; RFC 2387; MTOM 1.0; XOP 1.0.
"""

from __future__ import annotations

import binascii
import re
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from xds.errors import Fault
from xds.transaction import Outgoing

MAX_HEADER = 8192
MAX_AROUND = 8192
"""Most bytes of a preamble or an epilogue."""
MAX_PARTS = 1000
_MAX_LOOKALIKES = 10_000

_AFTER_DELIMITER = re.compile(rb"--|[ \t]{0,64}\r\n")
_MAYBE_AFTER = re.compile(rb"-|[ \t]{0,64}\r?")
_WHITE = b" \t\r\n"


class PartBegins(NamedTuple):
    """A part with its headers, by their names in lower case."""

    headers: dict[str, str]


class Content(NamedTuple):
    """Bytes of the part that began last."""

    chunk: bytes | memoryview


class PartEnds(NamedTuple):
    """The part that began last is complete."""


Event = PartBegins | Content | PartEnds

_PREAMBLE, _HEADERS, _BODY, _EPILOGUE = range(4)


class Scanner:
    """Split a multipart body that comes in chunks of any size.

    Sender faults for what is no multipart body or breaks a limit. Content is handed on without being copied, except
    for the few bytes at the end of a chunk that may begin a boundary.
    """

    def __init__(self, boundary: str, *, max_parts: int = MAX_PARTS):
        self._delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
        self._max_parts = max_parts
        self._parts = 0
        self._around = 0
        self._lookalikes = 0
        self._state = _PREAMBLE
        # The first boundary may stand at the very beginning, without the CRLF that belongs to the others.
        self._rest = b"\r\n"
        # The CRLF that ends the headers may be the one of the next boundary, when a part is empty.
        self._held = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that these bytes complete."""
        buffer = b"".join((self._rest, chunk)) if self._rest else chunk
        self._rest = b""
        events: list[Event] = []
        position: int | None = 0
        while position is not None:
            if self._state == _BODY:
                position = self._body(buffer, position, events)
            elif self._state == _HEADERS:
                position = self._headers(buffer, position, events)
            elif self._state == _PREAMBLE:
                position = self._preamble(buffer, position)
            else:
                self._count_around(len(buffer) - position)
                position = None
        return events

    def finish(self) -> None:
        """Say that no more bytes come: a Sender fault unless the closing boundary was seen."""
        if self._state != _EPILOGUE:
            raise Fault("the MIME message ends without its closing boundary")

    def _preamble(self, buffer: bytes, position: int) -> int | None:
        found, after, closing = self._find(buffer, position)
        self._count_around(found - position)
        if after is None:
            self._rest = buffer[found:]
            return None
        if closing:
            raise Fault("the MIME message has no parts")
        return self._begin_headers(after)

    def _headers(self, buffer: bytes, position: int, events: list[Event]) -> int | None:
        empty = buffer.startswith(b"\r\n", position)
        end = position if empty else buffer.find(b"\r\n\r\n", position, position + MAX_HEADER)
        if end < 0 or len(buffer) < position + 2:
            if len(buffer) - position >= MAX_HEADER:
                raise Fault(f"the headers of a MIME part are longer than {MAX_HEADER} bytes")
            self._rest = buffer[position:]
            return None
        events.append(PartBegins({} if empty else _parse_headers(buffer[position:end])))
        self._state = _BODY
        self._held = 2
        return end if empty else end + 2

    def _body(self, buffer: bytes, position: int, events: list[Event]) -> int | None:
        found, after, closing = self._find(buffer, position)
        start = position + self._held
        if found >= start:
            self._held = 0
        if found > start:
            whole = start == 0 and found == len(buffer)
            events.append(Content(buffer if whole else memoryview(buffer)[start:found]))
        if after is None:
            self._rest = buffer[found:]
            return None
        events.append(PartEnds())
        if closing:
            self._state = _EPILOGUE
            self._around = 0
            return after
        return self._begin_headers(after)

    def _begin_headers(self, position: int) -> int:
        self._parts += 1
        if self._parts > self._max_parts:
            raise Fault(f"the MIME message has more than {self._max_parts} parts")
        self._state = _HEADERS
        return position

    def _count_around(self, size: int) -> None:
        self._around += size
        if self._around > MAX_AROUND:
            raise Fault(f"more than {MAX_AROUND} bytes stand before the first or after the last MIME boundary")

    def _find(self, buffer: bytes, position: int) -> tuple[int, int | None, bool]:
        """Where the next boundary begins, where it ends, and whether it closes the message.

        The end is None when there is none yet; then all before the beginning is certainly no boundary.
        """
        delimiter = self._delimiter
        while (found := buffer.find(delimiter, position)) >= 0:
            after = found + len(delimiter)
            match = _AFTER_DELIMITER.match(buffer, after)
            if match is not None:
                return found, match.end(), match[0] == b"--"
            maybe = _MAYBE_AFTER.match(buffer, after)
            if maybe is not None and maybe.end() == len(buffer):
                return found, None, False
            # A longer line that only begins like the boundary. No sender chooses one that its content is full of.
            self._lookalikes += 1
            if self._lookalikes > _MAX_LOOKALIKES:
                raise Fault("the MIME boundary occurs too often inside the parts")
            position = found + 2
        return self._maybe_begun(buffer, position), None, False

    def _maybe_begun(self, buffer: bytes, position: int) -> int:
        start = max(position, len(buffer) - len(self._delimiter) + 1)
        while (start := buffer.find(b"\r", start)) >= 0:
            if self._delimiter.startswith(buffer[start:]):
                return start
            start += 1
        return len(buffer)


def _parse_headers(block: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in re.sub(rb"\r\n(?=[ \t])", b"", block).split(b"\r\n"):
        name, colon, value = line.partition(b":")
        key = name.strip().lower().decode("latin-1")
        if not colon or not key or key in headers:
            raise Fault("a MIME part has a header line without a name, or the same header twice")
        headers[key] = value.strip().decode("latin-1")
    return headers


class Base64:
    """Decode base64 that comes in chunks of any size, in lines or not."""

    def __init__(self) -> None:
        self._rest = b""
        self._padded = False

    def feed(self, chunk: bytes | memoryview) -> bytes:
        """The bytes that are complete now; a Sender fault for what is no base64."""
        text = self._rest + bytes(chunk).translate(None, _WHITE)
        usable = len(text) - len(text) % 4
        self._rest = text[usable:]
        if self._padded and text:
            raise Fault("a MIME part has bytes after the end of its base64")
        try:
            decoded = binascii.a2b_base64(text[:usable], strict_mode=True)
        except binascii.Error:
            raise Fault("a MIME part is not the base64 that its Content-Transfer-Encoding promises") from None
        self._padded = self._padded or text[:usable].endswith(b"=")
        return decoded

    def finish(self) -> None:
        """Say that no more comes: a Sender fault when the last group is incomplete."""
        if self._rest:
            raise Fault("a MIME part ends in the middle of its base64")


class Multipart(NamedTuple):
    """An MTOM message to be sent: `root` first, then each attachment after its head, then `tail`."""

    content_type: str
    size: int
    root: bytes
    heads: tuple[bytes, ...]
    tail: bytes


def multipart(root: bytes, action: str, attachments: Sequence[Outgoing]) -> Multipart:
    """Lay out an MTOM message whose size is known before its attachments are read."""
    boundary = f"MIME_{secrets.token_hex(16)}"
    start = "root@xds"
    line = f"--{boundary}\r\n"
    first = (
        f'{line}Content-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\n'
        f"Content-Transfer-Encoding: binary\r\nContent-ID: <{start}>\r\n\r\n"
    ).encode()
    heads = tuple(
        (
            f"\r\n{line}Content-Type: {_header_value(attachment.mime_type)}\r\nContent-Transfer-Encoding: binary\r\n"
            f"Content-ID: <{attachment.content_id}>\r\n\r\n"
        ).encode()
        for attachment in attachments
    )
    tail = f"\r\n--{boundary}--\r\n".encode()
    content_type = (
        f'multipart/related; type="application/xop+xml"; boundary="{boundary}"; start="<{start}>"; '
        f'start-info="application/soap+xml"; action="{action}"'
    )
    size = len(first) + len(root) + sum(map(len, heads)) + sum(part.size for part in attachments) + len(tail)
    return Multipart(content_type, size, first + root, heads, tail)


def _header_value(text: str) -> str:
    """`text` where it can stand in a header; a stored mimeType may be anything."""
    return text if text.isascii() and text.isprintable() and text.strip() else "application/octet-stream"


def content_id(text: str) -> str:
    """A Content-ID, or the start parameter, without its angle brackets."""
    text = text.strip()
    return text[1:-1] if text.startswith("<") and text.endswith(">") else text
