"""PostgreSQL dies (fault 14)."""

from __future__ import annotations

import contextlib
import random
import time
from typing import Any

from faultlib.callers import submitters
from faultlib.outcome import finished, outcome, unavailable
from faultlib.recovery import recovered
from faultlib.trial import Trial


def postgresql(trial: Trial) -> dict[str, Any]:
    """Kill PostgreSQL with all its processes while eight callers submit, and start it again; the server goes on."""
    if trial.postgresql is None:
        return unavailable("needs --database postgresql")
    kills, asked, damage = 100 if trial.long else 3, 0, list[str]()
    with contextlib.closing(trial.subject()) as subject:
        server = subject.start()
        with submitters(subject) as callers:
            for number in range(kills):
                callers.go()
                time.sleep(random.uniform(0.05, 0.3))
                trial.postgresql.kill()
                time.sleep(random.uniform(0.0, 0.1))
                callers.hold()
                trial.postgresql.start()
                if server.ended(0):
                    damage.append(f"the server ended at kill {number + 1}")
                server, well = recovered(subject, server)
                if not well:
                    damage.append(f"no submission after kill {number + 1}")
                acknowledged = list(subject.acknowledged)
                damage += subject.unserved(acknowledged[asked:])
                asked = len(acknowledged)
        damage += finished(subject, server)
    return outcome(damage, kills=kills, acknowledged=len(subject.acknowledged))
