"""The audit repository is away, dies and comes back, as do its senders (fault 25); two servers on one database (30)."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faultlib.guarded import Guarded
from faultlib.outcome import finished, outcome
from faultlib.subject import free_port
from faultlib.trial import Trial

_FRAME = re.compile(rb"(\d+) ")
_SEQ = re.compile(rb' seq="(\d+)"\]')
_PATIENCE = 90.0


class AuditRepository:
    """Takes ITI-20 messages on loopback, over TLS. `received` are the seqs in the order in which they came.

    It resets a connection after `dies_after` bytes, in the middle of a message, and keeps the whole ones before it;
    every other time it ends the connection as if all was well, with the rest unread.
    """

    def __init__(self, certificates: Path, port: int):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificates / "server.pem", certificates / "server-key.pem")
        self._context.load_verify_locations(certificates / "ca.pem")
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._port = port
        self.received: list[int] = []
        self.cuts = 0

    @contextlib.contextmanager
    def listening(self, dies_after: int | None = None) -> Iterator[None]:
        """Take connections until the block ends."""
        with socket.create_server(("127.0.0.1", self._port)) as listener:
            thread = threading.Thread(target=self._serve, args=(listener, dies_after), daemon=True)
            thread.start()
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
                thread.join(_PATIENCE)

    def waits_for(self, size: int) -> bool:
        """Whether it has so many different records within some time."""
        until = time.monotonic() + _PATIENCE
        while len(set(self.received)) < size and time.monotonic() < until:
            time.sleep(0.02)
        return len(set(self.received)) >= size

    def damage(self, size: int) -> list[str]:
        """What of the first `size` records is lost, or came for the first time after a later one."""
        firsts = list(dict.fromkeys(self.received))
        lost = set(range(size)) - set(firsts)
        damage = [f"the record {seq} is lost" for seq in sorted(lost)[:5]]
        return damage if firsts == sorted(firsts) else [*damage, "records came out of order"]

    def _serve(self, listener: socket.socket, dies_after: int | None) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                connection.settimeout(_PATIENCE)
                self._take(connection, dies_after)

    def _take(self, connection: socket.socket, dies_after: int | None) -> None:
        with self._context.wrap_socket(connection, server_side=True) as secured:
            octets, taken = b"", 0
            while chunk := secured.recv(4096):
                octets, taken = octets + chunk, taken + len(chunk)
                while (frame := _FRAME.match(octets)) and len(octets) >= frame.end() + int(frame[1]):
                    end = frame.end() + int(frame[1])
                    if seq := _SEQ.search(octets[frame.end() : end]):
                        self.received.append(int(seq[1]))
                    octets = octets[end:]
                if dies_after is not None and taken > dies_after:
                    self.cuts += 1
                    if self.cuts % 2 == 0:
                        secured.shutdown(socket.SHUT_WR)
                        return
                    secured.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
            with contextlib.suppress(OSError):
                secured.unwrap()


def _fed(trial: Trial) -> tuple[Guarded, AuditRepository]:
    """A server that feeds an audit repository, and that."""
    port = free_port()
    subject = trial.guarded(
        "checkpoint_seconds = 1", 'syslog_host = "127.0.0.1"', f"syslog_port = {port}", 'peer_ca = "tls/ca.pem"',
        'peer_certificate = "tls/hospital.pem"', 'peer_key = "tls/hospital-key.pem"',
    )  # fmt: skip
    return subject, AuditRepository(subject.folder / "tls", port)


def feed(trial: Trial) -> dict[str, Any]:
    """The audit repository is away while much is recorded; then it comes and dies, and so does the server.

    At the end it has everything, first in order. What comes again came before in a message of the same number: syslog
    has no acknowledgement, so what is in doubt is sent again. After orderly stops nothing comes again.
    """
    damage = list[str]()
    subject, repository = _fed(trial)
    with contextlib.closing(subject):
        server = subject.start()
        subject.submit()
        (document,) = subject.acknowledged
        for _ in range(5000 if trial.long else 50):
            subject.gives(document)
        server.kill()
        for round_ in range(50 if trial.long else 2):
            before = repository.cuts
            with repository.listening(random.randrange(2_000, 200_000 if trial.long else 50_000)):
                server = subject.start()
                until = time.monotonic() + _PATIENCE
                while repository.cuts == before and time.monotonic() < until:
                    time.sleep(0.01)
                if round_ % 2:
                    server.kill()
            if not round_ % 2:
                server.stop()
        with repository.listening():
            server = subject.start()
            repository.waits_for(sum(1 for _ in subject.lines()))
            again = len(repository.received) - len(set(repository.received))
            for _ in range(3):
                subject.gives(document)
                server.stop()
                server = subject.start()
            size = sum(1 for _ in subject.lines())
            repository.waits_for(size)
            if len(repository.received) - len(set(repository.received)) != again:
                damage.append("something came again after an orderly stop")
            damage += repository.damage(size) + finished(subject, server) + subject.log_damage()
    return outcome(
        damage, records=size, cuts=repository.cuts, again_when_in_doubt=again, acknowledged=len(subject.acknowledged)
    )


def together(trial: Trial) -> dict[str, Any]:
    """Two servers on one database and one folder of documents: both answer, one of them seals and feeds.

    When that one is killed, the other goes on sealing and feeding; nothing is lost, and nothing is sent twice while
    none is killed. A server of another repository, with another database, does not start on that folder.
    """
    damage, kills = list[str](), 0
    subject, repository = _fed(trial)
    with contextlib.closing(subject), contextlib.closing(subject.beside()) as other, repository.listening():
        running = {each.port: each.start() for each in (subject, other)}
        subject.submit()
        (document,) = other.acknowledged
        for _ in range(20 if trial.long else 2):
            if not all(each.gives(document) for each in (subject, other) for _ in range(5)):
                damage.append("one of them does not give what is there")
            repository.waits_for(sum(1 for _ in subject.lines()))
            if not kills and len(repository.received) != len(set(repository.received)):
                damage.append("something was sent twice")
            victim = (subject, other)[kills % 2]
            running[victim.port].kill()
            kills += 1
            standing = (subject, other)[kills % 2]
            standing.gives(document)
            size = sum(1 for _ in subject.lines())
            if not repository.waits_for(size):
                damage.append("the other one does not feed")
            running[victim.port] = victim.start()
        with contextlib.closing(trial.stranger(subject)) as stranger, contextlib.suppress(TimeoutError):
            stranger.start()
            damage.append("a server of another repository started on the documents")
        size = sum(1 for _ in subject.lines())
        repository.waits_for(size)
        if running[other.port].stop() != 0:
            damage.append("the other one did not end by itself")
        damage += finished(subject, running[subject.port]) + repository.damage(size) + subject.log_damage()
    again = len(repository.received) - len(set(repository.received))
    return outcome(damage, kills=kills, records=size, again_when_in_doubt=again, acknowledged=len(subject.acknowledged))
