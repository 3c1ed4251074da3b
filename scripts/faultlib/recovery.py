"""Whether a server goes on after a fault."""

from __future__ import annotations

import time

from faultlib.server import Server
from faultlib.subject import Subject


def recovered(subject: Subject, server: Server, seconds: float = 5) -> tuple[Server, bool]:
    """Whether a submission succeeds within this time, and the server that runs then; one that ended is started."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if server.ended(0):
            server = subject.start()
        if subject.submit():
            return server, True
        time.sleep(0.02)
    return server, False
