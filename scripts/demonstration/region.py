"""A server to try with, as an operator makes and starts it, and how the systems of its organisations connect."""

from __future__ import annotations

import fcntl
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from xds.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
VAR = ROOT / "var"


@dataclass(frozen=True)
class Region:
    """A server with its folder and its ports."""

    folder: Path
    http: int
    mllp: int
    pages: int

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.http}"

    @property
    def pages_url(self) -> str:
        return f"https://127.0.0.1:{self.pages}"

    @property
    def config(self) -> Path:
        return self.folder / "xds.toml"

    def tls(self, organisation: str) -> dict[str, Path]:
        """The files with which an organisation connects."""
        folder = self.folder / "tls"
        return {
            "certificate": folder / f"{organisation}.pem",
            "key": folder / f"{organisation}-key.pem",
            "ca": folder / "ca.pem",
        }

    def link(self, organisation: str, port: int) -> ssl.SSLSocket:
        """A TLS connection on which an organisation shows its certificate."""
        files = self.tls(organisation)
        context = ssl.create_default_context(cafile=str(files["ca"]))
        context.load_cert_chain(files["certificate"], files["key"])
        plain = socket.create_connection(("127.0.0.1", port), 10)
        try:
            return context.wrap_socket(plain, server_hostname="127.0.0.1")
        except BaseException:
            plain.close()
            raise

    def xds(self, *arguments: str, exit_status: int = 0) -> str:
        """Run the command on this server's configuration; what it prints."""
        return xds(*arguments, "--config", str(self.config), exit_status=exit_status)


def xds(*arguments: str, exit_status: int = 0) -> str:
    """Run the command, in this process since each start of Python takes long; what it prints.

    Ends the demonstration when it has another exit status than this.
    """
    done = CliRunner().invoke(main, arguments)
    if done.exit_code != exit_status:
        sys.exit(f"\n`xds {' '.join(arguments[:2])}` ends with {done.exit_code}: {done.output}{done.exception or ''}")
    return done.stdout.strip()


def shown(path: Path) -> Path:
    """The path as one would type it in the folder of the project."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


@contextmanager
def empty_folder() -> Iterator[Path]:
    """var/demo, emptied; another folder while an earlier demonstration still runs there."""
    VAR.mkdir(exist_ok=True)
    with (VAR / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with tempfile.TemporaryDirectory(prefix="demo-", dir=VAR) as folder:
                yield Path(folder)
        else:
            shutil.rmtree(VAR / "demo", ignore_errors=True)
            yield VAR / "demo"


def free_ports() -> tuple[int, ...]:
    """For the transactions, the identity feed and the pages."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        return tuple(each.getsockname()[1] for each in sockets)


def server(region: Region) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """The server, from its start until the end of the demonstration."""
    return _running(region, "serve", "server.log", region.http, "/ready")


def pages(region: Region) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """The pages, from when they answer until the end of the demonstration."""
    return _running(region, "pages", "pages.log", region.pages, "/")


@contextmanager
def _running(region: Region, command: str, log_name: str, port: int, path: str) -> Iterator[subprocess.Popen[bytes]]:
    log_file = region.folder / log_name
    with log_file.open("wb") as log:
        running = subprocess.Popen([sys.executable, "-m", "xds", command, "--config", region.config], stderr=log)
        try:
            deadline = time.monotonic() + 30
            while not _answers(region, port, path):
                if running.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"`xds {command}` did not start:\n{log_file.read_text()}")
                time.sleep(0.05)
            yield running
        finally:
            running.terminate()
            running.wait(35)


def _answers(region: Region, port: int, path: str) -> bool:
    try:
        with region.link("hospital", port) as link:
            link.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
            return link.recv(12) == b"HTTP/1.1 200"
    except OSError:
        return False


def feed(region: Region, patient: str) -> None:
    """Announce a patient as a hospital's system does: ITI-8, ADT^A04 over MLLP."""
    message = (
        "MSH|^~\\&|EPD|ZIEKENHUIS|XDS|REGIO|20260401||ADT^A04^ADT_A01|demo1|P|2.3.1\r"
        f"EVN||20260401\rPID|||{patient}||Bakker^Noor||19970303|F\rPV1||O\r"
    )
    with region.link("hospital", region.mllp) as link:
        link.sendall(b"\x0b" + message.encode() + b"\x1c\x0d")
        if b"MSA|AA" not in link.recv(4096):
            sys.exit("The patient identity feed was not accepted.")
