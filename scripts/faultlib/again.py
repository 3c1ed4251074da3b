"""Starts the server of a configuration again and again, forked from a process that has imported it.

For each line on stdin: forks `xds serve`, prints its pid and, when it and all its workers have ended, its exit status.
So a kill and a start cost a twentieth of a second, and what is killed is a whole server: a process group of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sys
from pathlib import Path

from xds.config import load
from xds.server import serve
from xds.transaction import discover

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def end_with_parent() -> None:
    """Leave no server behind when the scenario is broken off (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    end_with_parent()
    # The workers of a killed server become this process's children, so that it can wait until their sockets are closed.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    settings = load(Path(sys.argv[1]))
    discover("xds.registry", "xds.repository")
    # The server collects garbage as it starts; what is imported here would be copied for that, page by page.
    gc.collect()
    gc.freeze()
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            status = 1
            os.setpgid(0, 0)
            end_with_parent()
            try:
                os.dup2(os.open(os.devnull, os.O_RDWR), 1)
                status = serve(settings)
            finally:
                os._exit(status)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # here too: whichever comes first
        print(pid, flush=True)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-pid, 0)
        print(status, flush=True)


if __name__ == "__main__":
    main()
