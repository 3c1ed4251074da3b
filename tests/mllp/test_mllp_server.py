"""The MLLP server on a real socket, with a real index behind it."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import pytest
import trustme

from xds.db import open_database
from xds.mllp.handle import handle
from xds.mllp.server import Limits, MllpServer
from xds.model.affinity_domain import BSN_OID, AffinityDomain
from xds.model.audit import Entry
from xds.ports import Index
from xds.web.accept import TlsListener
from xds.web.share import alone

ANNA, EVA = f"999911120^^^&{BSN_OID}&ISO", f"999900006^^^&{BSN_OID}&ISO"
Answer = Callable[[bytes], Awaitable[bytes]]


def adt(event: str, patient: str, subsumed: str = "", control_id: str = "1") -> bytes:
    text = f"MSH|^~\\&|EPD|ZH|XDS|REG|20260301||ADT^{event}|{control_id}|P|2.3.1\rEVN|{event}\rPID|||{patient}\r"
    return (text + (f"MRG|{subsumed}\r" if subsumed else "")).encode()


def frame(message: bytes) -> bytes:
    return b"\x0b" + message + b"\x1c\r"


async def echo(message: bytes) -> bytes:
    return b"got %d" % len(message)


@asynccontextmanager
async def serving(
    answer: Answer,
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
    refused: Callable[[str, str], None] = lambda peer, reason: None,
) -> AsyncIterator[tuple[MllpServer, int]]:
    sock = socket.create_server(("127.0.0.1", 0))

    def listen(sock: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> TlsListener:
        assert tls is not None
        return TlsListener(sock, tls, protocol, refused, alone())

    async def answer_anybody(message: bytes, transport: asyncio.BaseTransport) -> bytes:
        return await answer(message)

    server = MllpServer(answer_anybody, sock, listen if tls else None, limits)
    await server.start()
    try:
        yield server, sock.getsockname()[1]
    finally:
        await server.stop(grace=1.0)


class Peer:
    """A sender of messages."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port: int, tls: ssl.SSLContext | None = None) -> Peer:
        name = "localhost" if tls else None
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name))

    async def send(self, octets: bytes) -> bytes:
        self.writer.write(octets)
        return await self.reply()

    async def reply(self) -> bytes:
        answer = await self.reader.readuntil(b"\x1c\r")
        assert answer[:1] == b"\x0b"
        return answer[1:-2]

    async def is_disconnected(self) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(), 5) == b""
        except (ConnectionError, ssl.SSLError):
            return True


class Registered:
    """Registrations in a real index."""

    def __init__(self, index: Index):
        self.index = index

    async def add(self, patients: Mapping[str, date | None], entries: Sequence[Entry]) -> None:
        await self.index.write(lambda writer: [writer.add_patient(patient_id) for patient_id in patients])

    async def merge(self, merges: Sequence[tuple[str, str]], entries: Sequence[Entry]) -> None:
        await self.index.write(lambda writer: [writer.merge_patient(*merge) for merge in merges])

    async def answer(self, message: bytes) -> bytes:
        return await handle(message, AffinityDomain(assigning_authorities=frozenset({BSN_OID})), self.add, self.merge)

    async def knows(self, patient_id: str) -> bool:
        return await self.index.read(lambda reader: reader.patient(patient_id)) is not None


def test_patients_become_known_and_are_merged(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/index.db", create=True)

    async def go() -> None:
        registry = Registered(database)
        async with serving(registry.answer) as (_, port):
            peer = await Peer.connect(port)
            for number, patient in enumerate((ANNA, EVA, ANNA)):
                assert b"MSA|AA|c%d\r" % number in await peer.send(frame(adt("A04", patient, "", f"c{number}")))
            assert await registry.knows(ANNA)
            assert await registry.knows(EVA)
            assert b"MSA|AE" in await peer.send(frame(adt("A01", f"123456789^^^&{BSN_OID}&ISO")))
            assert not await registry.knows(f"123456789^^^&{BSN_OID}&ISO")
            assert b"MSA|AA" in await peer.send(frame(adt("A40", ANNA, EVA)))
            assert await registry.knows(ANNA)
            assert not await registry.knows(EVA)

    try:
        asyncio.run(go())
    finally:
        database.close()


def test_messages_may_come_in_any_pieces_and_several_at_once() -> None:
    async def go() -> None:
        async with serving(echo) as (_, port):
            peer = await Peer.connect(port)
            peer.writer.write(frame(b"a") + frame(b"bb") + b"\r\n" + frame(b"ccc"))
            assert [await peer.reply() for _ in range(3)] == [b"got 1", b"got 2", b"got 3"]
            for octet in frame(b"dddd\x1cd"):
                peer.writer.write(bytes([octet]))
                await peer.writer.drain()
            assert await peer.reply() == b"got 6"

    asyncio.run(go())


@pytest.mark.parametrize(
    "octets",
    [
        b"MSH|^~\\&|",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\r\n" * 40,
        frame(b"x" * 2000),
        b"\x0b" + b"x" * 2000,
        b"\xff" * 10_000,
    ],
)
def test_a_peer_that_breaks_the_framing_is_disconnected_and_others_are_served(
    octets: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        async with serving(echo, Limits(message=1000)) as (_, port):
            good, bad = await Peer.connect(port), await Peer.connect(port)
            bad.writer.write(octets)
            assert await bad.is_disconnected()
            assert await good.send(frame(b"hello")) == b"got 5"

    with caplog.at_level(logging.DEBUG):
        asyncio.run(go())
    assert "disconnected" in caplog.text
    assert all(octets[start : start + 8].decode("latin-1") not in caplog.text for start in range(0, len(octets) - 8, 8))


def test_a_connection_that_ends_within_a_message_leaves_nothing_done() -> None:
    asked = []

    async def answer(message: bytes) -> bytes:
        asked.append(message)
        return b"ok"

    async def go() -> None:
        async with serving(answer) as (_, port):
            peer = await Peer.connect(port)
            peer.writer.write(frame(adt("A01", ANNA))[:-1])
            peer.writer.write_eof()
            assert await peer.is_disconnected()

    asyncio.run(go())
    assert asked == []


@pytest.mark.parametrize(
    ("octets", "limits"),
    [
        (b"", Limits(first=0.05)),
        (b"\r\n", Limits(first=0.05)),
        (b"\x0bMSH", Limits(transfer=0.05)),
    ],
)
def test_a_silent_peer_is_disconnected(octets: bytes, limits: Limits) -> None:
    async def go() -> None:
        async with serving(echo, limits) as (_, port):
            peer = await Peer.connect(port)
            peer.writer.write(octets)
            assert await peer.is_disconnected()

    asyncio.run(go())


def test_an_idle_feed_is_disconnected() -> None:
    async def go() -> None:
        async with serving(echo, Limits(idle=0.05)) as (_, port):
            peer = await Peer.connect(port)
            assert await peer.send(frame(b"a")) == b"got 1"
            assert await peer.is_disconnected()

    asyncio.run(go())


def test_a_peer_that_does_not_read_its_answers_is_disconnected() -> None:
    async def answer(message: bytes) -> bytes:
        return bytes(8 * 1024 * 1024)

    async def go() -> None:
        async with serving(answer, Limits(transfer=0.1)) as (_, port):
            peer = await Peer.connect(port)
            peer.writer.transport.pause_reading()
            ended = asyncio.get_running_loop().create_future()
            logging.getLogger("xds.mllp.server").addFilter(
                seen := lambda record: ended.set_result(record.getMessage()) or True
            )
            peer.writer.write(frame(b"x"))
            assert "disconnected" in await asyncio.wait_for(ended, 5)
            logging.getLogger("xds.mllp.server").removeFilter(seen)
            peer.writer.transport.abort()

    asyncio.run(go())


def test_connections_are_bounded_and_a_place_is_given_back() -> None:
    async def go() -> None:
        async with serving(echo, Limits(connections=2)) as (_, port):
            first, second = await Peer.connect(port), await Peer.connect(port)
            assert await first.send(frame(b"a")) == b"got 1"
            assert await second.send(frame(b"a")) == b"got 1"
            assert await (await Peer.connect(port)).is_disconnected()
            first.writer.write_eof()
            assert await first.is_disconnected()
            assert await (await Peer.connect(port)).send(frame(b"a")) == b"got 1"

    asyncio.run(go())


def test_a_silent_connection_yields_its_place_and_a_feed_keeps_its_own() -> None:
    async def go() -> None:
        async with serving(echo, Limits(connections=3, first=60.0)) as (_, port):
            feed = await Peer.connect(port)
            assert await feed.send(frame(b"a")) == b"got 1"
            silent = [await Peer.connect(port) for _ in range(5)]
            assert [await peer.is_disconnected() for peer in silent[:3]] == [True] * 3
            assert await silent[4].send(frame(b"a")) == b"got 1"
            assert await feed.send(frame(b"ab")) == b"got 2"

    asyncio.run(go())


def test_over_tls_only_peers_with_a_certificate_are_served() -> None:
    authority = trustme.CA()
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    authority.issue_cert("localhost").configure_cert(ours)
    authority.configure_trust(ours)
    authority.configure_trust(theirs)
    ours.verify_mode = ssl.CERT_REQUIRED

    refused: list[tuple[str, str]] = []

    async def go() -> None:
        async with serving(echo, tls=ours, refused=lambda *told: refused.append(told)) as (_, port):
            stranger = await Peer.connect(port, theirs)
            stranger.writer.write(frame(b"a"))
            assert await stranger.is_disconnected()
            authority.issue_cert("epd.example").configure_cert(theirs)
            peer = await Peer.connect(port, theirs)
            assert await peer.send(frame(b"abc")) == b"got 3"
            plain = await Peer.connect(port)
            plain.writer.write(frame(b"a" * 100))
            assert await plain.is_disconnected()
            assert await peer.send(frame(b"abc")) == b"got 3"
            peer.writer.close()

    asyncio.run(go())
    assert {peer for peer, _ in refused} == {"127.0.0.1"} and len(refused) == 2


def test_stopping_answers_what_was_begun_and_disconnects_who_waits() -> None:
    async def go() -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def answer(message: bytes) -> bytes:
            begun.set()
            await go_on.wait()
            return b"done"

        async with serving(answer) as (server, port):
            idle, busy = await Peer.connect(port), await Peer.connect(port)
            busy.writer.write(frame(b"x"))
            await begun.wait()
            stopping = asyncio.create_task(server.stop(grace=5.0))
            assert await idle.is_disconnected()
            go_on.set()
            assert await busy.reply() == b"done"
            assert await busy.is_disconnected()
            await stopping
            with pytest.raises(OSError):
                await Peer.connect(port)

    asyncio.run(go())


def test_stopping_does_not_wait_longer_than_the_grace() -> None:
    async def go() -> None:
        begun = asyncio.Event()

        async def answer(message: bytes) -> bytes:
            begun.set()
            await asyncio.Event().wait()
            return b""

        async with serving(answer) as (server, port):
            peer = await Peer.connect(port)
            peer.writer.write(frame(b"x"))
            await begun.wait()
            await server.stop(grace=0.05)
            assert await peer.is_disconnected()

    asyncio.run(go())


def test_who_is_not_admitted_any_more_gets_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    answers = [b"one", None]

    async def answer(message: bytes, transport: asyncio.BaseTransport) -> bytes | None:
        assert transport.get_extra_info("peername")[0] == "127.0.0.1"
        return answers.pop(0)

    async def converse() -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        server = MllpServer(answer, sock)
        await server.start()
        peer = await Peer.connect(sock.getsockname()[1])
        assert await peer.send(frame(b"one")) == b"one"
        peer.writer.write(frame(b"two"))
        assert await peer.is_disconnected()
        await server.stop(grace=1.0)

    asyncio.run(converse())
    assert "no participant that may send" in caplog.text
