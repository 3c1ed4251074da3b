"""Break system calls of the server, one at a time, with strace."""

from __future__ import annotations

import contextlib
import itertools
import select
import shutil
import subprocess
from pathlib import Path
from typing import Any

from faultlib.outcome import finished, outcome, unavailable
from faultlib.recovery import recovered
from faultlib.trial import Trial

CALLS = (
    "openat", "read", "pread64", "write", "writev", "pwrite64", "fsync", "fdatasync", "link", "linkat", "rename",
    "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "ftruncate", "fallocate", "close",
)  # fmt: skip
FAULTS = ("error=EIO", "error=ENOSPC", "signal=KILL")
_MOST = 64
_ATTACHING = 10.0


def calls(trial: Trial) -> dict[str, Any]:
    """Break the Nth call of each kind that a thread makes for one submission, for each N until none is left.

    The short form breaks the first only. After each fault another submission must succeed within five seconds.
    """
    if shutil.which("strace") is None:
        return unavailable("strace is not installed (Debian: apt install strace)")
    if trial.workers > 1:
        return unavailable("breaks the calls of one process: needs --workers 1")
    damage, walked, refused, died = list[str](), dict[str, int](), 0, 0
    with contextlib.closing(trial.subject()) as subject:
        server = subject.start()
        for call, fault in itertools.product(CALLS, FAULTS):
            for when in range(1, _MOST if trial.long else 2):
                log = trial.folder / "strace"
                tracer = attach(server.pid, call, f"inject={call}:{fault}:when={when}", log)
                if tracer is None:
                    return unavailable("strace may not attach to a process here")
                accepted = subject.submit(patience=3)
                detach(tracer)
                if "INJECTED" not in (text := log.read_text()) and "killed by SIGKILL" not in text:
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
    if select.select([tracer.stderr], [], [], _ATTACHING)[0] and b" attached" in tracer.stderr.readline():
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
        tracer.wait(_ATTACHING)
    if tracer.stderr:
        tracer.stderr.close()
