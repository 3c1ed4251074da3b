"""The faults. Each scenario returns what it counted and "result": survived or lost."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faultlib.subject import Subject


def kill(folder: Path, long: bool) -> dict[str, Any]:
    """Kill the server again and again while eight callers submit."""
    subject, kills, stop = Subject(folder), 2000 if long else 10, threading.Event()
    server = subject.start()
    threads = subject.submitting(stop, 8)
    damage: list[str] = []
    for number in range(kills):
        time.sleep(random.uniform(0.0, 0.15))
        server.kill()
        server.wait()
        if number % 100 == 99:
            damage += subject.damage()
        server = subject.start()
    stop.set()
    for thread in threads:
        thread.join()
    server.terminate()
    server.wait(40)
    damage += subject.damage()
    return outcome(damage, kills=kills, acknowledged=len(subject.acknowledged))


def cut(folder: Path, long: bool) -> dict[str, Any]:
    """The sender goes away at each sixteenth of an upload of a megabyte; nothing of it stays."""
    subject = Subject(folder)
    server = subject.start()
    for sixteenth in range(1, 16):
        subject.submit(1 << 20, cut=sixteenth / 16)
    subject.submit()
    staged = folder / "data" / "documents" / "tmp"
    until = time.monotonic() + 10
    while any(staged.iterdir()) and time.monotonic() < until:
        time.sleep(0.02)
    left = [f"{path.name} stays" for path in staged.iterdir()]
    server.terminate()
    server.wait(40)
    return outcome(left + subject.damage(), cuts=15, acknowledged=len(subject.acknowledged))


def stop(folder: Path, long: bool) -> dict[str, Any]:
    """SIGTERM while eight callers submit: it ends by itself, and all that was acknowledged is there."""
    subject, times = Subject(folder), []
    damage: list[str] = []
    for _ in range(20 if long else 3):
        ended = threading.Event()
        server = subject.start()
        threads = subject.submitting(ended, 8)
        time.sleep(0.3)
        began = time.monotonic()
        server.send_signal(signal.SIGTERM)
        if server.wait(40) != 0:
            damage.append(f"it ended with {server.returncode}")
        times.append(time.monotonic() - began)
        ended.set()
        for thread in threads:
            thread.join()
    if max(times) > 30:
        damage.append("it took more than 30 s to end")
    damage += subject.damage()
    return outcome(
        damage, stops=len(times), slowest_seconds=round(max(times), 2), acknowledged=len(subject.acknowledged)
    )


def outcome(damage: list[str], **counts: Any) -> dict[str, Any]:
    return {"result": "lost" if damage else "survived", **counts, **({"damage": damage[:10]} if damage else {})}


SCENARIOS: dict[str, Callable[[Path, bool], dict[str, Any]]] = {"kill": kill, "cut": cut, "stop": stop}
