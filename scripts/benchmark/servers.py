"""The servers that are measured: ours, started as in production, and bare aiohttp handlers as floors."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop
from aiohttp import web
from lxml import etree

from benchmark.load import client_context
from xds.web.tls import server_context

AUDIENCE = "https://xds.example"
POLICY = Path(__file__).parents[2] / "fixtures" / "policies" / "geboortezorg.toml"
WORKERS = 2
MIB = 1 << 20


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def configure(folder: Path, database: Path | None, port: int) -> dict[str, str]:
    """Make a configuration with certificates, for requests without an assertion; the client's TLS files."""
    command = [sys.executable, "-m", "xds", "init", "--demo", "--port", str(port), "--mllp-port", str(free_port())]
    if database is not None:
        command += ["--database", f"sqlite:///{database}"]
    subprocess.run([*command, str(folder)], check=True, capture_output=True)
    tls = folder / "tls"
    return {
        "ca": str(tls / "ca.pem"),
        "certificate": str(tls / "hospital.pem"),
        "key": str(tls / "hospital-key.pem"),
        "server": str(tls / "server.pem"),
        "server_key": str(tls / "server-key.pem"),
    }


def configure_guarded(folder: Path, database: Path, port: int) -> dict[str, str]:
    """The same with identity, consent and log, whatever port it is started at."""
    tls = configure(folder, database, port)
    config = folder / "xds.toml"
    known = f'required = true\naudience = "{AUDIENCE}"\nmax_lifetime_seconds = 86400\n'
    text = config.read_text().replace("required = false", known + "#")
    config.write_text(f'{text}\n[consent]\npolicy = "{POLICY}"\n')
    return tls


@contextmanager
def ours(
    folder: Path, tls: dict[str, str], port: int, workers: int = WORKERS, *, without: str = ""
) -> Iterator[tuple[list[int], float]]:
    """Our server; yields the process ids of its workers, and the seconds from its start to its first answer.

    `without` names what is left out of it, as `benchmark.without` knows it.
    """
    began = time.perf_counter()
    program = ["benchmark.without", without] if without else ["xds"]
    options = ["--config", str(folder / "xds.toml"), "--workers", str(workers)]
    variables = {"PYTHONPATH": _with_scripts(), "XDS_SERVER_PORT": str(port), "XDS_MLLP_PORT": str(free_port())}
    with (folder / f"server-{port}.log").open("wb") as log:
        command = [sys.executable, "-m", *program, "serve", *options]
        server = subprocess.Popen(command, stderr=log, env=os.environ | variables)
        try:
            wait(f"https://127.0.0.1:{port}/ready", tls)
            started = time.perf_counter() - began
            yield children(server.pid) or [server.pid], started
        finally:
            server.terminate()
            server.wait(40)


def _with_scripts() -> str:
    """Where modules are found, those of this package too."""
    known = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(Path(__file__).parents[1]), *([known] if known else [])])


def wait(url: str, tls: dict[str, str]) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5, context=client_context(tls)):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def resident(pids: list[int]) -> int:
    """The greatest resident memory of these processes, in bytes."""
    found = [re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()) for pid in pids]
    return max(int(each[1]) * 1024 for each in found if each)


@contextmanager
def bare(tls: dict[str, str], answer: Callable[[], web.Application], workers: int = WORKERS) -> Iterator[int]:
    """Bare aiohttp workers on one shared socket with the same TLS; yields the port."""
    sock = socket.create_server(("127.0.0.1", 0), backlog=1024)
    pids = []
    for _ in range(workers):
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            uvloop.run(_serve(sock, tls, answer()))
            os._exit(0)
        pids.append(pid)
    port = sock.getsockname()[1]
    try:
        wait(f"https://127.0.0.1:{port}/ready", tls)
        yield port
    finally:
        sock.close()
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)


async def _serve(sock: socket.socket, tls: dict[str, str], app: web.Application) -> None:
    import asyncio

    async def ready(request: web.Request) -> web.Response:
        return web.Response()

    app.router.add_get("/ready", ready)
    runner = web.AppRunner(app, access_log=None, read_bufsize=256 * 1024)
    await runner.setup()
    context = server_context(Path(tls["server"]), Path(tls["server_key"]), Path(tls["ca"]))
    await web.SockSite(runner, sock, ssl_context=context, backlog=1024).start()
    await asyncio.Event().wait()


def parsing(body: bytes, content_type: str) -> web.Application:
    """Reads and parses the same request and answers the same bytes from memory."""

    async def handle(request: web.Request) -> web.Response:
        etree.fromstring(await request.read())
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application()
    app.router.add_post("/registry", handle)
    return app


def sending(path: Path) -> web.Application:
    """Reads and writes a file 1 MiB at a time."""

    async def handle(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"Content-Length": str(path.stat().st_size)})
        await response.prepare(request)
        with path.open("rb") as file:
            while chunk := file.read(MIB):
                await response.write(chunk)
        return response

    app = web.Application()
    app.router.add_post("/repository", handle)
    return app
