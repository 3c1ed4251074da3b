"""The faults. Each scenario returns what it counted and "result": survived, lost or unavailable."""

from __future__ import annotations

import contextlib
import random
import sys
import time
from typing import Any

from faultlib import anchored, calls, clock, descriptors, download, feeding, full, held, postgresql, released
from faultlib.callers import kill_and_start, submitters
from faultlib.outcome import finished, outcome
from faultlib.recovery import recovered
from faultlib.server import STOPPING
from faultlib.subject import Subject
from faultlib.trial import Scenario, Trial

_LONGEST = 0.15


def kill(trial: Trial) -> dict[str, Any]:
    """Kill the server again and again while eight callers submit.

    After each start, what was acknowledged since the one before is asked for; at the end, everything is. Where there
    are several workers, one is killed first and the others go on for a moment.
    """
    killed, asked, damage = 0, 0, list[str]()
    with contextlib.closing(trial.subject()) as subject:
        server = subject.start()
        with submitters(subject) as callers:
            callers.begin()
            while killed < (2000 if trial.long else 20):
                kills, server = kill_and_start(trial, subject, server, callers)
                killed += kills
                acknowledged = list(subject.acknowledged)
                damage += subject.unserved(acknowledged[asked:])
                asked = len(acknowledged)
                if killed % 100 == 0:
                    print(f"{killed} kills, {asked} acknowledged, {len(damage)} lost", file=sys.stderr, flush=True)
        damage += finished(subject, server)
    return outcome(damage, kills=killed, acknowledged=len(subject.acknowledged))


def apart(trial: Trial) -> dict[str, Any]:
    """Kill the registry or the repository, where they are two servers, while eight callers submit."""
    return _one_of_two(trial, *trial.apart())


def passed_on(trial: Trial) -> dict[str, Any]:
    """The same where both want to know who asks: their logs are whole, and have what was acknowledged."""
    registry, repository = trial.known_apart()
    found = _one_of_two(trial, registry, repository)
    missing = repository.acknowledged.keys() - (repository.submitted() & registry.submitted())
    damage = [
        *found.pop("damage", ()),
        *(f"a log has no {each}" for each in missing),
        *registry.log_damage(),
        *repository.log_damage(),
    ]
    return outcome(damage, **{name: found[name] for name in ("kills", "acknowledged")})


def _one_of_two(trial: Trial, registry: Subject, repository: Subject) -> dict[str, Any]:
    kills, asked, damage = 0, 0, list[str]()
    with contextlib.closing(registry), contextlib.closing(repository):
        running = {"registry": registry.start(), "repository": repository.start()}
        with submitters(repository) as callers:
            callers.begin()
            while kills < (500 if trial.long else 10):
                callers.go()
                time.sleep(random.uniform(0.0, 4 * _LONGEST))
                name, victim = random.choice((("registry", registry), ("repository", repository)))
                running[name].kill()
                kills += 1
                time.sleep(random.uniform(0.0, _LONGEST))
                callers.hold()
                running[name] = victim.start()
                acknowledged = list(repository.acknowledged)
                damage += repository.unserved(acknowledged[asked:])
                asked = len(acknowledged)
        _, well = recovered(repository, running["repository"])
        if not well:
            damage.append("no submission at the end")
        damage += finished(repository, running["repository"])
        if running["registry"].stop() != 0:
            damage.append("the registry did not end by itself")
    return outcome(damage, kills=kills, acknowledged=len(repository.acknowledged))


def cut(trial: Trial) -> dict[str, Any]:
    """The sender goes away at each sixteenth of an upload; nothing of it stays."""
    sizes = (20_000, 1 << 20, 20 << 20) if trial.long else (20_000, 1 << 20)
    with contextlib.closing(trial.subject()) as subject:
        server = subject.start()
        for size in sizes:
            for sixteenth in range(1, 16):
                subject.send_part(size, sixteenth / 16)
        subject.submit()
        staged = subject.documents / "tmp"
        until = time.monotonic() + 10
        while any(staged.iterdir()) and time.monotonic() < until:
            time.sleep(0.02)
        left = [f"{path.name} stays" for path in staged.iterdir()]
        left += finished(subject, server)
    return outcome(left, cuts=15 * len(sizes), acknowledged=len(subject.acknowledged))


def stop(trial: Trial) -> dict[str, Any]:
    """SIGTERM while eight callers submit: it ends by itself, and all that was acknowledged is there."""
    times, damage = list[float](), list[str]()
    with contextlib.closing(trial.subject()) as subject:
        server = subject.start()
        with submitters(subject) as callers:
            for _ in range(20 if trial.long else 3):
                callers.go()
                time.sleep(0.3)
                began = time.monotonic()
                server.terminate()
                if not server.ended(STOPPING) or server.returncode != 0:
                    damage.append(f"it ended with {server.returncode}")
                    server.kill()
                times.append(time.monotonic() - began)
                callers.hold()
                server = subject.start()
        if max(times) > 30:
            damage.append("it took more than 30 s to end")
        damage += finished(subject, server)
    return outcome(
        damage, stops=len(times), slowest_seconds=round(max(times), 2), acknowledged=len(subject.acknowledged)
    )


SCENARIOS: dict[str, Scenario] = {
    "kill": kill,
    "released": released.released,
    "apart": apart,
    "passed-on": passed_on,
    "calls": calls.calls,
    "disk": full.disk,
    "database": full.database,
    "descriptors": descriptors.descriptors,
    "postgresql": postgresql.postgresql,
    "log-disk": held.log_disk,
    "fsync": held.fsync,
    "anchors": anchored.anchors,
    "backup": anchored.backup,
    "clock": clock.clock,
    "feed": feeding.feed,
    "together": feeding.together,
    "download": download.download,
    "manipulations": download.manipulations,
    "cut": cut,
    "stop": stop,
}
