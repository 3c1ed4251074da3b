"""The feed to an audit repository, which is there, away, slow to trust, or dies: over real TLS on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import re
import select
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from atna_log import append, change
from lxml import etree

from xds.atna.syslog import Feed, Repository
from xds.db import Database
from xds.errors import Unavailable

_FRAME = re.compile(rb"(\d+) ")
_LINE = re.compile(
    rb'<85>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z \S+ xds \d+ IHE\+RFC-3881 '
    rb'\[record@32473 log="xds.example/log" seq="(\d+)"\] \xef\xbb\xbf(<AuditMessage>.*</AuditMessage>)',
    re.S,
)  # fmt: skip


class AuditRepository:
    """Takes messages at a port of this machine until it is stopped.

    `dies_after` bytes it resets the connection; `leaves_after` bytes it ends the connection without a word of TLS, as
    the servers of Python's socketserver do.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        port: int = 0,
        dies_after: int | None = None,
        leaves_after: int | None = None,
    ):
        self._context = context
        self._dies_after = dies_after
        self._leaves_after = leaves_after
        self._listening = socket.create_server(("127.0.0.1", port))
        self.port = self._listening.getsockname()[1]
        self.messages: list[tuple[int, bytes]] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                with contextlib.suppress(OSError), connection:
                    self._take(connection)

    def _take(self, connection: socket.socket) -> None:
        with self._context.wrap_socket(connection, server_side=True) as secured:
            octets = b""
            while chunk := secured.recv(65536):
                octets += chunk
                if self._dies_after is not None and len(octets) > self._dies_after:
                    # As the kernel does for a process that died with something unread.
                    connection_reset = struct.pack("ii", 1, 0)
                    secured.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, connection_reset)
                    return
                if self._leaves_after is not None and len(octets) > self._leaves_after:
                    self._leave(secured)
                    return
            while frame := _FRAME.match(octets):
                end = frame.end() + int(frame[1])
                line = _LINE.fullmatch(octets[frame.end() : end])
                assert line is not None and end <= len(octets)
                self.messages.append((int(line[1]), line[2]))
                octets = octets[end:]
            assert not octets
            if self._leaves_after is not None:
                return
            with contextlib.suppress(OSError):
                secured.unwrap()

    def _leave(self, connection: socket.socket) -> None:
        """End the connection, and close it when the other end has done so, or a moment later."""
        connection.shutdown(socket.SHUT_WR)
        ended = select.poll()
        ended.register(connection, select.POLLRDHUP)
        ended.poll(100)


@pytest.fixture
def repository(certificates) -> Iterator[AuditRepository]:
    repository = AuditRepository(certificates.server)
    yield repository
    repository.stop()


def feed(database: Database, context: ssl.SSLContext, port: int) -> Feed:
    return Feed(database, Repository("127.0.0.1", port, context), "xds.example/log")


def sent(feed: Feed) -> int:
    return asyncio.run(feed.send())


def numbers(repository: AuditRepository) -> list[int]:
    return [seq for seq, _ in repository.messages]


def test_everything_is_sent_in_order_and_once(database: Database, certificates, repository: AuditRepository) -> None:
    append(database, 3)
    ours = feed(database, certificates.client, repository.port)
    assert [sent(ours), sent(ours)] == [3, 0]
    append(database, 2)
    assert asyncio.run(ours.waiting()) == 2
    again = feed(database, certificates.client, repository.port)
    assert [sent(again), sent(again)] == [2, 0]
    assert numbers(repository) == [0, 1, 2, 3, 4]
    events = [etree.fromstring(message).find("EventIdentification/EventID") for _, message in repository.messages]
    assert [event.get("csd-code") for event in events if event is not None] == ["110112"] * 5


def test_a_repository_that_was_away_gets_everything_later(database: Database, certificates) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ours = feed(database, certificates.client, port)
    append(database, 700)
    for _ in range(3):
        with pytest.raises(Unavailable):
            sent(ours)
    repository = AuditRepository(certificates.server, port)
    assert [sent(ours), sent(ours), sent(ours)] == [500, 200, 0]
    repository.stop()
    assert numbers(repository) == list(range(700))


def test_what_a_repository_may_not_have_read_is_sent_again(database: Database, certificates) -> None:
    append(database, 20)
    dying = AuditRepository(certificates.server, dies_after=3000)
    with pytest.raises(Unavailable):
        sent(feed(database, certificates.client, dying.port))
    dying.stop()
    repository = AuditRepository(certificates.server)
    assert sent(feed(database, certificates.client, repository.port)) == 20
    repository.stop()
    assert numbers(repository) == list(range(20))


def test_who_leaves_without_having_read_all_gets_it_again(database: Database, certificates) -> None:
    append(database, 60)
    leaving = AuditRepository(certificates.server, leaves_after=1)
    with pytest.raises(Unavailable):
        sent(feed(database, certificates.client, leaving.port))
    leaving.stop()
    impolite = AuditRepository(certificates.server, leaves_after=1 << 20)
    assert sent(feed(database, certificates.client, impolite.port)) == 60
    impolite.stop()
    assert numbers(impolite) == list(range(60))


def test_a_repository_that_is_not_known_gets_nothing(database: Database, certificates, repository) -> None:
    append(database, 1)
    with pytest.raises(Unavailable):
        sent(feed(database, certificates.stranger, repository.port))
    assert repository.messages == []


def test_a_record_without_a_payload_is_passed_over(database: Database, certificates, repository) -> None:
    append(database, 4)
    database.write_now(lambda writer: writer.log.delete_payloads(2))
    assert sent(feed(database, certificates.client, repository.port)) == 4
    assert numbers(repository) == [2, 3]


def test_a_record_that_was_spoiled_holds_up_no_other(
    database: Database, certificates, repository, tmp_path: Path
) -> None:
    append(database, 3)
    change(tmp_path / "log.db", "UPDATE log_record SET payload = X'7B2272756C65223A22FF227D' WHERE seq = 1")
    assert sent(feed(database, certificates.client, repository.port)) == 3
    assert numbers(repository) == [0, 2]


def test_a_running_feed_goes_on_by_itself(database: Database, certificates, repository: AuditRepository) -> None:
    async def run() -> None:
        running = asyncio.create_task(feed(database, certificates.client, repository.port).run())
        async with asyncio.timeout(20):
            while len(repository.messages) < 3:
                await asyncio.sleep(0.01)
                if not repository.messages:
                    append(database, 1)
                elif len(repository.messages) == 1:
                    append(database, 2)
        running.cancel()

    asyncio.run(run())
    assert numbers(repository)[:3] == [0, 1, 2]
