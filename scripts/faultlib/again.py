"""Starts the server of a configuration again and again, forked from a process that has imported it.

For each line on stdin: forks `xds serve`, prints its pid and, when it ended, its exit status. So a kill and a start
cost a tenth of a second, and what is killed is a whole server.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

from xds.config import load
from xds.server import serve
from xds.transaction import discover

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Leave no server behind when the scenario is broken off (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    end_with_parent()
    settings = load(Path(sys.argv[1]))
    discover("xds.registry", "xds.repository")
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            status = 1
            end_with_parent()
            try:
                os.dup2(os.open(os.devnull, os.O_RDWR), 1)
                status = serve(settings)
            finally:
                os._exit(status)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
