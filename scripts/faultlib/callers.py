"""Who goes on calling while a server is broken."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence

from faultlib.server import Server
from faultlib.subject import Subject
from faultlib.trial import Trial

_UNTIL_DONE = 60.0
_LONGEST = 0.15


class Callers:
    """Threads that each make their call again and again, while they may and until the block ends.

    `answered` tells whether anything was answered yet.
    """

    def __init__(self, calls: Sequence[Callable[[], object]], answered: Callable[[], object]):
        self._answered = answered
        self._may, self._over = threading.Event(), threading.Event()
        self._changed = threading.Condition()
        self._busy = 0
        self._threads = [threading.Thread(target=self._go_on, args=(call,), daemon=True) for call in calls]

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._may.set()
        until = time.monotonic() + _UNTIL_DONE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            raise TimeoutError(f"a call was neither answered nor broken off within {_UNTIL_DONE:.0f} s")

    def go(self) -> None:
        self._may.set()

    def begin(self) -> None:
        """Go; returns when something was answered: a machine may be so busy that nothing is before the first fault."""
        self._may.set()
        self._wait(self._answered, "nothing was answered")

    def hold(self) -> None:
        """Begin no further call; returns when those under way have ended."""
        self._may.clear()
        self._wait(lambda: not self._busy, "a call was neither answered nor broken off")

    def _wait(self, until: Callable[[], object], otherwise: str) -> None:
        with self._changed:
            if not self._changed.wait_for(until, _UNTIL_DONE):
                raise TimeoutError(f"{otherwise} within {_UNTIL_DONE:.0f} s")

    def _go_on(self, call: Callable[[], object]) -> None:
        while self._may.wait() and not self._over.is_set():
            with self._changed:
                if not self._may.is_set():
                    continue
                self._busy += 1
            try:
                call()
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()


def submitters(subject: Subject, number: int = 8) -> Callers:
    """Callers that submit one document after the other."""
    return Callers([subject.submit] * number, lambda: subject.acknowledged)


def kill_and_start(trial: Trial, subject: Subject, server: Server, callers: Callers) -> tuple[int, Server]:
    """Kill the server at a random moment of what the callers do, and start it again while they wait.

    Where there are several workers, one is killed first and the others go on for a moment. How many kills, and the
    server that was started.
    """
    callers.go()
    if trial.workers > 1:
        time.sleep(random.uniform(0.0, _LONGEST))
        server.kill_a_worker()
    time.sleep(random.uniform(0.0, _LONGEST))
    server.kill()
    callers.hold()
    return (2 if trial.workers > 1 else 1), subject.start()
