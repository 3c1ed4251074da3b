"""The server that is broken, and what must hold after each fault."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import random
import re
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samples import PATIENT
from sqlalchemy import create_engine, text

from faultlib import ROOT, messages
from faultlib.messages import MULTIPART, PLAIN, SUCCESS
from faultlib.server import Server, Starter
from xds.cli.main import main

_ANSWER = 20.0
"""What a socket waits for at most."""
_STARTED = 30.0
# Below the ports that the kernel gives to outgoing connections: while the server is down one of those could take it.
_PORTS = range(20_000, 32_000)


def batched(values: Iterable[str], size: int) -> Iterator[list[str]]:
    everything = list(values)
    for start in range(0, len(everything), size):
        yield everything[start : start + size]


@dataclass
class Subject:
    """A server without TLS in a folder of its own; `acknowledged` is SHA-1 by uniqueId.

    `database` is the URL of an empty PostgreSQL database; None is SQLite. `registry` is another server that registers
    for this one; None is itself. `source` is the sourceId of what is submitted,
    `environment` what the server's process has besides.
    """

    folder: Path
    workers: int = 1
    database: str | None = None
    registry: Subject | None = None
    source: str = messages.SOURCE
    acknowledged: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    _starter: Starter | None = None

    def __post_init__(self) -> None:
        self.port = free_port()
        self.config = self.folder / "xds.toml"
        self.documents = self.folder / "data" / "documents"
        self._initialise()
        self.set("server", f"workers = {self.workers}")
        if self.registry is None:
            self._xds("patient", "add", PATIENT, "--config", str(self.config))
        self.repository = re.search(r'unique_id = "([^"]+)"', self.config.read_text())[1]

    def _initialise(self) -> None:
        """Make the folder, without what the scenarios have no use for."""
        chosen = ("--database", self.database) if self.database else ()
        self._xds("init", str(self.folder), "--port", str(self.port), *chosen)
        self.config.write_text(re.sub(r"\[(tls|client|mllp)\][^\[]*", "", self.config.read_text()))

    @staticmethod
    def _xds(*arguments: str) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            main(arguments, standalone_mode=False)

    def set(self, section: str, line: str) -> None:
        """Add a line to a section of the configuration; before the first start."""
        self.config.write_text(self.config.read_text().replace(f"[{section}]\n", f"[{section}]\n{line}\n"))

    def start(self) -> Server:
        """Start the server; returns when it answers."""
        if self._starter is None:
            self._starter = Starter(self.config, self.folder / "server.log", ROOT, self.environment)
        server = self._starter.start()
        until = time.monotonic() + _STARTED
        while True:
            try:
                self.exchange("GET", "/health", patience=_STARTED)
                return server
            except (OSError, http.client.HTTPException):
                if server.ended(0.005):
                    raise TimeoutError(f"the server ended with {server.returncode} as it started") from None
                if time.monotonic() > until:
                    raise TimeoutError(f"the server did not answer within {_STARTED:.0f} s") from None

    def close(self) -> None:
        """End whatever still runs; the next start reads the configuration again."""
        if self._starter is not None:
            self._starter.close()
            self._starter = None

    def keep_documents(self, documents: Path) -> None:
        """Let the documents be elsewhere; before the first start."""
        self.documents.rename(documents)
        self.config.write_text(self.config.read_text().replace('"data/documents"', f'"{documents}"'))
        self.documents = documents

    def connect(self, patience: float = _ANSWER) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)

    def exchange(
        self, method: str, path: str, body: bytes = b"", content_type: str = PLAIN, patience: float = _ANSWER
    ) -> tuple[bytes, str]:
        """The answer and its content type, on a connection of its own."""
        with contextlib.closing(self.connect(patience)) as connection:
            connection.request(method, path, self.signed(body), {"Content-Type": content_type})
            answer = connection.getresponse()
            return answer.read(), answer.getheader("Content-Type", "")

    def signed(self, body: bytes) -> bytes:
        """A message as it is sent."""
        return body

    def submit(self, size: int = 20_000, patience: float = _ANSWER) -> bool:
        """Submit one document; whether it was acknowledged."""
        submitted = messages.provide_and_register(size, source=self.source)
        try:
            answer, _ = self.exchange("POST", "/repository", submitted.body, MULTIPART, patience)
        except (OSError, http.client.HTTPException):
            return False
        return self.note(submitted, answer)

    def note(self, submitted: messages.Submitted, answer: bytes) -> bool:
        """Whether this answer acknowledges the submission; if so, its documents are remembered."""
        if SUCCESS not in answer:
            return False
        for unique_id, content in submitted.documents.items():
            self.acknowledged[unique_id] = hashlib.sha1(content).hexdigest()
        return True

    def send_part(self, size: int, share: float) -> None:
        """Go away after this share of a submission."""
        body = messages.provide_and_register(size).body
        head = (
            f"POST /repository HTTP/1.1\r\nHost: x\r\nContent-Type: {MULTIPART}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", self.port), _ANSWER) as link:
            link.sendall(head.encode() + body[: int(len(body) * share)])

    def unserved(self, unique_ids: Iterable[str]) -> list[str]:
        """Which of these acknowledged documents ITI-18 does not find, or ITI-43 does not give with their bytes."""
        found = []
        for batch in batched(unique_ids, 50):
            registry = self.registry or self
            answer, _ = registry.exchange("POST", "/registry", messages.get_documents(batch))
            found += [f"ITI-18 does not find {each}" for each in batch if f'"{each}"'.encode() not in answer]
            body, content_type = self.exchange("POST", "/repository", messages.retrieve(self.repository, batch))
            given = hashes(body, content_type)
            found += [f"ITI-43 does not give {each}" for each in batch if self.acknowledged[each] not in given]
        return found

    def damage(self) -> list[str]:
        """What is lost or half there: looked at in the database and the files themselves."""
        registered, (entries, members, sets, members_of) = (self.registry or self)._registered()
        held = self._held()
        found = []
        if entries != members or sets != members_of:
            found.append(f"{entries} entries, {sets} sets, {members} associations of {members_of} sets")
        # A repository can't forget what a registry elsewhere may have accepted.
        for unique_id in registered | self.acknowledged.keys() | (held.keys() if self.registry is None else set()):
            if unique_id not in registered or unique_id not in held:
                found.append(f"{unique_id} is not registered and held")
                continue
            address, digest = held[unique_id]
            path = self.documents / address[:2] / address[2:4] / address
            content = path.read_bytes() if path.is_file() else b""
            if hashlib.sha256(content).hexdigest() != address:
                found.append(f"the bytes of {unique_id} are not there")
            if self.acknowledged.get(unique_id, digest) != digest:
                found.append(f"{unique_id} has other bytes")
        return found

    def _registered(self) -> tuple[set[str], tuple[int, ...]]:
        """The uniqueIds of the entries, and how many entries, associations, sets, and sets with members there are."""
        counts = (
            "SELECT (SELECT count(*) FROM document_entry), (SELECT count(*) FROM association), "
            "(SELECT count(*) FROM submission_set), (SELECT count(DISTINCT source_object) FROM association)"
        )
        return {row[0] for row in self._rows("SELECT unique_id FROM document_entry")}, self._rows(counts)[0]

    def _held(self) -> dict[str, tuple[str, str]]:
        """The address and SHA-1 of each document, by uniqueId."""
        rows = self._rows("SELECT unique_id, address, hash FROM document")
        return {unique_id: (bytes(address).hex(), bytes(digest).hex()) for unique_id, address, digest in rows}

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        url = self.database or f"sqlite:///{self.folder / 'data' / 'xds.db'}"
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        try:
            with engine.connect() as database:
                return [tuple(row) for row in database.execute(text(sql))]
        finally:
            engine.dispose()


def free_port() -> int:
    while True:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", random.choice(_PORTS))) as probe:
            return probe.getsockname()[1]


def hashes(body: bytes, content_type: str) -> set[str]:
    """The SHA-1 of each part of a multipart answer."""
    boundary = re.search(r'boundary="?([^";]+)', content_type)
    parts = body.split(b"\r\n--" + boundary[1].encode()) if boundary else []
    return {hashlib.sha1(part.partition(b"\r\n\r\n")[2]).hexdigest() for part in parts}
