"""One start of a server, made by `faultlib.again`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path


class Starter:
    """The process that forks the servers of one configuration."""

    def __init__(self, config: Path, log: Path, root: Path):
        environment = {**os.environ, "PYTHONPATH": str(root)}
        command = [sys.executable, str(Path(__file__).with_name("again.py")), str(config)]
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, env=environment, cwd=root
            )

    def start(self) -> Server:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(b"start\n")
        self.process.stdin.flush()
        return Server(self, int(self.process.stdout.readline()))

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(10)


class Server:
    """A running server; `returncode` is None while it runs."""

    def __init__(self, starter: Starter, pid: int):
        self.pid = pid
        self.returncode: int | None = None
        self._starter = starter
        self._ended = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        assert self._starter.process.stdout
        self.returncode = int(self._starter.process.stdout.readline() or -1)
        self._ended.set()

    def send(self, number: signal.Signals) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def ended(self, seconds: float) -> bool:
        """Whether it ends within this time."""
        return self._ended.wait(seconds)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self._ended.wait()

    def stop(self) -> int | None:
        """End it as an operator does; its exit status, None when it goes on."""
        self.send(signal.SIGTERM)
        return self.returncode if self.ended(40) else None
