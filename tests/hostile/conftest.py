"""A server process of its own, under attack."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from guarded import Guarded
from oracle import Victim
from samples import PATIENT
from served import Served, initialised, xds


@pytest.fixture(scope="session")
def victim(tmp_path_factory) -> Iterator[Victim]:
    folder = tmp_path_factory.mktemp("victim")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    xds = [sys.executable, "-m", "xds"]
    subprocess.run([*xds, "init", str(folder), "--port", str(port)], check=True, capture_output=True)
    config = folder / "xds.toml"
    plain = re.sub(r"\[(tls|client|mllp)\][^\[]*", "", config.read_text())
    config.write_text(plain)
    subprocess.run([*xds, "patient", "add", PATIENT, "--config", str(config)], check=True, capture_output=True)
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen([*xds, "serve", "--config", str(config)], stderr=log)
        try:
            deadline = time.monotonic() + 20
            while b'"ready"' not in (folder / "server.log").read_bytes():
                assert time.monotonic() < deadline and server.poll() is None, (folder / "server.log").read_text()
                threading.Event().wait(0.05)
            yield Victim(folder, port, server.pid)
        finally:
            server.terminate()
            server.wait(40)


@pytest.fixture(scope="session")
def guarded(tmp_path_factory) -> Iterator[Guarded]:
    """A server that wants to know who asks, with two systems of the hospital among its participants."""
    folder = initialised(tmp_path_factory.mktemp("guarded"))
    config = folder / "xds.toml"
    config.write_text(config.read_text().replace("required = false", "required = true"))
    second = ("--certificate", folder / "tls" / "server.pem", "--ura", "00010990", "--name", "Lab", "--kind", "V6")
    assert xds("participant", "add", "--config", config, *second).returncode == 0
    assert xds("patient", "add", "--config", config, PATIENT).returncode == 0
    with Served(folder) as server:
        server.logged("ready")
        yield Guarded(server)
