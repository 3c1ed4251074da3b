"""Several worker processes on sockets that were bound before they were forked."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time
from collections.abc import Callable

import structlog

from xds.errors import Misconfigured, XdsError

MISCONFIGURED = 2
UNAVAILABLE = 3

_STOP = (signal.SIGTERM, signal.SIGINT)
_HANDLED = (*_STOP, signal.SIGHUP, signal.SIGCHLD)
_LONGEST_PAUSE = 30.0
_SETTLED = 60.0
_MARGIN = 5.0

Worker = Callable[[int, int], None]
"""Runs one worker, given its slot and a descriptor that reads as ended when the parent is gone."""

_log = structlog.get_logger()


class Supervisor:
    """Keeps one worker running in every slot until it is told to stop.

    SIGTERM and SIGINT stop all workers, which have `drain_seconds` to finish; SIGHUP is passed on. A worker that
    ended by itself is replaced, after a pause that doubles each time unless it had run for a minute. A worker
    that found a setting wrong stops the server. `stop_listening` closes this process's copies of the sockets, which
    would otherwise go on to take connections that nobody answers.
    """

    def __init__(self, workers: int, run: Worker, drain_seconds: float, stop_listening: Callable[[], None]):
        self._run = run
        self._drain_seconds = drain_seconds
        self._stop_listening = stop_listening
        self._slots: dict[int, int] = {}
        self._started: dict[int, float] = {}
        self._pauses = dict.fromkeys(range(workers), 0.0)
        self._due = dict.fromkeys(range(workers), 0.0)
        self._status = 0
        self._alive = os.pipe()

    def supervise(self) -> int:
        """Run until all is over and return the exit status."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        stopping = False
        while not stopping:
            self._start_due()
            received = signal.sigtimedwait(_HANDLED, self._patience())
            number = received.si_signo if received else None
            if number == signal.SIGHUP:
                self._send(signal.SIGHUP)
            stopping = number in _STOP or self._bury() == MISCONFIGURED
        self._stop()
        return self._status

    def _start_due(self) -> None:
        now = time.monotonic()
        for slot in [slot for slot, due in self._due.items() if due <= now]:
            del self._due[slot]
            pid = os.fork()
            if pid == 0:
                self._become_worker(slot)
            self._slots[pid] = slot
            self._started[slot] = now
            _log.info("worker started", worker=slot, pid=pid)

    def _become_worker(self, slot: int) -> None:
        status = 1
        try:
            os.close(self._alive[1])
            for number in _HANDLED:
                signal.signal(number, signal.SIG_IGN if number == signal.SIGHUP else signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
            self._run(slot, self._alive[0])
            status = 0
        except XdsError as error:
            _log.error("the worker can't run", worker=slot, reason=str(error))
            status = MISCONFIGURED if isinstance(error, Misconfigured) else UNAVAILABLE
        except BaseException:
            _log.error("the worker failed", worker=slot, exc_info=True)
        finally:
            os._exit(status)

    def _patience(self) -> float:
        soonest = min(self._due.values(), default=time.monotonic() + 3600)
        return max(0.0, soonest - time.monotonic())

    def _bury(self) -> int:
        """Take leave of the workers that ended and plan their successors; the worst of their statuses."""
        worst = 0
        while self._slots:
            pid, raw = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            slot = self._slots.pop(pid)
            status = os.waitstatus_to_exitcode(raw)
            lived = time.monotonic() - self._started[slot]
            pause = 0.0 if lived > _SETTLED else min(_LONGEST_PAUSE, max(0.5, 2 * self._pauses[slot]))
            self._pauses[slot] = pause
            self._due[slot] = time.monotonic() + pause
            _log.error("worker ended", worker=slot, pid=pid, status=status, again_in_seconds=pause)
            if status == MISCONFIGURED:
                worst = self._status = MISCONFIGURED
        return worst

    def _send(self, number: signal.Signals) -> None:
        for pid in self._slots:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _stop(self) -> None:
        self._stop_listening()
        self._send(signal.SIGTERM)
        deadline = time.monotonic() + self._drain_seconds + _MARGIN
        while self._slots and time.monotonic() < deadline:
            signal.sigtimedwait((signal.SIGCHLD,), max(0.0, deadline - time.monotonic()))
            while self._slots:
                pid, raw = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                del self._slots[pid]
                status = os.waitstatus_to_exitcode(raw)
                if status not in (0, -signal.SIGTERM):  # by SIGTERM: one that had not begun to serve
                    self._status = self._status or 1
        if self._slots:
            _log.error("workers did not end in time and are killed", pids=list(self._slots))
            self._send(signal.SIGKILL)
            for pid in self._slots:
                os.waitpid(pid, 0)
            self._status = 1


def raise_descriptor_limit() -> None:
    """Let this process have as many descriptors as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
