"""The MLLP socket. Source: HL7 Transport Specification: MLLP, Release 1; ITI TF-2: Appendix C.2.1."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

_START = b"\x0b"
_END = b"\x1c\r"

Answer = Callable[[bytes, asyncio.BaseTransport], Awaitable[bytes | None]]
"""The answer to a message from the other end of a connection; None when its sender may not send (any more)."""


class Listener(Protocol):
    """What accepts connections until it is closed."""

    def close(self) -> None: ...


Listen = Callable[[socket.socket, Callable[[], asyncio.Protocol]], Listener]
"""Begin to accept connections on a socket."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one peer, and all together, may take. Sizes in bytes, times in seconds.

    `first` is the time until the first message begins, `idle` that between messages, `transfer` that for one message to
    arrive or one answer to leave.
    """

    message: int = 256 * 1024
    connections: int = 100
    first: float = 30.0
    idle: float = 300.0
    transfer: float = 30.0


class _Disconnect(Exception):
    """Why a peer is disconnected, in words that hold nothing it sent."""


class MllpServer:
    """Answers each message with what `answer` returns; several messages per connection, one after the other.

    When there are as many connections as there may be, the oldest of those that have not begun a message yields its
    place to a new one.
    """

    def __init__(
        self,
        answer: Answer,
        sock: socket.socket,
        listen_tls: Listen | None = None,
        limits: Limits | None = None,
    ):
        """Serve on a bound socket, which several processes may share; without `listen_tls` not over TLS."""
        self._answer = answer
        self._sock = sock
        self._listen_tls = listen_tls
        self._limits = limits or Limits()
        self._server: Listener | None = None
        self._waiting: set[asyncio.Task[None]] = set()
        self._working: set[asyncio.Task[None]] = set()
        self._silent: dict[asyncio.Task[None], str] = {}
        self._stopping = False

    async def start(self) -> None:
        """Begin to accept connections."""
        if self._listen_tls is None:
            self._server = await asyncio.get_running_loop().create_server(self._protocol, sock=self._sock)
        else:
            self._server = self._listen_tls(self._sock, self._protocol)

    async def stop(self, grace: float = 10.0) -> None:
        """Accept nothing more, let messages that were begun be answered for `grace` seconds, and disconnect."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for task in self._waiting:
            task.cancel()
        tasks = self._waiting | self._working
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _protocol(self) -> asyncio.Protocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(self._limits.message), self._connected)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        # An answer has left only when the buffer is empty: `drain` waits for that.
        writer.transport.set_write_buffer_limits(0)
        peer = (writer.get_extra_info("peername") or ("?",))[0]
        try:
            if len(self._waiting) + len(self._working) >= self._limits.connections:
                self._make_room()
            self._silent[task] = peer
            await self._converse(reader, writer, task)
        except (_Disconnect, TimeoutError, OSError) as error:
            reason = str(error) if isinstance(error, _Disconnect) else type(error).__name__
            _log.warning("mllp: %s disconnected: %s", peer, reason)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        finally:
            self._silent.pop(task, None)
            self._waiting.discard(task)
            self._working.discard(task)
            if writer.transport.get_write_buffer_size():
                writer.transport.abort()
            else:
                writer.close()

    def _make_room(self) -> None:
        if not self._silent:
            raise _Disconnect("too many connections")
        task = next(iter(self._silent))
        _log.warning("mllp: %s disconnected: it was silent and others want its place", self._silent.pop(task))
        self._waiting.discard(task)
        task.cancel()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> None:
        while not self._stopping:
            self._waiting.add(task)
            async with asyncio.timeout(self._limits.first if task in self._silent else self._limits.idle):
                if not await _frame_begins(reader):
                    return
            self._silent.pop(task, None)
            self._waiting.discard(task)
            self._working.add(task)
            async with asyncio.timeout(self._limits.transfer):
                message = await _rest_of_frame(reader)
            reply = await self._answer(message, writer.transport)
            if reply is None:
                raise _Disconnect("no participant that may send")
            writer.write(_START + reply + _END)
            async with asyncio.timeout(self._limits.transfer):
                await writer.drain()
            self._working.discard(task)


async def _frame_begins(reader: asyncio.StreamReader) -> bool:
    """Wait for the start of a frame; False at the end of the connection. Line ends between frames are skipped."""
    for _ in range(16):
        octet = await reader.read(1)
        if octet == _START:
            return True
        if not octet:
            return False
        if octet not in b"\r\n":
            break
    raise _Disconnect("no start of a frame where one is due")


async def _rest_of_frame(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await reader.readuntil(_END))[: -len(_END)]
    except asyncio.IncompleteReadError:
        raise _Disconnect("the connection ended within a frame") from None
    except asyncio.LimitOverrunError:
        raise _Disconnect("the message is too long") from None
