"""Connections that are accepted only with a TLS handshake that succeeds; of the others it is told whose they were.

Source: ITI TF-2: 3.19.6.2.3 and 3.20.7 (Node Authentication failure).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

import structlog

_HANDSHAKE_SECONDS = 10.0
_WITHOUT_DESCRIPTORS = 0.1

_log = structlog.get_logger()


Refused = Callable[[str, str], None]
"""Told of each handshake that failed: the peer's address, and the reason in a word of OpenSSL's or ours."""


def log_refusal(peer: str, reason: str) -> None:
    """Mention it in the technical log."""
    _log.warning("handshake failed", peer=peer, reason=reason)


class TlsListener:
    """Accepts connections on a socket that several processes may share."""

    def __init__(
        self,
        sock: socket.socket,
        tls: ssl.SSLContext,
        protocol: Callable[[], asyncio.Protocol],
        refused: Refused,
    ):
        self._sock = sock
        self._tls = tls
        self._protocol = protocol
        self._refused = refused
        self._shaking: set[asyncio.Task[None]] = set()
        sock.setblocking(False)
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    def close(self) -> None:
        """Accept nothing more and close the socket; connections that were accepted go on."""
        self._accepting.cancel()
        for task in self._shaking:
            task.cancel()

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
            self._refused(peer, error.reason or "UNKNOWN")
        except OSError as error:
            self._refused(peer, "TIMEOUT" if "timed out" in str(error) else "DISCONNECTED")
