"""Connections that are accepted only with a TLS handshake that succeeds; of the others it is told whose they were.

Source: ITI TF-2: 3.19.6.2.3 and 3.20.7 (Node Authentication failure).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

import structlog

from xds.web.share import Share

_HANDSHAKE_SECONDS = 10.0
_WITHOUT_DESCRIPTORS = 0.1
_COURTESY = 0.002
"""Seconds for which a new caller is left to a process with fewer connections; one that is busy does not come."""

_log = structlog.get_logger()


Refused = Callable[[str, str], None]
"""Told of each handshake that failed: the peer's address, and the reason in a word of OpenSSL's or ours."""


def log_refusal(peer: str, reason: str) -> None:
    """Mention it in the technical log."""
    _log.warning("handshake failed", peer=peer, reason=reason)


class TlsListener:
    """Accepts connections on a socket that several processes may share, and `share` says how."""

    def __init__(
        self,
        sock: socket.socket,
        tls: ssl.SSLContext,
        protocol: Callable[[], asyncio.Protocol],
        refused: Refused,
        share: Share,
    ):
        self._sock = sock
        self._tls = tls
        self._protocol = protocol
        self._refused = refused
        self._share = share
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
                await self._called()
                if self._share.exceeds:
                    await asyncio.sleep(_COURTESY)
                try:
                    connection, address = self._sock.accept()
                except (BlockingIOError, ConnectionError):
                    continue  # another process took it, or the caller is gone
                except OSError:
                    # There are no descriptors left: who waits is served when there are.
                    await asyncio.sleep(_WITHOUT_DESCRIPTORS)
                    continue
                connection.setblocking(False)
                self._share.add()
                task = loop.create_task(self._shake(connection, address[0]))
                self._shaking.add(task)
                task.add_done_callback(self._shaking.discard)

    async def _called(self) -> None:
        """Wait until somebody wants to connect."""
        loop = asyncio.get_running_loop()
        called = loop.create_future()
        loop.add_reader(self._sock, lambda: called.done() or called.set_result(None))
        try:
            await called
        finally:
            loop.remove_reader(self._sock)

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
        finally:
            self._share.drop()
