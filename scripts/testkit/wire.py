"""SOAP, MTOM and MLLP as a client needs them: small, and independent of the product."""

from __future__ import annotations

import email.parser
import http.client
import socket
import ssl
import uuid
from dataclasses import dataclass
from email.policy import HTTP
from urllib.parse import urlsplit

from lxml import etree

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
XDSB = "urn:ihe:iti:xds-b:2007"
XOP = "http://www.w3.org/2004/08/xop/include"
TIMEOUT = 30


@dataclass
class Answer:
    """`body` is the element in the SOAP Body, or the Fault; `parts` are attachments by Content-ID."""

    status: int
    body: etree._Element
    parts: dict[str, bytes]

    @property
    def is_fault(self) -> bool:
        return self.body.tag == f"{{{SOAP}}}Fault"


def envelope(action: str, url: str, body: bytes) -> bytes:
    """A SOAP 1.2 request with WS-Addressing."""
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{WSA}"><s:Header><a:Action s:mustUnderstand="1">{action}</a:Action>'
        f"<a:MessageID>urn:uuid:{uuid.uuid4()}</a:MessageID><a:To>{url}</a:To></s:Header><s:Body>"
    ).encode() + body + b"</s:Body></s:Envelope>"  # fmt: skip


def multipart(root: bytes, parts: dict[str, bytes], action: str) -> tuple[bytes, str]:
    """A MTOM message and its Content-Type."""
    boundary = f"part-{uuid.uuid4()}"
    head = (
        f'--{boundary}\r\nContent-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\n'
        "Content-Transfer-Encoding: binary\r\nContent-ID: <root@testkit>\r\n\r\n"
    )
    message = head.encode() + root
    for name, content in parts.items():
        message += (
            f"\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n"
            f"Content-ID: <{name}>\r\n\r\n"
        ).encode() + content
    content_type = (
        f'multipart/related; type="application/xop+xml"; boundary="{boundary}"; start="<root@testkit>"; '
        f'start-info="application/soap+xml"; action="{action}"'
    )
    return message + f"\r\n--{boundary}--\r\n".encode(), content_type


def post(url: str, action: str, body: bytes, parts: dict[str, bytes] | None, tls: ssl.SSLContext | None) -> Answer:
    """Send a request and read its answer; OSError when there is none."""
    message = envelope(action, url, body)
    content_type = f'application/soap+xml; charset=UTF-8; action="{action}"'
    if parts is not None:
        message, content_type = multipart(message, parts, action)
    to = urlsplit(url)
    if to.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(to.netloc, timeout=TIMEOUT, context=tls)
    else:
        connection = http.client.HTTPConnection(to.netloc, timeout=TIMEOUT)
    try:
        connection.request("POST", to.path, message, {"Content-Type": content_type})
        response = connection.getresponse()
        return read_answer(response.status, response.headers["Content-Type"], response.read())
    finally:
        connection.close()


def read_answer(status: int, content_type: str, content: bytes) -> Answer:
    """Take a plain or MTOM answer apart; ValueError when it is neither."""
    parts: dict[str, bytes] = {}
    root = content
    if content_type.startswith("multipart/related"):
        headers = email.parser.Parser(policy=HTTP).parsestr(f"Content-Type: {content_type}\r\n\r\n")
        boundary = headers.get_boundary()
        if not boundary:
            raise ValueError("the multipart answer has no boundary")
        pieces = (b"\r\n" + content).split(b"\r\n--" + boundary.encode())[1:-1]
        for piece in pieces:
            head, _, data = piece.partition(b"\r\n\r\n")
            fields = email.parser.BytesParser(policy=HTTP).parsebytes(head.lstrip(b"\r\n") + b"\r\n\r\n")
            parts[str(fields.get("Content-ID", "")).strip("<> ")] = data
        start = str(headers.get_param("start", "")).strip("<>")
        root = parts.pop(start) if start in parts else parts.pop(next(iter(parts)))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    found = etree.fromstring(root, parser).find(f"{{{SOAP}}}Body")
    if found is None or len(found) != 1:
        raise ValueError("the answer is no SOAP 1.2 envelope with one element in its Body")
    return Answer(status, found[0], parts)


def feed(url: str, patient_id: str, tls: ssl.SSLContext | None) -> bool:
    """Make a patient known by ITI-8 (ADT^A04); whether it was acknowledged."""
    to = urlsplit(url)
    message = "\r".join(
        (
            f"MSH|^~\\&|TESTKIT|NIST|XDS|XDS|20260101120000||ADT^A04^ADT_A01|{uuid.uuid4().hex[:20]}|P|2.3.1",
            "EVN||20260101120000",
            f"PID|||{patient_id}||TEST^PATIENT||19900101|F",
            "PV1||O",
        )
    )
    with socket.create_connection((to.hostname, to.port), TIMEOUT) as plain:
        link = tls.wrap_socket(plain, server_hostname=to.hostname) if to.scheme == "mllps" and tls else plain
        link.sendall(b"\x0b" + message.encode() + b"\x1c\x0d")
        answer = b""
        while not answer.endswith(b"\x1c\x0d"):
            chunk = link.recv(4096)
            if not chunk:
                break
            answer += chunk
    return b"MSA|AA" in answer
