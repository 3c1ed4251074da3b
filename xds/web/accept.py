"""Connections that are accepted only with a TLS handshake that succeeds; the others are counted.

Source: ITI TF-2: 3.19.6.2.3 and 3.20.7 (Node Authentication failure).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import structlog

_HANDSHAKE_SECONDS = 10.0
_TOGETHER = 60.0
_MOST = 1000
_WITHOUT_DESCRIPTORS = 0.1

_log = structlog.get_logger()


class Failures(NamedTuple):
    """Handshakes of one peer that failed for one reason, within a minute that began at `since`."""

    peer: str
    reason: str
    times: int
    since: datetime


class HandshakeFailures:
    """Counts by peer and reason, and reports the counts once a minute, on the event loop.

    A peer decides how often it fails, but not what that costs: beyond a thousand peers the rest are counted as one.
    """

    def __init__(self, report: Callable[[Failures], None]):
        self._report = report
        self._counts: Counter[tuple[str, str]] = Counter()
        self._since = datetime.now(UTC)

    def count(self, peer: str, reason: str) -> None:
        if not self._counts:
            self._since = datetime.now(UTC)
            asyncio.get_running_loop().call_later(_TOGETHER, self.flush)
        key = (peer, reason)
        self._counts[key if key in self._counts or len(self._counts) < _MOST else ("others", reason)] += 1

    def flush(self) -> None:
        """Report what was counted, also before its minute is over."""
        counts, self._counts = self._counts, Counter()
        for (peer, reason), times in counts.items():
            self._report(Failures(peer, reason, times, self._since))


def log_failures(failed: Failures) -> None:
    """Report them in the technical log."""
    _log.warning("handshakes failed", peer=failed.peer, reason=failed.reason, times=failed.times)


class TlsListener:
    """Accepts connections on a socket that several processes may share."""

    def __init__(
        self,
        sock: socket.socket,
        tls: ssl.SSLContext,
        protocol: Callable[[], asyncio.Protocol],
        failures: HandshakeFailures,
    ):
        self._sock = sock
        self._tls = tls
        self._protocol = protocol
        self._failures = failures
        self._shaking: set[asyncio.Task[None]] = set()
        sock.setblocking(False)
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    def close(self) -> None:
        """Accept nothing more and close the socket; connections that were accepted go on."""
        self._accepting.cancel()
        for task in self._shaking:
            task.cancel()
        self._failures.flush()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        with self._sock:
            while True:
                try:
                    connection, address = await loop.sock_accept(self._sock)
                except OSError:
                    # There are no descriptors left: who waits is served when there are.
                    await asyncio.sleep(_WITHOUT_DESCRIPTORS)
                    continue
                task = loop.create_task(self._shake(connection, address[0]))
                self._shaking.add(task)
                task.add_done_callback(self._shaking.discard)

    async def _shake(self, connection: socket.socket, peer: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                self._protocol, connection, ssl=self._tls, ssl_handshake_timeout=_HANDSHAKE_SECONDS
            )
        except ssl.SSLError as error:
            self._failures.count(peer, error.reason or "UNKNOWN")
        except OSError as error:
            self._failures.count(peer, "TIMEOUT" if "timed out" in str(error) else "DISCONNECTED")
