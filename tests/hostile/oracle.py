"""The oracle that every hostile message is held against."""

from __future__ import annotations

import http.client
import os
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CANARY_BSN = "999990019"
PATIENT_BSN = "999911120"
CANARY_FILE = "canary-file-content-1b7e"
CPU_SECONDS = 1.0
MEMORY = 64 << 20


def fault_codes(answer: bytes) -> list[str]:
    """The code of a SOAP fault and its subcodes, outermost first."""
    return [value.decode() for value in re.findall(rb"<soap:Value[^>]*>([^<]*)</soap:Value>", answer)]


def error_codes(answer: bytes) -> list[str]:
    """The errors of a RegistryErrorList."""
    return [value.decode() for value in re.findall(rb'errorCode="([^"]*)"', answer)]


class Victim:
    """The server under attack, and what must not change while it is."""

    def __init__(self, folder: Path, port: int, pid: int):
        self.folder, self.port, self.pid = folder, port, pid
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.lure = f"http://127.0.0.1:{self.listener.getsockname()[1]}/lure"
        self.canary = folder / "canary.txt"
        self.canary.write_text(CANARY_FILE)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def post(
        self, path: str, body: bytes, content_type: str, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = self.connect()
        try:
            connection.request("POST", path, body, {"Content-Type": content_type, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def raw(self, data: bytes, close: bool = False) -> bytes:
        """All that comes back for these bytes until the server closes; b"" when it just closes."""
        with socket.create_connection(("127.0.0.1", self.port), 20) as link:
            answer = b""
            try:
                link.sendall(data)
                if close:
                    link.shutdown(socket.SHUT_WR)
                while chunk := link.recv(65536):
                    answer += chunk
                return answer
            except (ConnectionResetError, BrokenPipeError):
                return answer

    def rows(self) -> dict[str, int]:
        with sqlite3.connect(self.folder / "data" / "xds.db") as database:
            tables = ("patient", "document_entry", "submission_set", "folder", "association", "document")
            return {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}

    def files(self) -> list[Path]:
        """What is being received. A whole document without rows may stay: it waits for the sweep."""
        return sorted((self.folder / "data" / "documents" / "tmp").iterdir())

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())[1]) * 1024

    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    @contextmanager
    def unharmed(self) -> Iterator[None]:
        """The common oracle: bounded cost, nothing written, nothing fetched, no patient data logged, still alive."""
        before = (self.rows(), self.files())
        cpu, memory = self.cpu(), self.memory()
        yield
        deadline = time.monotonic() + 5
        while (self.rows(), self.files()) != before:
            assert time.monotonic() < deadline, "something was written"
            threading.Event().wait(0.02)
        assert self.cpu() - cpu <= CPU_SECONDS
        assert self.memory() - memory <= MEMORY
        with pytest.raises(BlockingIOError):
            self.listener.accept()
        log = self.log()
        assert CANARY_BSN not in log
        assert PATIENT_BSN not in log
        assert CANARY_FILE not in log
        connection = self.connect()
        connection.request("GET", "/ready")
        assert connection.getresponse().status == 200
        connection.close()
