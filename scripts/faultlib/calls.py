"""Break system calls of the server, one at a time, with strace."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from faultlib.outcome import finished, outcome, unavailable
from faultlib.server import Server
from faultlib.subject import Subject

CALLS = (
    "openat", "read", "pread64", "write", "writev", "pwrite64", "fsync", "fdatasync", "link", "linkat", "rename",
    "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "ftruncate", "fallocate", "close",
)  # fmt: skip
FAULTS = ("error=EIO", "error=ENOSPC", "signal=KILL")
_MOST = 64


def calls(folder: Path, long: bool) -> dict[str, Any]:
    """Break the Nth call of each kind that a thread makes for one submission, for each N until none is left.

    The short form breaks the first only. After each fault another submission must succeed within five seconds.
    """
    if shutil.which("strace") is None:
        return unavailable("strace is not installed (Debian: apt install strace)")
    subject, damage = Subject(folder), list[str]()
    walked: dict[str, int] = {}
    refused = died = 0
    server = subject.start()
    for call in CALLS:
        for fault in FAULTS:
            for when in range(1, _MOST if long else 2):
                log = folder / "strace"
                tracer = attach(server.pid, call, f"inject={call}:{fault}:when={when}", log)
                if tracer is None:
                    return unavailable("strace may not attach to a process here")
                accepted = subject.submit(patience=3)
                detach(tracer)
                hit = "INJECTED" in (text := log.read_text()) or "killed by SIGKILL" in text
                if not hit:
                    break
                walked[call] = walked.get(call, 0) + 1
                refused += not accepted
                if server.ended(0.3 if fault == "signal=KILL" or not accepted else 0):
                    died += fault != "signal=KILL"
                    server = subject.start()
                server, well = recovered(subject, server)
                if not well:
                    damage.append(f"no submission after {call} {fault} {when}")
    damage += finished(subject, server)
    return outcome(
        damage, broken=sum(walked.values()), refused=refused, ended_by_an_error=died, by_call=walked,
        acknowledged=len(subject.acknowledged),
    )  # fmt: skip


def attach(pid: int, call: str, expression: str, log: Path) -> subprocess.Popen[bytes] | None:
    """Let strace inject a fault into a running process; None when it can't. Returns when it is attached."""
    command = ["strace", "-f", "-o", str(log), "-p", str(pid), "-e", f"trace={call}", "-e", expression]
    tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert tracer.stderr
    # "Process N attached", or with threads "Process N attached with M threads": written when all are.
    said = tracer.stderr.readline()
    if b" attached" in said:
        return tracer
    detach(tracer)
    return None


def detach(tracer: subprocess.Popen[bytes]) -> None:
    tracer.terminate()
    try:
        tracer.wait(1)
    except subprocess.TimeoutExpired:
        # strace can wait for ever for a process that ended while it was traced.
        tracer.kill()
        tracer.wait()
    if tracer.stderr:
        tracer.stderr.close()


def recovered(subject: Subject, server: Server) -> tuple[Server, bool]:
    """Whether a submission succeeds soon, and the server that runs then."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        if server.ended(0):
            server = subject.start()
        if subject.submit():
            return server, True
        time.sleep(0.05)
    return server, False
