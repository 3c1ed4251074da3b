"""SOAP, MTOM and MLLP as a client needs them: small, and independent of the product."""

from __future__ import annotations

import email.parser
import http.client
import socket
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import HTTP
from urllib.parse import urlsplit

from lxml import etree

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
TIMEOUT = 30
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)


@dataclass(frozen=True)
class Message:
    """What goes over the wire: the octets of an HTTP entity and what they are."""

    content_type: str
    content: bytes


@dataclass(frozen=True)
class Answer:
    """A SOAP answer taken apart.

    `body` is the element in the SOAP Body, a Fault too; `parts` are the attachments by Content-ID.
    """

    status: int
    received: Message
    header: etree._Element | None
    body: etree._Element
    parts: Mapping[str, bytes]

    @property
    def is_fault(self) -> bool:
        return self.body.tag == f"{{{SOAP}}}Fault"

    def addressing(self, name: str) -> str | None:
        """The text of a WS-Addressing header."""
        found = self.header.find(f"{{{WSA}}}{name}") if self.header is not None else None
        return (found.text or "").strip() if found is not None else None


class Unreadable(Exception):
    """An answer that is neither a SOAP 1.2 envelope nor an MTOM message with one; `received` is what came."""

    def __init__(self, reason: str, received: Message):
        super().__init__(reason)
        self.received = received


def envelope(
    action: str, url: str, message_id: str, body: etree._Element, security: etree._Element | None = None
) -> bytes:
    """Write a SOAP 1.2 request with WS-Addressing, and with a Security header if there is one."""
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"s": SOAP, "a": WSA})
    header = etree.SubElement(root, f"{{{SOAP}}}Header")
    for name, text in (("Action", action), ("MessageID", message_id), ("To", url)):
        etree.SubElement(header, f"{{{WSA}}}{name}").text = text
    header[0].set(f"{{{SOAP}}}mustUnderstand", "1")
    if security is not None:
        security.set(f"{{{SOAP}}}mustUnderstand", "1")
        header.append(security)
    etree.SubElement(root, f"{{{SOAP}}}Body").append(body)
    return etree.tostring(root)


def plain(root: bytes, action: str) -> Message:
    return Message(f'application/soap+xml; charset=UTF-8; action="{action}"', root)


def multipart(root: bytes, parts: Mapping[str, bytes], action: str) -> Message:
    """Write an MTOM message."""
    boundary = f"part-{uuid.uuid4()}"
    root_type = 'application/xop+xml; charset=UTF-8; type="application/soap+xml"'
    message = _part(boundary, root_type, "root@testkit", root)
    for name, content in parts.items():
        message += b"\r\n" + _part(boundary, "application/octet-stream", name, content)
    content_type = (
        f'multipart/related; type="application/xop+xml"; boundary="{boundary}"; start="<root@testkit>"; '
        f'start-info="application/soap+xml"; action="{action}"'
    )
    return Message(content_type, message + f"\r\n--{boundary}--\r\n".encode())


def _part(boundary: str, content_type: str, name: str, content: bytes) -> bytes:
    head = (
        f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-ID: <{name}>\r\n\r\n"
    )
    return head.encode() + content


def post(url: str, message: Message, tls: ssl.SSLContext | None) -> Answer:
    """Send a request and read its answer; raise OSError when none comes, Unreadable when it is not understood."""
    to = urlsplit(url)
    if to.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(to.netloc, timeout=TIMEOUT, context=tls)
    else:
        connection = http.client.HTTPConnection(to.netloc, timeout=TIMEOUT)
    try:
        connection.request("POST", to.path or "/", message.content, {"Content-Type": message.content_type})
        response = connection.getresponse()
        received = Message(response.headers.get("Content-Type", ""), response.read())
    except http.client.HTTPException as error:
        raise OSError(f"no HTTP answer: {error!r}") from None
    finally:
        connection.close()
    return read_answer(response.status, received)


def read_answer(status: int, received: Message) -> Answer:
    """Take a plain or MTOM answer apart."""
    head = email.parser.Parser(policy=HTTP).parsestr(f"Content-Type: {received.content_type}\r\n\r\n")
    parts: dict[str, bytes] = {}
    root = received.content
    if head.get_content_type() == "multipart/related":
        parts = _split(head, received)
        start = str(head.get_param("start", "")).strip("<> ") or next(iter(parts), "")
        if start not in parts:
            raise Unreadable("the multipart answer has no root part", received)
        root = parts.pop(start)
    elif head.get_content_type() != "application/soap+xml":
        raise Unreadable(f"HTTP {status} with Content-Type {received.content_type or '(none)'}", received)
    try:
        found = etree.fromstring(root, _PARSER)
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"HTTP {status}, and its XML can't be parsed: {error}", received) from None
    body = found.find(f"{{{SOAP}}}Body")
    content = [each for each in body if isinstance(each.tag, str)] if body is not None else []
    if found.tag != f"{{{SOAP}}}Envelope" or len(content) != 1:
        raise Unreadable("the answer is no SOAP 1.2 envelope with one element in its Body", received)
    return Answer(status, received, found.find(f"{{{SOAP}}}Header"), content[0], parts)


def _split(head: EmailMessage, received: Message) -> dict[str, bytes]:
    delimiter = b"\r\n--" + (head.get_boundary() or "").encode()
    pieces = (b"\r\n" + received.content).split(delimiter)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise Unreadable("the multipart answer is not closed by its boundary", received)
    parts = {}
    for piece in pieces[1:-1]:
        lines, separator, content = piece.partition(b"\r\n\r\n")
        fields = email.parser.BytesParser(policy=HTTP).parsebytes(lines.lstrip(b" \t\r\n") + b"\r\n\r\n")
        name = str(fields.get("Content-ID", "")).strip("<> ")
        encoding = str(fields.get("Content-Transfer-Encoding", "binary")).strip().lower()
        if not separator or not name or name in parts or encoding not in ("binary", "8bit", "7bit"):
            raise Unreadable("a part has no blank line, no Content-ID of its own, or an encoded content", received)
        parts[name] = content
    return parts


def feed(url: str, patient_id: str, tls: ssl.SSLContext | None) -> str:
    """Register a patient by ITI-8 (ADT^A04); return the acknowledgement code, empty when there is none."""
    to = urlsplit(url)
    message = "\r".join(
        (
            f"MSH|^~\\&|TESTKIT|TESTKIT|XDS|XDS|20260101120000||ADT^A04^ADT_A01|{uuid.uuid4().hex[:20]}|P|2.3.1",
            "EVN||20260101120000",
            f"PID|||{patient_id}||TEST^PATIENT||19900101|F",
            "PV1||O",
            "",
        )
    )
    with socket.create_connection((to.hostname, to.port), TIMEOUT) as link:
        if to.scheme == "mllps" and tls is not None:
            link = tls.wrap_socket(link, server_hostname=to.hostname)
        with link:
            link.sendall(b"\x0b" + message.encode() + b"\x1c\r")
            answer = b""
            while not answer.endswith(b"\x1c\r"):
                chunk = link.recv(4096)
                if not chunk:
                    break
                answer += chunk
    segments = answer.strip(b"\x0b\x1c\r").decode("latin-1").split("\r")
    return next((each.split("|")[1] for each in segments if each.startswith("MSA|")), "")
