"""Servers of the tests' own, as an operator has them: `xds init`, `xds serve`, mutual TLS, loopback."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from canary import leaks
from click.testing import CliRunner

from xds.cli.main import main

ROOT = Path(__file__).parents[1]
AFFINITY_DOMAIN = ROOT / "fixtures" / "affinity-domains" / "geboortezorg.toml"
_PATIENCE = 30.0
_CHANGING = ("serve", "pages", "doctor")
"""Commands that change what their process logs, and how it ends."""
QUERY = (ROOT / "fixtures" / "messages" / "iti18-find-documents.xml").read_bytes()
"""With the place for an assertion, and none in it."""
SOAP = {"Content-Type": "application/soap+xml; charset=UTF-8"}


def xds(*arguments: object, cwd: Path = ROOT, **variables: object) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; in this process where that stays as it was, as most time is the start of another."""
    if arguments[0] in _CHANGING:
        return process(*arguments, cwd=cwd, **variables)
    called = [*map(str, arguments)]
    unset = {name: None for name in os.environ if name.startswith("XDS_")}
    settings = {name: str(value) for name, value in variables.items()}
    with contextlib.chdir(cwd):
        done = CliRunner().invoke(main, called, env=unset | settings, prog_name="xds", catch_exceptions=False)
    return subprocess.CompletedProcess(called, done.exit_code, done.stdout, done.stderr)


def process(*arguments: object, cwd: Path = ROOT, **variables: object) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as a shell does."""
    command = [sys.executable, "-m", "xds", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment(variables), capture_output=True, text=True, timeout=60)


def environment(variables: dict[str, object]) -> dict[str, str]:
    """The environment without settings but these, in which `xds` is found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDS_")}
    return kept | {"PYTHONPATH": str(ROOT)} | {name: str(value) for name, value in variables.items()}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def initialised(folder: Path) -> Path:
    """A folder with the configuration, database and certificates of a demonstration, which asks nobody who it is."""
    done = xds(
        "init", folder, "--demo", "--affinity-domain", AFFINITY_DOMAIN, "--port", free_port(), "--mllp-port",
        free_port(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def client_context(folder: Path, organisation: str = "hospital") -> ssl.SSLContext:
    """What a system of this organisation connects with."""
    context = ssl.create_default_context(cafile=folder / "tls" / "ca.pem")
    context.load_cert_chain(folder / "tls" / f"{organisation}.pem", folder / "tls" / f"{organisation}-key.pem")
    return context


class Served:
    """A running server. `variables` are settings that go before those of the folder."""

    def __init__(self, folder: Path, **variables: object):
        self.folder = folder
        self.port = int(variables.setdefault("XDS_SERVER_PORT", free_port()))
        self.mllp_port = int(variables.setdefault("XDS_MLLP_PORT", free_port()))
        self.url = f"https://127.0.0.1:{self.port}"
        self.log: list[str] = []
        self._counted = ""
        self._more = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "xds", "serve", "--config", str(folder / "xds.toml")],
            env=environment(variables),
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._counted = self.get("/metrics")[1]
            self.process.terminate()
        try:
            self.process.wait(40)
        finally:
            self.process.kill()
            self._reading.join(_PATIENCE)
        found = leaks([*self.log, *self._counted.splitlines()])
        assert not found, f"a patient's number was logged or counted: {found}"

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def logged(self, event: str, times: int = 1) -> list[dict[str, Any]]:
        """Wait until an event was logged so many times; its lines."""

        def found() -> list[dict[str, Any]]:
            lines = [json.loads(line) for line in self.log]
            return [line for line in lines if line["event"] == event]

        with self._more:
            enough = self._more.wait_for(lambda: len(found()) >= times or not self._reading.is_alive(), _PATIENCE)
            assert enough and len(found()) >= times, "\n".join(self.log)
            return found()

    def get(self, path: str, organisation: str = "hospital") -> tuple[int, str]:
        """The status and body of a page, over a connection of its own."""
        context = client_context(self.folder, organisation)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=_PATIENCE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def _read(self) -> None:
        for line in self.process.stderr:
            with self._more:
                self.log.append(line)
                self._more.notify_all()
        with self._more:
            self._more.notify_all()


def connection(server: Served) -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection("127.0.0.1", server.port, context=client_context(server.folder), timeout=30)


def ask(connection: http.client.HTTPSConnection) -> tuple[int, bytes]:
    connection.request("POST", "/registry", QUERY, SOAP)
    answer = connection.getresponse()
    return answer.status, answer.read()
