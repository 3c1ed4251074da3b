"""ITI-20 Record Audit Event: a feed of DICOM audit messages over TLS. Source: ITI TF-2: 3.20; RFC 5424; RFC 5425."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import socket
import ssl
import sys
import termios
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import structlog

from xds.audit.dicom import message
from xds.audit.record import decode
from xds.errors import Unavailable, reason_of
from xds.model.audit import Kept
from xds.ports import Index, LogWriter

_PRIORITY = 10 * 8 + 5
"""Facility authpriv, severity notice. Source: ITI TF-2: 3.20.4.1.2.1."""
_BOM = b"\xef\xbb\xbf"
_EXAMPLE_ENTERPRISE = 32473
"""Of RFC 5612: for structured data that needs no registered name."""
_TIMEOUT = 30.0
_AT_ONCE = 500
_IDLE_SECONDS = 1.0
_LONGEST_PAUSE = 60.0
_ENDING = 3.0
_RESET_SECONDS = 0.5
"""For which a reset may be on its way after the end of a connection."""

FEED = "syslog"
"""The name by which the log keeps how much of it was sent."""

_log = structlog.get_logger()


class Repository(NamedTuple):
    """Where an audit record repository listens. `context` is what it is trusted by, and the certificate it is shown."""

    host: str
    port: int
    context: ssl.SSLContext


class Feed:
    """Sends the log to an audit record repository: everything, in order, at least once."""

    def __init__(self, index: Index, repository: Repository, origin: str, name: str = FEED):
        self._index = index
        self._repository = repository
        self._origin = origin
        self._name = name

    async def run(self) -> None:
        """Send what is new until cancelled; wait longer after each failure in a row."""
        pause = _IDLE_SECONDS
        while True:
            sending = asyncio.create_task(self.send())
            try:
                sent = await asyncio.shield(sending)
                pause = _IDLE_SECONDS
            except asyncio.CancelledError:
                # What is being sent would otherwise be sent again: it takes a moment, or the repository is away.
                await asyncio.wait([sending], timeout=_ENDING)
                raise
            except Exception as error:
                sent = 0
                pause = min(2 * pause, _LONGEST_PAUSE)
                _log.error("the audit repository has not got the newest records", reason=reason_of(error))
            if sent < _AT_ONCE:
                await asyncio.sleep(pause)

    async def send(self) -> int:
        """Send some of what was not sent yet; how many records. Unavailable when it is in doubt that they arrived."""
        lines = await self._index.read(lambda reader: reader.log.lines(reader.log.feed(self._name) or 0, _AT_ONCE))
        if not lines:
            return 0
        # The messages, too, are made in the thread: a batch of them takes as long as many requests.
        await asyncio.to_thread(lambda: deliver(self._repository, frames(lines, self._origin)))
        after = lines[-1].leaf.seq + 1
        await self._index.write(lambda writer: self._advance(writer.log, after))
        return len(lines)

    def _advance(self, log: LogWriter, after: int) -> None:
        """Move the place, but never back: another server may have sent more meanwhile."""
        if (log.feed(self._name) or 0) < after:
            log.set_feed(self._name, after)

    async def waiting(self) -> int:
        """How many records were not sent yet."""
        return await self._index.read(lambda reader: reader.log.head().size - (reader.log.feed(self._name) or 0))


def frames(lines: Sequence[Kept], origin: str) -> bytes:
    """These records as octet-counted syslog messages; one without a payload, or a spoiled one, has nothing to tell.

    The id of a message is the log's name and the record's seq: it is the same when a message comes again.
    Source: RFC 5424: 6; RFC 5425: 4.3.
    """
    found, sender = bytearray(), f"{socket.gethostname()} xds {os.getpid()} IHE+RFC-3881"
    for line in lines:
        if line.payload is None:
            continue
        try:
            told = message(decode(line.payload))
        except (ValueError, TypeError):
            # `xds audit verify` names it; what comes after it must not wait for that.
            _log.error("a record of the log can't be read", seq=line.leaf.seq)
            continue
        moment = datetime.fromtimestamp(line.leaf.time / 1_000_000, UTC).isoformat().replace("+00:00", "Z")
        element = f'[record@{_EXAMPLE_ENTERPRISE} log="{origin}" seq="{line.leaf.seq}"]'
        head = f"<{_PRIORITY}>1 {moment} {sender} {element} "
        text = head.encode("ascii", "replace") + _BOM + told
        found += f"{len(text)} ".encode() + text
    return bytes(found)


def deliver(repository: Repository, octets: bytes) -> None:
    """Send over a connection of its own, and return when the receiver has read it all; Unavailable otherwise.

    It has when it answers our closing of the connection (RFC 5425: 4.4). Some only end it: then it must have arrived,
    and no reset may follow, as it does where something is left unread.
    """
    host, port, context = repository
    try:
        with (
            socket.create_connection((host, port), _TIMEOUT) as connection,
            context.wrap_socket(connection, server_hostname=host) as secured,
        ):
            secured.sendall(octets)
            try:
                secured.unwrap()
            except ssl.SSLEOFError:
                _await_silence(secured)
    except OSError as error:
        raise Unavailable(f"the audit repository can't be reached: {type(error).__name__}") from None


def _await_silence(connection: socket.socket) -> None:
    """OSError when not all that was sent has arrived at an end that was closed, or a reset comes from there."""
    until = time.monotonic() + _RESET_SECONDS
    while time.monotonic() < until:
        error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        time.sleep(_RESET_SECONDS / 50)
    if int.from_bytes(fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)), sys.byteorder):
        raise ConnectionAbortedError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED))
