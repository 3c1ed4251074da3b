"""How long records are without an anchor, and what follows from it."""

from __future__ import annotations

from datetime import timedelta


def unanchored_for(oldest: int, now: int) -> timedelta:
    """How long the oldest record that no anchored checkpoint covers has been without one, by the clock.

    Both are in microseconds since 1970. A log in which nothing happens needs no anchor.
    """
    return timedelta(microseconds=max(0, now - oldest))


def may_give_data(age: timedelta, grace: timedelta) -> bool:
    """Whether data may still be given while records are so long without an anchor."""
    return age <= grace
