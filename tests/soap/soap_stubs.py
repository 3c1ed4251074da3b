"""A transaction that repeats what it got, and a server to offer it."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from lxml import etree
from lxml.etree import _Element

from xds.errors import Fault, Unavailable
from xds.soap import Limits, add_actor
from xds.store.files import FileDocuments
from xds.transaction import Answered, Context, Outgoing, Reply, Transaction

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
INCLUDE = "{http://www.w3.org/2004/08/xop/include}Include"


async def echo(message: _Element, context: Context) -> Reply:
    """Tell what came; do what the attribute `do` asks for."""
    match message.get("do"):
        case "crash":
            raise ValueError("SECRET 999911120")
        case "unavailable":
            raise Unavailable("the disk is full")
        case "fault":
            raise Fault("a & b <c>")
        case "large":
            return Reply((b"<r/>",), (outgoing("a", b"x" * 3_000_000),))
        case "broken":
            return Reply((b"<r/>",), (Outgoing("a", "text/plain", 3_000_000, unavailable),))
        case "cut":
            return Reply((b"<r/>",), (Outgoing("a", "text/plain", 3_000_000, half),))
    staged = [context.attachments[unquote(include.get("href")[4:])] for include in message.iter(INCLUDE)]
    text = "".join(f"<part size='{part.size}' sha1='{part.hash}'/>" for part in staged)
    return Reply((f"<r xmlns='urn:test'>{text}</r>".encode(),), codes=("XDSRegistryError",), status="PartialSuccess")


async def unavailable() -> AsyncIterator[bytes]:
    raise Unavailable("gone")
    yield b""


async def half() -> AsyncIterator[bytes]:
    yield b"x" * 1_000_000
    raise Unavailable("gone")


def outgoing(content_id: str, content: bytes) -> Outgoing:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 100_000):
            yield content[start : start + 100_000]

    return Outgoing(content_id, "text/plain", len(content), chunks)


def transaction(name: str, mtom: str) -> Transaction:
    return Transaction(
        f"ITI-{name}", name, "registry", f"{{urn:test}}{name}", f"urn:{name}", f"urn:{name}R", mtom, echo
    )


TRANSACTIONS = (transaction("Plain", "never"), transaction("Mirror", "mirror"), transaction("Always", "always"))


class Served:
    """A running server with the stub transactions. `observed` has what became of each request."""

    def __init__(self, root: Path):
        self.root = root
        self.documents = FileDocuments(root / "documents")
        self.observed: list[Answered] = []
        self.url = ""
        self.port = 0

    def staged_files(self) -> list[Path]:
        return list((self.root / "documents" / "tmp").iterdir())


@contextlib.asynccontextmanager
async def serve(root: Path, limits: Limits | None = None, *, stores: bool = True) -> AsyncIterator[Served]:
    served = Served(root)
    app = web.Application()

    def context(**known: Any) -> Context:
        return Context(registry=None, repository=None, **known)

    add_actor(
        app,
        "/actor",
        TRANSACTIONS,
        context_factory=context,
        documents=served.documents if stores else None,
        limits=limits,
        observe=served.observed.append,
    )
    runner = web.AppRunner(app, access_log=None, read_bufsize=256 * 1024, auto_decompress=False, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    served.url = f"http://127.0.0.1:{served.port}/actor"
    try:
        yield served
    finally:
        await runner.cleanup()
        served.documents.close()


def envelope(body: str = '<Plain xmlns="urn:test"/>', headers: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP}" xmlns:a="{WSA}" '
        f'xmlns:xop="http://www.w3.org/2004/08/xop/include"><s:Header>{headers}</s:Header>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def mime(*parts: tuple[str, bytes], boundary: str = "b1", closed: bool = True) -> bytes:
    """A multipart body of (headers, content) parts."""
    lines = b"".join(
        b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary.encode(), headers.replace("\n", "\r\n").encode(), content)
        for headers, content in parts
    )
    return lines + (f"--{boundary}--\r\n".encode() if closed else b"")


def include(href: str) -> str:
    return f'<xop:Include href="{href}"/>'


def codes(fault: bytes) -> list[str]:
    """The local names of a fault's code and subcodes."""
    root = etree.fromstring(fault)
    return [value.text.partition(":")[2] for value in root.iter(f"{{{SOAP}}}Value")]


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()
