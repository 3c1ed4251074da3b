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
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from samples import PATIENT, entry, submission  # noqa: E402

from xds.ebrim.submit import encode_submit_objects  # noqa: E402

SUCCESS = b"ResponseStatusType:Success"
TYPE = 'multipart/related; type="application/xop+xml"; boundary="b"; start="<root>"; start-info="application/soap+xml"'


@dataclass
class Subject:
    """A server without TLS in a folder of its own; `acknowledged` is SHA-1 by uniqueId."""

    folder: Path
    acknowledged: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._xds("init", str(self.folder), "--port", str(self.port))
        self.config = self.folder / "xds.toml"
        self.config.write_text(re.sub(r"\[(tls|client|mllp)\][^\[]*", "", self.config.read_text()))
        self._xds("patient", "add", PATIENT, "--config", str(self.config))
        self.repository = re.search(r'unique_id = "([^"]+)"', self.config.read_text())[1]

    @staticmethod
    def _xds(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", "xds", *arguments], check=True, capture_output=True, cwd=ROOT)

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server; returns when it answers."""
        command = [sys.executable, "-m", "xds", "serve", "--config", str(self.config)]
        with (self.folder / "server.log").open("ab") as log:
            server = subprocess.Popen(command, stderr=log, cwd=ROOT)
        until = time.monotonic() + 30
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/health")
                connection.getresponse().read()
                connection.close()
                return server
            except OSError:
                if server.poll() is not None or time.monotonic() > until:
                    raise RuntimeError("the server did not start") from None
                time.sleep(0.01)

    def submit(self, size: int = 20_000, cut: float | None = None) -> bool:
        """Submit one document; whether it was acknowledged. `cut` goes away after that share of the message."""
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
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            connection.request("POST", "/repository", body, {"Content-Type": TYPE})
            accepted = SUCCESS in connection.getresponse().read()
            connection.close()
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
                if not self.submit():
                    time.sleep(0.005)

        threads = [threading.Thread(target=go_on) for _ in range(callers)]
        for thread in threads:
            thread.start()
        return threads

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
            path = self.folder / "data" / "documents" / address[:2] / address[2:4] / address
            content = path.read_bytes() if path.is_file() else b""
            if hashlib.sha256(content).hexdigest() != address:
                found.append(f"the bytes of {unique_id} are not there")
            if self.acknowledged.get(unique_id, digest) != digest:
                found.append(f"{unique_id} has other bytes")
        return found
