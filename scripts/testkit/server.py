"""The server under test: one of our own on loopback, started as an operator would, or that of a configuration."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from testkit.prepare import OUR_SOURCE
from testkit.session import Target

WAIT_SECONDS = 20.0
STOP_SECONDS = 40.0
_POLICY = Path(__file__).with_name("policy.toml")
_SENDER = "00010990"


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])


def _xds(*arguments: str) -> str:
    """Run the product's command; return what it prints, or end the run with what it complains of."""
    done = subprocess.run([sys.executable, "-m", "xds", *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"xds {arguments[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def target(config: Path, authority: str, *, permit: bool = False) -> Target:
    """Describe the server of a configuration; its `[client]` says how to reach it. See `Target` for `permit`."""
    listed = json.loads(_xds("endpoints", "--json", "--config", str(config)))
    settings = tomllib.loads(config.read_text())
    home = settings.get("server", {}).get("home_community_id")
    return Target(
        {each["transaction"]: each["url"] for each in listed},
        _client_context(config.parent, settings.get("client", {})),
        authority,
        f"urn:oid:{home}" if home else "",
        partial(_permit, config) if permit else None,
    )


def _permit(config: Path, patient_id: str) -> None:
    patient = ("--config", str(config), "--patient", patient_id, "--by", "testkit")
    _xds("consent", "record", *patient, "--permit", "--consumer", f"organisation:{_SENDER}", "--channel", "paper")
    _xds("consent", "relation", *patient, "--organisation", _SENDER)


def _client_context(folder: Path, client: dict[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / client["ca"]) if "ca" in client else None)
    if "certificate" in client:
        context.load_cert_chain(folder / client["certificate"], folder / client["key"])
    return context


@contextmanager
def running(folder: Path, codes: Path, *, identity: bool = False) -> Iterator[Path]:
    """Run a server with these value sets; yield its configuration. With `identity` every message needs an assertion."""
    config, log = folder / "xds.toml", folder / "server.log"
    ports = ("--port", _free_port(), "--mllp-port", _free_port())
    _xds("init", "--demo", "--affinity-domain", str(codes), "--policy", str(_POLICY), *ports, str(folder))
    if not identity:
        config.write_text(config.read_text().replace("required = true", "required = false"))
    else:
        _xds("participant", "sources", "--config", str(config), "1", OUR_SOURCE)
    command = [sys.executable, "-m", "xds", "serve", "--config", str(config)]
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        if not _is_ready(server, config):
            sys.exit(f"the server did not start: {log.read_text()[-2000:]}")
        yield config
    finally:
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _is_ready(server: subprocess.Popen[bytes], config: Path) -> bool:
    found = target(config, "")
    url = found.urls["ITI-18"].rsplit("/", 1)[0] + "/ready"
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5, context=found.tls):
                return True
        except OSError:
            time.sleep(0.1)
    return False
