"""One start of a server, made by `faultlib.again`."""

from __future__ import annotations

import contextlib
import os
import queue
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

_STARTING = 30.0
_DYING = 30.0
STOPPING = 40.0
"""What a server may take to end after SIGTERM: it drains for at most 30 seconds."""


class Starter:
    """The process that forks the servers of one configuration, one after the other."""

    def __init__(self, config: Path, log: Path, root: Path, more: Mapping[str, str]):
        environment = {**os.environ, "PYTHONPATH": str(root), **more}
        command = [sys.executable, str(Path(__file__).with_name("again.py")), str(config)]
        with log.open("ab") as file:
            self._forking = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, env=environment, cwd=root
            )
        self._log = log
        self._said: queue.SimpleQueue[int] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._forking.stdout
        for line in self._forking.stdout:
            self._said.put(int(line))

    def start(self) -> Server:
        assert self._forking.stdin
        self._forking.stdin.write(b"start\n")
        self._forking.stdin.flush()
        pid = self.hear(_STARTING)
        if pid is None:
            raise TimeoutError(f"no server was forked within {_STARTING:.0f} s; see {self._log}")
        return Server(self, pid)

    def hear(self, seconds: float) -> int | None:
        """The next number that the forking process prints; None when it does not within this time."""
        try:
            return self._said.get(timeout=seconds) if seconds else self._said.get_nowait()
        except queue.Empty:
            return None

    def close(self) -> None:
        """End the forking process, and with it a server that still runs."""
        assert self._forking.stdin
        self._forking.stdin.close()
        try:
            self._forking.wait(1)
        except subprocess.TimeoutExpired:
            self._forking.kill()
            self._forking.wait(_DYING)


class Server:
    """A running server, asked by one thread; `returncode` is None while it runs."""

    def __init__(self, starter: Starter, pid: int):
        self.pid = pid
        self.returncode: int | None = None
        self._starter = starter

    def workers(self) -> list[int]:
        """The pids of its worker processes; none when it is its own only worker."""
        try:
            return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        except OSError:
            return []

    def ended(self, seconds: float) -> bool:
        """Whether it ends within this time."""
        if self.returncode is None:
            self.returncode = self._starter.hear(seconds)
        return self.returncode is not None

    def kill_a_worker(self) -> None:
        """End one of its workers with SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(random.choice(self.workers()), signal.SIGKILL)

    def terminate(self) -> None:
        """Tell it to end, as an operator does."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it and all its workers with SIGKILL, and wait until they are gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if not self.ended(_DYING):
            raise TimeoutError(f"the server did not die of SIGKILL within {_DYING:.0f} s")

    def stop(self) -> int | None:
        """End it as an operator does; its exit status, None when it goes on."""
        if not self.ended(0):
            self.terminate()
        return self.returncode if self.ended(STOPPING) else None
