"""What a scenario returns."""

from __future__ import annotations

from typing import Any

from faultlib.server import Server
from faultlib.subject import Subject


def outcome(damage: list[str], **counts: Any) -> dict[str, Any]:
    """The counts, with "survived", or "lost" and at most ten of the damages."""
    return {"result": "lost" if damage else "survived", **counts, **({"damage": damage[:10]} if damage else {})}


def unavailable(reason: str) -> dict[str, Any]:
    """This machine can't do it, or not with these options."""
    return {"result": "unavailable", "reason": reason}


def finished(subject: Subject, server: Server) -> list[str]:
    """Ask for everything that was acknowledged, end the server, and look at what it left: the damage."""
    damage = subject.unserved(subject.acknowledged)
    if server.stop() != 0:
        damage.append("it did not end by itself")
    return damage + subject.damage()
