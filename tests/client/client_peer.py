"""The other side of a conversation, written without our own SOAP code: a server that keeps what it was sent."""

from __future__ import annotations

import hashlib
import itertools
import mmap
import re
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from lxml import etree

from xds.model.coded import Coded
from xds.model.objects import SubmissionSet

SOAP = "http://www.w3.org/2003/05/soap-envelope"
RS = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"
SUCCESS = f'<rs:RegistryResponse xmlns:rs="{RS}" status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"/>'
BOUNDARY = "the-boundary"
PATIENT = "123^^^&1.2.3&ISO"


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def submission_set() -> SubmissionSet:
    """What a person says of a submission; the rest is derived."""
    return SubmissionSet(
        entry_uuid="", patient_id=PATIENT, source_id="1.2.3.9", content_type_code=Coded("1", "1.2.3.4", "One")
    )


def soap(body: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP}"><s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


def part(content_id: str, content: bytes, content_type: str = "application/octet-stream", encoding: str = "binary"):
    head = (
        f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\nContent-ID: <{content_id}>\r\n\r\n"
    )
    return head.encode() + content


def mtom(parts: Iterable[bytes]) -> Iterator[bytes]:
    """A multipart body of whole parts, in pieces."""
    for one in parts:
        yield f"\r\n--{BOUNDARY}\r\n".encode()
        yield one
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


@dataclass
class Answer:
    body: bytes | list[bytes] = field(default_factory=lambda: soap(SUCCESS))
    content_type: str = "application/soap+xml; charset=UTF-8"
    status: int = 200
    promised: int | None = None
    """Content-Length, when it is not the true one."""


def mtom_answer(parts: Iterable[bytes], start: str = "root") -> Answer:
    content_type = (
        f'multipart/related; boundary={BOUNDARY}; type="application/xop+xml"; start-info="application/soap+xml"'
    )
    return Answer(list(mtom(parts)), content_type + (f'; start="<{start}>"' if start else ""))


@dataclass
class Request:
    headers: Message
    envelope: etree._Element
    parts: dict[str, tuple[int, str]]
    """Size and SHA-1 of each attachment by Content-ID."""

    @property
    def body(self) -> etree._Element:
        return self.envelope.find(f"{{{SOAP}}}Body")[0]


class Peer(ThreadingHTTPServer):
    """Listens on loopback; gives `answer` to every request and keeps the last `request`."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None):
        super().__init__(("127.0.0.1", 0), _Handler)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"{'https' if context else 'http'}://localhost:{self.server_address[1]}/xds"
        self.answer = Answer()
        self.request: Request | None = None
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, request, client_address) -> None:
        """A client that breaks off is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Peer

    def do_POST(self) -> None:
        with tempfile.TemporaryFile() as file:
            left = int(self.headers["Content-Length"])
            while left:
                chunk = self.rfile.read(min(left, 1 << 18))
                left -= len(chunk)
                file.write(chunk)
            file.flush()
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
                self.server.request = _understood(self.headers, body)
        answer = self.server.answer
        chunks = answer.body if isinstance(answer.body, list) else [answer.body]
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(answer.promised or sum(map(len, chunks))))
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(chunk)
        if answer.promised:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""


def _understood(headers: Message, body: mmap.mmap) -> Request:
    if headers.get_content_type() != "multipart/related":
        return Request(headers, etree.fromstring(body[:]), {})
    delimiter = b"--" + headers.get_param("boundary").encode()
    places = [match.start() for match in re.finditer(re.escape(delimiter), body)]
    assert body[places[-1] : places[-1] + len(delimiter) + 4] == delimiter + b"--\r\n"
    found = {}
    envelope = None
    for begin, end in itertools.pairwise(places):
        begin += len(delimiter) + 2
        blank = body.find(b"\r\n\r\n", begin)
        content_id = re.search(rb"Content-ID: <(.*?)>", body[begin:blank])[1].decode()
        content = memoryview(body)[blank + 4 : end - 2]
        if f"<{content_id}>" == headers.get_param("start"):
            envelope = etree.fromstring(bytes(content))
        else:
            found[content_id] = (len(content), hashlib.sha1(content).hexdigest())
        content.release()
    return Request(headers, envelope, found)


def folder_is_empty(folder: Path) -> bool:
    return not list(folder.iterdir())
