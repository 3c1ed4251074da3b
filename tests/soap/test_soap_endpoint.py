"""A running server: answers, faults, attachments, limits, and that nothing staged is left behind."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import structlog
from lxml import etree
from soap_stubs import SOAP, WSA, Served, codes, envelope, include, mime, serve, sha1

from xds.soap import Limits

PLAIN = 'application/soap+xml; charset=UTF-8; action="urn:Plain"'
RELATED = (
    'multipart/related; type="application/xop+xml"; boundary="b1"; start="<root>"; '
    'start-info="application/soap+xml"; action="urn:Mirror"'
)
ROOT = 'Content-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\nContent-ID: <root>'
SMALL = Limits(envelope=4096, document=100_000, parts=4)
DOCUMENT = b"\r\n\0--b1x\r" * 2000

Answer = tuple[int, str, bytes]
Post = Callable[..., Awaitable[Answer]]


def run(folder: Path, script: Callable[[Served, Post], Awaitable[None]], limits: Limits | None = SMALL) -> None:
    """Serve, run `script`, and see that nothing is left staged."""

    async def main() -> None:
        async with serve(folder, limits) as served, aiohttp.ClientSession() as session:

            async def post(body: object, content_type: str = PLAIN, **headers: str) -> Answer:
                headers = {"Content-Type": content_type} | {name.replace("_", "-"): v for name, v in headers.items()}
                async with session.post(served.url, data=body, headers=headers) as response:
                    return response.status, response.headers["Content-Type"], await response.read()

            await script(served, post)
            await nothing_staged(served)

    asyncio.run(main())


async def nothing_staged(served: Served) -> None:
    for _ in range(200):
        if not served.staged_files():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a staged file is left")


def xop(*hrefs: str) -> bytes:
    return envelope(f'<Mirror xmlns="urn:test">{"".join(map(include, hrefs))}</Mirror>')


def test_an_answer(tmp_path: Path) -> None:
    async def script(served: Served, post: Post) -> None:
        headers = '<a:Action s:mustUnderstand="1">urn:Plain</a:Action><a:MessageID>urn:uuid:1</a:MessageID>'
        sent = envelope(headers=headers)
        status, content_type, body = await post(sent)
        assert (status, content_type) == (200, 'application/soap+xml; charset=UTF-8; action="urn:PlainR"')
        root = etree.fromstring(body)
        assert root.findtext(f".//{{{WSA}}}Action") == "urn:PlainR"
        assert root.findtext(f".//{{{WSA}}}RelatesTo") == "urn:uuid:1"
        assert root.find(f"{{{SOAP}}}Body/{{urn:test}}r") is not None
        seen = served.observed[-1]
        assert (seen.transaction, seen.status, seen.codes) == ("ITI-Plain", "PartialSuccess", ("XDSRegistryError",))
        assert (seen.received, seen.sent) == (len(sent), len(body)) and 0 < seen.seconds < 5

    run(tmp_path, script)


FAULTS: dict[str, tuple[bytes, str, list[str], int]] = {
    "no XML": (b"SECRET", PLAIN, ["Sender"], 400),
    "empty": (b"", PLAIN, ["Sender"], 400),
    "truncated": (envelope()[:-5], PLAIN, ["Sender"], 400),
    "DOCTYPE": (b"<!DOCTYPE SECRET>" + envelope()[38:], PLAIN, ["Sender"], 400),
    "SOAP 1.1": (
        envelope().replace(SOAP.encode(), b"http://schemas.xmlsoap.org/soap/envelope/"),
        "text/xml",
        ["VersionMismatch"],
        500,
    ),
    "form": (b"a=b", "application/x-www-form-urlencoded", ["Sender"], 415),
    "no boundary": (b"", "multipart/related; type=x", ["Sender"], 415),
    "endless boundary": (b"", f"multipart/related; boundary={'b' * 300}", ["Sender"], 415),
    "charset": (envelope(), "application/soap+xml; charset=SECRET", ["Sender"], 415),
    "large": (envelope("x" * 5000), PLAIN, ["Sender"], 413),
    "unknown message": (envelope('<x xmlns="SECRET"/>'), "application/soap+xml", ["Sender", "ActionNotSupported"], 400),
    "other action in Content-Type": (
        envelope(),
        'application/soap+xml; action="urn:x"',
        ["Sender", "InvalidAddressingHeader", "ActionMismatch"],
        400,
    ),
    "other wsa:Action": (
        envelope(headers="<a:Action>urn:Mirror</a:Action>"),
        PLAIN,
        ["Sender", "InvalidAddressingHeader", "ActionMismatch"],
        400,
    ),
    "crash": (envelope('<Plain xmlns="urn:test" do="crash"/>'), PLAIN, ["Receiver"], 500),
    "unavailable": (envelope('<Plain xmlns="urn:test" do="unavailable"/>'), PLAIN, ["Receiver"], 500),
    "its own fault": (envelope('<Plain xmlns="urn:test" do="fault"/>'), PLAIN, ["Sender"], 400),
    "document that can't be read": (
        envelope('<Always xmlns="urn:test" do="broken"/>'),
        "application/soap+xml",
        ["Receiver"],
        500,
    ),
}


@pytest.mark.parametrize(("body", "content_type", "expected", "status"), FAULTS.values(), ids=FAULTS.keys())
def test_faults(tmp_path: Path, body: bytes, content_type: str, expected: list[str], status: int) -> None:
    async def script(served: Served, post: Post) -> None:
        with structlog.testing.capture_logs() as logs:
            found, answered, fault = await post(body, content_type)
        assert (found, codes(fault)) == (status, expected)
        assert answered.startswith("application/soap+xml; charset=UTF-8; action=")
        assert b"SECRET" not in fault and "SECRET" not in repr(logs) and "999911120" not in repr(logs)
        assert served.observed[-1].status == "Fault"

    run(tmp_path, script)


@pytest.mark.parametrize(
    ("headers", "mandatory"),
    [("", None), ("<a:MessageID>urn:uuid:1</a:MessageID>", "1"), ("<a:Action>urn:Plain</a:Action>", "1")],
)
def test_whoever_sends_no_addressing_need_not_understand_ours(
    tmp_path: Path, headers: str, mandatory: str | None
) -> None:
    async def script(served: Served, post: Post) -> None:
        _, _, body = await post(envelope(headers=headers))
        (action,) = etree.fromstring(body).iter(f"{{{WSA}}}Action")
        assert (action.text, action.get(f"{{{SOAP}}}mustUnderstand")) == ("urn:PlainR", mandatory)

    run(tmp_path, script)


def test_a_fault_names_the_message_it_answers(tmp_path: Path) -> None:
    async def script(served: Served, post: Post) -> None:
        two = "<a:MessageID>urn:uuid:&lt;</a:MessageID><a:Action>urn:x</a:Action>"
        _, _, fault = await post(envelope(headers=two))
        root = etree.fromstring(fault)
        assert root.findtext(f".//{{{WSA}}}RelatesTo") == "urn:uuid:<"
        assert root.findtext(f".//{{{WSA}}}ProblemAction/{{{WSA}}}Action") == "urn:x"

    run(tmp_path, script)


def test_other_headers(tmp_path: Path) -> None:
    async def script(served: Served, post: Post) -> None:
        assert (await post(envelope(), "application/soap+xml"))[0] == 200
        assert (await post(envelope(), "text/xml"))[0] == 200
        assert (await post(envelope(), PLAIN, SOAPAction='"urn:Plain"'))[0] == 200
        assert (await post(envelope(), PLAIN, SOAPAction='""'))[0] == 200
        assert (await post(envelope(), PLAIN, SOAPAction='"urn:x"'))[0] == 400
        status, _, fault = await post(b"\x1f\x8b", PLAIN, Content_Encoding="gzip")
        assert (status, codes(fault)) == (415, ["Sender"])

    run(tmp_path, script)


MTOM = {
    "root first": (RELATED, [(ROOT, xop("cid:d%40x")), ("Content-ID: <d@x>", DOCUMENT)]),
    "root last": (
        RELATED,
        [("Content-ID: <d@x>\nContent-Transfer-Encoding: Binary", DOCUMENT), (ROOT, xop("CID:d@x"))],
    ),
    "no start": (
        "Multipart/Related; boundary=b1",
        [("Content-Type: application/soap+xml", xop("cid:d@x")), ("content-id:<d@x>", DOCUMENT)],
    ),
    "percent signs in both": (RELATED, [(ROOT, xop("cid:u%3Ad@x")), ("Content-ID: <u%3Ad@x>", DOCUMENT)]),
    "a URL as Content-ID": (RELATED, [(ROOT, xop("cid:http%3A%2F%2Fx%2F1")), ("Content-ID: <http://x/1>", DOCUMENT)]),
    "dots": (RELATED, [(ROOT, xop("cid:..%2F%2E%2E/a")), ("Content-ID: <../../a>", DOCUMENT)]),
    "quotes": (RELATED, [(ROOT, xop("cid:a&quot;] | //*[@x=&quot;1")), ('Content-ID: <a"] | //*[@x="1>', DOCUMENT)]),
    "base64": (
        RELATED,
        [
            (ROOT, xop("cid:d")),
            (
                "Content-ID: <d>\nContent-Transfer-Encoding: base64",
                base64.encodebytes(DOCUMENT).replace(b"\n", b"\r\n"),
            ),
        ],
    ),
}


@pytest.mark.parametrize(("content_type", "parts"), MTOM.values(), ids=MTOM.keys())
def test_mtom(tmp_path: Path, content_type: str, parts: list[tuple[str, bytes]]) -> None:
    async def script(served: Served, post: Post) -> None:
        status, answered, body = await post(mime(*parts), content_type)
        assert status == 200 and answered.startswith('multipart/related; type="application/xop+xml"; boundary=')
        assert f"size='{len(DOCUMENT)}' sha1='{sha1(DOCUMENT)}'".encode() in body

    run(tmp_path, script)


def test_an_unused_part_is_discarded(tmp_path: Path) -> None:
    async def script(served: Served, post: Post) -> None:
        assert (await post(mime((ROOT, xop()), ("Content-ID: <d>", b"x" * 90_000)), RELATED))[0] == 200

    run(tmp_path, script)


STAGED = ("Content-ID: <d>", b"x" * 90_000)
BROKEN: dict[str, tuple[list[tuple[str, bytes]], int]] = {
    "unknown cid": ([(ROOT, xop("cid:e")), STAGED], 400),
    "http": ([(ROOT, xop("http://127.0.0.1:9/")), STAGED], 400),
    "file": ([(ROOT, xop("file:///etc/passwd")), STAGED], 400),
    "no href": ([(ROOT, xop("")), STAGED], 400),
    "one part twice": ([(ROOT, xop("cid:d", "cid:%64")), STAGED], 400),
    "two parts meant": (
        [(ROOT, xop("cid:%2564")), ("Content-ID: <%64>", b"y"), ("Content-ID: <%2564>", b"z"), STAGED],
        400,
    ),
    "Content-ID twice": ([(ROOT, xop("cid:d")), STAGED, STAGED], 400),
    "root twice": ([(ROOT, xop("cid:d")), STAGED, (ROOT, xop())], 400),
    "no Content-ID": ([(ROOT, xop("cid:d")), STAGED, ("Content-Type: text/plain", b"x")], 400),
    "no root": ([STAGED], 400),
    "root of another type": ([STAGED, ("Content-ID: <root>\nContent-Type: text/plain", xop())], 415),
    "quoted-printable": (
        [(ROOT, xop()), STAGED, ("Content-ID: <e>\nContent-Transfer-Encoding: quoted-printable", b"")],
        400,
    ),
    "no base64": ([(ROOT, xop()), STAGED, ("Content-ID: <e>\nContent-Transfer-Encoding: base64", b"a$$$")], 400),
    "half base64": ([(ROOT, xop()), STAGED, ("Content-ID: <e>\nContent-Transfer-Encoding: base64", b"abc")], 400),
    "parts": ([(ROOT, xop()), STAGED, *((f"Content-ID: <{n}>", b"") for n in range(3))], 400),
    "large root": ([STAGED, (ROOT, envelope("x" * 5000))], 413),
    "large document": ([(ROOT, xop()), STAGED, ("Content-ID: <e>", b"x" * 100_001)], 413),
    "broken XML in the root": ([STAGED, (ROOT, b"<a>")], 400),
}


@pytest.mark.parametrize(("parts", "status"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_mtom_leaves_nothing_staged(tmp_path: Path, parts: list[tuple[str, bytes]], status: int) -> None:
    async def script(served: Served, post: Post) -> None:
        assert (await post(mime(*parts), RELATED))[0] == status

    run(tmp_path, script)


def test_action_of_the_root_part(tmp_path: Path) -> None:
    async def script(served: Served, post: Post) -> None:
        root = 'Content-Type: application/xop+xml; type="application/soap+xml; action=\\"urn:x\\""\nContent-ID: <root>'
        status, _, fault = await post(mime((root, xop())), RELATED)
        assert (status, codes(fault)[-1]) == (400, "ActionMismatch")

    run(tmp_path, script)


@pytest.mark.parametrize("message", ["Plain", "Mirror", "Always"])
@pytest.mark.parametrize("related", [False, True])
def test_when_the_answer_is_mtom(tmp_path: Path, message: str, related: bool) -> None:
    async def script(served: Served, post: Post) -> None:
        sent = envelope(f'<{message} xmlns="urn:test"/>')
        if related:
            _, answered, _ = await post(mime((ROOT, sent)), RELATED.replace("Mirror", message))
        else:
            _, answered, _ = await post(sent, "application/soap+xml")
        expected = message == "Always" or (message == "Mirror" and related)
        assert answered.startswith("multipart/related" if expected else "application/soap+xml")

    run(tmp_path, script)


def test_a_large_document_is_streamed(tmp_path: Path) -> None:
    async def script(served: Served, post: Post) -> None:
        status, _, body = await post(envelope('<Always xmlns="urn:test" do="large"/>'), "application/soap+xml")
        assert status == 200 and body.count(b"x" * 3_000_000) == 1 and body.endswith(b"--\r\n")
        assert served.observed[-1].sent == len(body)

    run(tmp_path, script)


def test_an_answer_that_breaks_off_is_cut(tmp_path: Path) -> None:
    async def script(served: Served, post: Post) -> None:
        with pytest.raises(aiohttp.ClientPayloadError):
            await post(envelope('<Always xmlns="urn:test" do="cut"/>'), "application/soap+xml")
        assert served.observed[-1].status == "Disconnected"

    run(tmp_path, script)


def request_bytes(body: bytes, length: int) -> bytes:
    head = f"POST /actor HTTP/1.1\r\nHost: x\r\nContent-Type: {RELATED}\r\nContent-Length: {length}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize("sixteenth", range(1, 16))
def test_a_sender_that_goes_away(tmp_path: Path, sixteenth: int) -> None:
    message = mime((ROOT, xop("cid:d")), ("Content-ID: <d>", b"x" * 2_000_000))
    sent = request_bytes(message, len(message))
    sent = sent[: len(sent) * sixteenth // 16]

    async def script(served: Served, post: Post) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(sent)
        await writer.drain()
        for _ in range(300):
            if served.staged_files() or sixteenth < 6:
                break
            await asyncio.sleep(0.01)
        writer.transport.abort()
        for _ in range(300):
            if served.observed:
                break
            await asyncio.sleep(0.01)
        assert served.observed[-1].status == "Disconnected"

    run(tmp_path, script, Limits())


def test_content_length_too_short(tmp_path: Path) -> None:
    message = mime((ROOT, xop("cid:d")), ("Content-ID: <d>", b"x" * 2_000_000))

    async def script(served: Served, post: Post) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(request_bytes(message, len(message) - 100))
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.") == 1

    run(tmp_path, script, Limits())


def test_a_sender_that_stops_sending(tmp_path: Path) -> None:
    async def script(served: Served, post: Post) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(request_bytes(mime((ROOT, xop("cid:d")), closed=False), 100_000))
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        writer.close()

    run(tmp_path, script, Limits(idle=0.05))


def test_chunked_uploads_of_any_cut(tmp_path: Path) -> None:
    message = mime((ROOT, xop("cid:d")), ("Content-ID: <d>", DOCUMENT * 40))

    async def script(served: Served, post: Post) -> None:
        for size in (1000, 4093, 65_537, len(message)):

            async def chunks(size: int = size) -> object:
                for start in range(0, len(message), size):
                    yield message[start : start + size]

            _, _, body = await post(chunks(), RELATED)
            assert sha1(DOCUMENT * 40).encode() in body

    run(tmp_path, script, Limits())


def test_attachments_where_none_are_taken(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, stores=False) as served, aiohttp.ClientSession() as session:
            for parts, status in (([(ROOT, xop())], 200), ([(ROOT, xop()), STAGED], 400)):
                async with session.post(served.url, data=mime(*parts), headers={"Content-Type": RELATED}) as response:
                    assert response.status == status

    asyncio.run(main())
