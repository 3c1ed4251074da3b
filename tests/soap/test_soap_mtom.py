"""The multipart scanner: whatever the cuts between chunks, the same parts; and what it refuses."""

from __future__ import annotations

import base64
import dataclasses
import email
import email.policy
import itertools
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soap_stubs import mime, outgoing

from xds.errors import Fault
from xds.soap.mtom import Base64, Content, Event, PartBegins, PartEnds, Scanner, content_id, multipart

# Pieces that look like boundaries, and pieces of them.
TRAPS = [
    b"\r\n",
    b"\r",
    b"\n",
    b"-",
    b"--",
    b"\r\n--b",
    b"\r\n--b1",
    b"--b1",
    b"b1--",
    b"\r\n--b1x",
    b"\r\n-",
    b"x",
    b"\0",
]
content = st.lists(st.sampled_from(TRAPS) | st.binary(max_size=8), max_size=12).map(b"".join)


def harmless(part: bytes) -> bool:
    """Whether it holds no boundary; white space may follow one. Source: RFC 2046: 5.1.1."""
    return re.search(rb"(?:\A|\r\n)--b1(?:--|[ \t]*(?:\r\n|\Z))", part) is None


def cut(message: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(message), *(place % (len(message) + 1) for place in places)})
    return [message[start:end] for start, end in itertools.pairwise(edges)]


def scan(chunks: list[bytes], boundary: str = "b1", **limits: int) -> list[tuple[dict[str, str], bytes]]:
    scanner = Scanner(boundary, **limits)
    parts: list[tuple[dict[str, str], bytes]] = []
    events: list[Event] = [event for chunk in chunks for event in scanner.feed(chunk)]
    scanner.finish()
    open_part = False
    for event in events:
        if isinstance(event, PartBegins):
            assert not open_part
            open_part = True
            parts.append((event.headers, b""))
        elif isinstance(event, Content):
            assert open_part and len(event.chunk)
            parts[-1] = (parts[-1][0], parts[-1][1] + event.chunk)
        elif isinstance(event, PartEnds):
            open_part = False
    assert not open_part
    return parts


@settings(max_examples=400)
@given(st.lists(content.filter(harmless), min_size=1, max_size=3), st.lists(st.integers(0, 10_000), max_size=20))
def test_cuts_change_nothing(contents: list[bytes], places: list[int]) -> None:
    message = mime(*((f"Content-ID: <{number}>", each) for number, each in enumerate(contents)))
    expected = [({"content-id": f"<{number}>"}, each) for number, each in enumerate(contents)]
    assert scan(cut(message, places)) == expected
    assert scan([message[place : place + 1] for place in range(len(message))]) == expected


def test_preamble_padding_epilogue_folding_and_parts_without_headers() -> None:
    message = (
        b"preamble\r\n--b1 \t\r\nA: 1\r\n  2\r\nb:x\r\n\r\none\r\n--b1\r\n\r\ntwo"
        b"\r\n--b1\r\nC: \r\n\r\n--b1--\r\nepilogue\r\n--b1\r\n"
    )
    expected = [({"a": "1  2", "b": "x"}, b"one"), ({}, b"two"), ({"c": ""}, b"")]
    assert scan([message]) == expected
    assert scan([bytes([byte]) for byte in message]) == expected


BROKEN = {
    "nothing": b"",
    "no boundary": b"hello",
    "other boundary": mime(("A: 1", b"x"), boundary="b2"),
    "not closed": mime(("A: 1", b"x"), closed=False),
    "cut in the boundary": mime(("A: 1", b"x"))[:-4],
    "cut in the headers": b"--b1\r\nA: 1\r\n",
    "no parts": b"--b1--\r\n",
    "long headers": b"--b1\r\nA: " + b"x" * 1_000_000 + b"\r\n\r\n",
    "header without a colon": mime(("A", b"x")),
    "header without a name": mime((": x", b"x")),
    "header twice": mime(("Content-ID: a\ncontent-id: b", b"x")),
    "long preamble": b"x" * 10_000 + mime(("A: 1", b"x")),
    "long epilogue": mime(("A: 1", b"x")) + b"x" * 10_000,
}


@pytest.mark.parametrize("message", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("size", [1, 7, 4096, 10_000_000])
def test_broken_messages(message: bytes, size: int) -> None:
    if size == 1:
        message = message[:20_000]
    chunks = [message[start : start + size] for start in range(0, len(message), size)]
    with pytest.raises(Fault) as caught:
        scan(chunks)
    assert caught.value.code == "Sender"


def test_number_of_parts() -> None:
    parts = [("A: 1", b"x")] * 5
    assert len(scan([mime(*parts)], max_parts=5)) == 5
    with pytest.raises(Fault, match="more than 4 parts"):
        scan([mime(*parts)], max_parts=4)


@pytest.mark.parametrize("filler", [b"x", b"\r\n", b"\r\n--b", b"-"])
def test_large_content_takes_little_time(filler: bytes) -> None:
    chunk = (filler * (1 << 20))[: 1 << 20]
    scanner = Scanner("b1")
    scanner.feed(b"--b1\r\n\r\n")
    began = time.process_time()
    size = sum(len(e.chunk) for _ in range(20) for e in scanner.feed(chunk) if isinstance(e, Content))
    assert size > 19 << 20
    assert time.process_time() - began < 5


def test_content_full_of_its_own_boundary_is_refused() -> None:
    scanner = Scanner("b1")
    scanner.feed(b"--b1\r\n\r\n")
    with pytest.raises(Fault, match="too often"):
        scanner.feed(b"\r\n--b1x" * 100_000)


@given(st.binary(max_size=200), st.lists(st.integers(0, 400), max_size=10), st.sampled_from(["plain", "lines"]))
def test_base64_in_chunks(document: bytes, places: list[int], style: str) -> None:
    text = base64.b64encode(document) if style == "plain" else base64.encodebytes(document).replace(b"\n", b"\r\n")
    decoder = Base64()
    decoded = b"".join(decoder.feed(memoryview(chunk)) for chunk in cut(text, places))
    decoder.finish()
    assert decoded == document


@pytest.mark.parametrize("text", [b"abc", b"a", b"ab=c", b"ab$=", b"YQ==YQ==", b"YQ==\r\nYQ==", b"===="])
@pytest.mark.parametrize("size", [1, 100])
def test_what_is_no_base64(text: bytes, size: int) -> None:
    decoder = Base64()
    with pytest.raises(Fault):
        for start in range(0, len(text), size):
            decoder.feed(text[start : start + size])
        decoder.finish()


def test_content_id() -> None:
    assert [content_id(text) for text in (" <a@b> ", "a@b", "<<a>", "<a")] == ["a@b", "a@b", "<a", "<a"]


def test_layout_of_an_answer() -> None:
    documents = [b"\r\none\r\n", b"", b"--two"]
    parts = [outgoing(f"d{number}@x", document) for number, document in enumerate(documents)]
    message = multipart(b"<root/>", "urn:a", parts)
    body = message.root + b"".join(head + document for head, document in zip(message.heads, documents, strict=True))
    body += message.tail
    assert len(body) == message.size
    parsed = email.message_from_bytes(
        f"Content-Type: {message.content_type}\r\n\r\n".encode() + body, policy=email.policy.HTTP
    )
    assert parsed.get_content_type() == "multipart/related" and not parsed.defects
    assert [parsed.get_param(name) for name in ("type", "start-info", "action")] == [
        "application/xop+xml",
        "application/soap+xml",
        "urn:a",
    ]
    read = scan([body], parsed.get_param("boundary"))
    assert [part for _, part in read] == [b"<root/>", *documents]
    assert read[0][0]["content-id"] == parsed.get_param("start")
    assert [headers["content-id"] for headers, _ in read[1:]] == ["<d0@x>", "<d1@x>", "<d2@x>"]


def test_a_stored_media_type_cannot_add_headers() -> None:
    hostile = dataclasses.replace(outgoing("d", b""), mime_type="text/plain\r\nX: y")
    assert b"X: y" not in multipart(b"", "urn:a", [hostile]).heads[0]
