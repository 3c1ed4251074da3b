"""The faults. Each scenario returns what it counted and "result": survived, lost or unavailable."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faultlib import calls, scarce
from faultlib.outcome import finished, outcome
from faultlib.subject import Subject


def kill(folder: Path, long: bool) -> dict[str, Any]:
    """Kill the server again and again while eight callers submit.

    After each start, what was acknowledged since the one before is asked for; at the end, everything is.
    """
    subject, kills, ended = Subject(folder), 2000 if long else 20, threading.Event()
    damage: list[str] = []
    asked = 0
    server = subject.start()
    threads = subject.submitting(ended, 8)
    for _ in range(kills):
        time.sleep(random.uniform(0.0, 0.15))
        server.kill()
        subject.up.clear()
        server = subject.start()
        acknowledged = list(subject.acknowledged)
        damage += subject.unserved(acknowledged[asked:])
        asked = len(acknowledged)
    ended.set()
    for thread in threads:
        thread.join()
    damage += finished(subject, server)
    return outcome(damage, kills=kills, acknowledged=len(subject.acknowledged))


def cut(folder: Path, long: bool) -> dict[str, Any]:
    """The sender goes away at each sixteenth of an upload; nothing of it stays."""
    subject = Subject(folder)
    server = subject.start()
    sizes = (20_000, 1 << 20, 20 << 20) if long else (20_000, 1 << 20)
    for size in sizes:
        for sixteenth in range(1, 16):
            subject.submit(size, cut=sixteenth / 16)
    subject.submit()
    staged = folder / "data" / "documents" / "tmp"
    until = time.monotonic() + 10
    while any(staged.iterdir()) and time.monotonic() < until:
        time.sleep(0.02)
    left = [f"{path.name} stays" for path in staged.iterdir()]
    return outcome(left + finished(subject, server), cuts=15 * len(sizes), acknowledged=len(subject.acknowledged))


def stop(folder: Path, long: bool) -> dict[str, Any]:
    """SIGTERM while eight callers submit: it ends by itself, and all that was acknowledged is there."""
    subject, times = Subject(folder), []
    damage: list[str] = []
    server = subject.start()
    for _ in range(20 if long else 3):
        ended = threading.Event()
        threads = subject.submitting(ended, 8)
        time.sleep(0.3)
        began = time.monotonic()
        server.send(signal.SIGTERM)
        if not server.ended(40) or server.returncode != 0:
            damage.append(f"it ended with {server.returncode}")
        times.append(time.monotonic() - began)
        subject.up.clear()
        ended.set()
        for thread in threads:
            thread.join()
        server = subject.start()
    if max(times) > 30:
        damage.append("it took more than 30 s to end")
    damage += finished(subject, server)
    return outcome(
        damage, stops=len(times), slowest_seconds=round(max(times), 2), acknowledged=len(subject.acknowledged)
    )


SCENARIOS: dict[str, Callable[[Path, bool], dict[str, Any]]] = {
    "kill": kill,
    "calls": calls.calls,
    "disk": scarce.disk,
    "database": scarce.database,
    "descriptors": scarce.descriptors,
    "cut": cut,
    "stop": stop,
}
