"""The clock jumps ahead by a year, goes back by an hour, stands still (fault 20)."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faultlib.guarded import Guarded
from faultlib.outcome import finished, outcome, unavailable
from faultlib.trial import Trial

_SOURCE = Path(__file__).with_name("clock.c")
_YEAR, _HOUR = 365 * 86_400, 3_600


def clock(trial: Trial) -> dict[str, Any]:
    """Move a running server's clock, by a library of ours that is preloaded into it.

    Records stay in one order and without gaps, and nothing ends. An assertion is judged by the clock as it is. Of a
    clock that went back the verifier says so, and nothing else.
    """
    if shutil.which("cc") is None:
        return unavailable("there is no C compiler (Debian: apt install gcc libc6-dev)")
    library, told = trial.folder / "clock.so", trial.folder / "clock"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, _SOURCE, "-ldl"], check=True)
    told.write_bytes(bytes(16))

    def moved(seconds: int = 0, stands_at: int = 0) -> None:
        with told.open("r+b") as file:
            file.write(struct.pack("qq", seconds, stands_at))

    subject = trial.guarded("checkpoint_seconds = 1")
    subject.environment.update(LD_PRELOAD=str(library), XDSFAULTS_CLOCK=str(told))
    with contextlib.closing(subject):
        server = subject.start()
        subject.submit()
        (document,) = subject.acknowledged
        damage = _through(subject, document, moved, 200 if trial.long else 5)
        if server.ended(0):
            damage.append("the server ended")
        damage += finished(subject, server)
        times = [line.leaf.time for line in subject.lines()]
        back = sum(later < earlier for earlier, later in itertools.pairwise(times))
        found = subject.judged().findings
        damage += [f"{each.kind} at {each.seq}: {each.text}" for each in found if each.kind != "clock"]
        if len(found) != back or back != 2:
            damage.append(f"the clock went back twice, {back} times in the log, and {len(found)} times by the verifier")
    return outcome(damage, records=len(times), steps_back=back, acknowledged=len(subject.acknowledged))


def _through(subject: Guarded, document: str, moved: Callable[..., None], asked: int) -> list[str]:
    """Ask so many times at each time; what is wrong with the answers. The assertion is valid for a day."""
    damage = []
    now = time.time_ns()
    for name, move, gives in (
        ("as it is", {}, True),
        ("a year ahead", {"seconds": _YEAR}, False),
        ("as it is again", {}, True),
        ("an hour back", {"seconds": -_HOUR}, True),
        ("still", {"stands_at": now}, True),
    ):
        moved(**move)
        if not subject.waits(document, gives=gives):
            damage.append(f"with the clock {name}: " + ("nothing is given" if gives else "an old assertion counts"))
        for _ in range(asked):
            if subject.gives(document) is not gives:
                damage.append(f"with the clock {name} it gives otherwise")
    moved()
    return damage
