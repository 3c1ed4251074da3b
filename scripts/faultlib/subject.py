"""The server that is broken, its submitters, and what must hold after each fault."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from samples import PATIENT, entry, submission  # noqa: E402

from faultlib.server import Server, Starter  # noqa: E402
from xds.ebrim.submit import encode_submit_objects  # noqa: E402

SUCCESS = b"ResponseStatusType:Success"
PLAIN = "application/soap+xml; charset=UTF-8"
TYPE = 'multipart/related; type="application/xop+xml"; boundary="b"; start="<root>"; start-info="application/soap+xml"'

SOAP = "http://www.w3.org/2003/05/soap-envelope"
GET_DOCUMENTS = (
    '<q:AdhocQueryRequest xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" '
    'xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><q:ResponseOption returnType="LeafClass"/>'
    '<r:AdhocQuery id="urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"><r:Slot name="$XDSDocumentEntryUniqueId">'
    "<r:ValueList><r:Value>(%s)</r:Value></r:ValueList></r:Slot></r:AdhocQuery></q:AdhocQueryRequest>"
)
RETRIEVE = '<x:RetrieveDocumentSetRequest xmlns:x="urn:ihe:iti:xds-b:2007">%s</x:RetrieveDocumentSetRequest>'
DOCUMENT_REQUEST = (
    "<x:DocumentRequest><x:RepositoryUniqueId>%s</x:RepositoryUniqueId>"
    "<x:DocumentUniqueId>%s</x:DocumentUniqueId></x:DocumentRequest>"
)


def envelope(body: str) -> bytes:
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def batched(values: Iterable[str], size: int) -> Iterator[list[str]]:
    everything = list(values)
    for start in range(0, len(everything), size):
        yield everything[start : start + size]


@dataclass
class Subject:
    """A server without TLS in a folder of its own; `acknowledged` is SHA-1 by uniqueId."""

    folder: Path
    acknowledged: dict[str, str] = field(default_factory=dict)
    up: threading.Event = field(default_factory=threading.Event)
    _starter: Starter | None = None

    def __post_init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._xds("init", str(self.folder), "--port", str(self.port))
        self.config = self.folder / "xds.toml"
        self.documents = self.folder / "data" / "documents"
        self.config.write_text(re.sub(r"\[(tls|client|mllp)\][^\[]*", "", self.config.read_text()))
        self._xds("patient", "add", PATIENT, "--config", str(self.config))
        self.repository = re.search(r'unique_id = "([^"]+)"', self.config.read_text())[1]

    @staticmethod
    def _xds(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", "xds", *arguments], check=True, capture_output=True, cwd=ROOT)

    def start(self) -> Server:
        """Start the server; returns when it answers."""
        if self._starter is None:
            self._starter = Starter(self.config, self.folder / "server.log", ROOT)
        server = self._starter.start()
        until = time.monotonic() + 30
        while True:
            try:
                self._exchange("GET", "/health")
                self.up.set()
                return server
            except (OSError, http.client.HTTPException):
                if server.ended(0.01) or time.monotonic() > until:
                    raise RuntimeError("the server did not start") from None

    def close(self) -> None:
        if self._starter is not None:
            self._starter.close()

    def keep_documents(self, documents: Path) -> None:
        """Let the documents be elsewhere; before the first start."""
        self.documents.rename(documents)
        self.config.write_text(self.config.read_text().replace('"data/documents"', f'"{documents}"'))
        self.documents = documents

    def _exchange(
        self, method: str, path: str, body: bytes = b"", content_type: str = PLAIN, patience: float = 20
    ) -> tuple[bytes, str]:
        """The answer and its content type."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            connection.request(method, path, body, {"Content-Type": content_type})
            answer = connection.getresponse()
            return answer.read(), answer.getheader("Content-Type", "")
        finally:
            connection.close()

    def submit(self, size: int = 20_000, cut: float | None = None, patience: float = 20) -> bool:
        """Submit one document; whether it was acknowledged, within `patience` seconds.

        `cut` goes away after that share of the message.
        """
        unique_id, content = f"2.25.{uuid.uuid4().int}", os.urandom(size)
        made = submission(
            entry(unique_id=unique_id, hash=None, size=None, repository_unique_id=None),
            unique_id=f"2.25.{uuid.uuid4().int}",
        )
        root = (
            b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
            b'<x:ProvideAndRegisterDocumentSetRequest xmlns:x="urn:ihe:iti:xds-b:2007">'
            + encode_submit_objects(made)
            + b'<x:Document id="Document01"><i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:doc"/>'
            b"</x:Document></x:ProvideAndRegisterDocumentSetRequest></s:Body></s:Envelope>"
        )
        body = (
            b'--b\r\nContent-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\n'
            b"Content-ID: <root>\r\n\r\n" + root + b"\r\n--b\r\nContent-ID: <doc>\r\n\r\n" + content + b"\r\n--b--\r\n"
        )
        if cut is not None:
            self._send_part(body, cut)
            return False
        try:
            accepted = SUCCESS in self._exchange("POST", "/repository", body, TYPE, patience)[0]
        except (OSError, http.client.HTTPException):
            return False
        if accepted:
            self.acknowledged[unique_id] = hashlib.sha1(content).hexdigest()
        return accepted

    def _send_part(self, body: bytes, share: float) -> None:
        head = f"POST /repository HTTP/1.1\r\nHost: x\r\nContent-Type: {TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), 20) as link:
            link.sendall(head.encode() + body[: int(len(body) * share)])

    def submitting(self, stop: threading.Event, callers: int) -> list[threading.Thread]:
        """Submitters that go on until `stop` is set."""

        def go_on() -> None:
            while not stop.is_set():
                if self.up.wait(0.1):
                    self.submit()

        threads = [threading.Thread(target=go_on) for _ in range(callers)]
        for thread in threads:
            thread.start()
        return threads

    def unserved(self, unique_ids: Iterable[str]) -> list[str]:
        """Which of these acknowledged documents ITI-18 does not find, or ITI-43 does not give with their bytes."""
        found = []
        for batch in batched(unique_ids, 50):
            listed = ",".join(f"'{unique_id}'" for unique_id in batch)
            answer = self._exchange("POST", "/registry", envelope(GET_DOCUMENTS % listed))[0]
            found += [f"ITI-18 does not find {each}" for each in batch if f'"{each}"'.encode() not in answer]
            wanted = "".join(DOCUMENT_REQUEST % (self.repository, each) for each in batch)
            body, content_type = self._exchange("POST", "/repository", envelope(RETRIEVE % wanted))
            boundary = re.search(r'boundary="?([^";]+)', content_type)
            parts = body.split(b"\r\n--" + boundary[1].encode()) if boundary else []
            given = {hashlib.sha1(part.partition(b"\r\n\r\n")[2]).hexdigest() for part in parts}
            found += [f"ITI-43 does not give {each}" for each in batch if self.acknowledged[each] not in given]
        return found

    def damage(self) -> list[str]:
        """What is lost or half there: looked at in the database and the files themselves."""
        found = []
        with sqlite3.connect(self.folder / "data" / "xds.db") as database:
            registered = {text for (text,) in database.execute("SELECT unique_id FROM document_entry")}
            held = {
                unique_id: (address.hex(), digest.hex())
                for unique_id, address, digest in database.execute("SELECT unique_id, address, hash FROM document")
            }
            sets = database.execute("SELECT count(*) FROM submission_set").fetchone()[0]
            members = database.execute("SELECT count(*) FROM association").fetchone()[0]
        if not len(registered) == sets == members:
            found.append(f"{len(registered)} entries, {sets} sets, {members} associations")
        for unique_id in registered | self.acknowledged.keys():
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
