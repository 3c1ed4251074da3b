"""What became of each request: kept for a moment, then logged and counted together.

A line of the log and the shared files of the metrics cost more than the rest of a small query's bookkeeping, and
several times less when many are written in one go.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import structlog

from xds.transaction import Answered
from xds.web.metrics import Metrics

_DELAY = 0.1

_log = structlog.get_logger()


class Answers:
    """The answers of one worker. They are logged and counted within a tenth of a second, or by `flush`."""

    def __init__(self, metrics: Metrics):
        self._metrics = metrics
        self._waiting: list[Answered] = []

    def note(self, answered: Answered) -> None:
        """Take one answer; runs on the event loop."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(_DELAY, self.flush)
        self._waiting.append(answered)

    def render_metrics(self) -> bytes:
        """What all workers counted, and this one until now, in Prometheus's text format."""
        self.flush()
        return self._metrics.render()

    def flush(self) -> None:
        """Log and count what was noted."""
        answers, self._waiting = self._waiting, []
        log = _log.bind()
        for each in answers:
            log.info(
                "answered",
                timestamp=datetime.fromtimestamp(each.at, UTC).isoformat().replace("+00:00", "Z"),
                request=each.request_id,
                transaction=each.transaction,
                status=each.status,
                codes=each.codes,
                ms=round(each.seconds * 1000, 2),
                received=each.received,
                sent=each.sent,
            )
        self._metrics.count(answers)
