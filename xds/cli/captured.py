"""A captured message as a file has it: with or without HTTP headers, MIME or XML, its line ends perhaps damaged.

Source: RFC 9112: 2.1 and 7.1; RFC 2046: 5.1.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from multidict import CIMultiDict

from xds.soap.content_type import parse_content_type

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_START_LINE = re.compile(r"[A-Z]+ \S+ HTTP/[0-9.]+|HTTP/[0-9.]+ .*")
_CHUNK = re.compile(rb"(?:\r\n)?([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)")


class Unreadable(Exception):
    """The file holds nothing that could be a message; the text says why."""


class Captured(NamedTuple):
    """A message. `headers` are those of HTTP, with a Content-Type for MIME in any case.

    `repaired` says that bare LF line ends were made CRLF again where MIME wants them.
    """

    headers: Mapping[str, str]
    body: bytes
    multipart: bool = False
    repaired: bool = False


def read_captured(content: bytes) -> Captured:
    """Take a file apart. Unreadable when it begins neither with XML, nor a MIME boundary, nor headers."""
    content = content.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    headers: CIMultiDict[str] = CIMultiDict()
    if not content.lstrip().startswith((b"<", b"--")):
        headers, content = _split_headers(content)
    if "chunked" in headers.get("Transfer-Encoding", "").lower():
        content = _joined(content)
    if content.lstrip().startswith(b"<"):
        return Captured(headers, content)
    content_type = parse_content_type(headers.get("Content-Type", ""))
    boundary = content_type.parameters.get("boundary", "").encode("latin-1", "replace")
    if not boundary:
        boundary = _first_boundary(content)
        headers.setdefault(
            "Content-Type", f'multipart/related; type="application/xop+xml"; boundary="{boundary.decode("latin-1")}"'
        )
    repaired = re.search(rb"--" + re.escape(boundary) + rb"[ \t]*\n", content) is not None
    return Captured(headers, _repair(content, boundary) if repaired else content, True, repaired)


def _split_headers(content: bytes) -> tuple[CIMultiDict[str], bytes]:
    end = _BLANK_LINE.search(content)
    if end is None:
        raise Unreadable("it begins neither with XML, nor with a MIME boundary, nor with HTTP headers")
    lines = re.sub(r"\r?\n[ \t]+", " ", content[: end.start()].decode("latin-1")).splitlines()
    if _START_LINE.fullmatch(lines[0]):
        del lines[0]
    fields = [_FIELD.fullmatch(line) for line in lines]
    headers: CIMultiDict[str] = CIMultiDict()
    for field in fields:
        if field is None:
            raise Unreadable("it begins neither with XML, nor with a MIME boundary, nor with HTTP headers")
        headers.add(field[1], field[2].strip())
    return headers, content[end.end() :].lstrip(b"\r\n")


def _joined(content: bytes) -> bytes:
    """The content of HTTP chunks; what is none, as a tool that joined them wrote it, is left as it is."""
    pieces, at = [], 0
    while (size := _CHUNK.match(content, at)) is not None:
        at = size.end() + int(size[1], 16)
        if at == size.end():
            return b"".join(pieces)
        pieces.append(content[size.end() : at])
    return content


def _first_boundary(content: bytes) -> bytes:
    line = content.split(b"\n", 1)[0].rstrip()
    if not line.startswith(b"--") or len(line) < 3:
        raise Unreadable("what follows the headers is neither XML, nor a MIME boundary, nor whole HTTP chunks")
    return line[2:]


def _repair(content: bytes, boundary: bytes) -> bytes:
    """The boundaries and part headers with CRLF; the content of the parts as it is."""
    delimiter = b"--" + boundary
    pieces = re.split(rb"(?:\A|\r?\n)" + re.escape(delimiter) + rb"(--)?[ \t]*(?:\r?\n|\Z)", content)
    repaired = [pieces[0]]
    for closing, part in zip(pieces[1::2], pieces[2::2], strict=True):
        repaired.append(b"\r\n" + delimiter + (closing or b"") + b"\r\n")
        if closing:
            break
        end = _BLANK_LINE.search(part)
        if end is None or part.startswith((b"\n", b"\r\n")):
            repaired.append(re.sub(rb"\A\r?\n", b"\r\n", part))
        else:
            repaired.append(re.sub(rb"\r?\n", b"\r\n", part[: end.start()]) + b"\r\n\r\n" + part[end.end() :])
    return b"".join(repaired)
