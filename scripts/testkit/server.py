"""A server of our own on loopback for the time of a run, started as an operator would."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WAIT = 20.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def xds(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    """Run the product's command."""
    command = [sys.executable, "-m", "xds", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, **options)


def endpoints(config: Path) -> dict[str, str]:
    """The URLs of a configured server by transaction number."""
    listed = json.loads(xds("endpoints", "--json", "--config", str(config)).stdout)
    return {each["transaction"]: each["url"] for each in listed}


def client_context(config: Path) -> ssl.SSLContext | None:
    """The TLS context of the first demo organisation beside a configuration, or None where there is none."""
    folder = config.parent / "tls"
    if not (folder / "ca.pem").is_file():
        return None
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "hospital.pem", folder / "hospital-key.pem")
    return context


@contextmanager
def running(folder: Path, codes: Path) -> Iterator[Path]:
    """A running server with these value sets; yields its configuration."""
    config = folder / "xds.toml"
    xds("init", "--demo", "--affinity-domain", str(codes), "--port", str(free_port()), "--mllp-port",
        str(free_port()), str(folder))  # fmt: skip
    with (folder / "server.log").open("wb") as log:
        command = [sys.executable, "-m", "xds", "serve", "--config", str(config)]
        server = subprocess.Popen(command, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        try:
            _wait(endpoints(config)["ITI-18"].rsplit("/", 1)[0] + "/ready", client_context(config))
            yield config
        finally:
            server.terminate()
            server.wait(40)


def _wait(url: str, tls: ssl.SSLContext | None) -> None:
    until = time.monotonic() + WAIT
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5, context=tls):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
