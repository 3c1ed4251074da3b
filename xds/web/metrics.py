"""What the server counts, for Prometheus."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess, values

from xds.transaction import Answered

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)


class Metrics:
    """The counters of one worker. `render` answers for all workers that share `folder`.

    `slot` is the worker's number: one that takes the place of another counts on from where that was.
    """

    def __init__(self, folder: Path, slot: int = 0):
        self._folder = str(folder)
        # prometheus_client reads the folder from the environment, and the kind of its values once per process.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = self._folder
        values.ValueClass = values.MultiProcessValue(lambda: slot)
        registry = CollectorRegistry()
        self._requests = Counter(
            "xds_requests", "Answers, by transaction and status", ("transaction", "status"), registry=registry
        )
        self._seconds = Histogram(
            "xds_request_seconds",
            "Time until an answer was sent",
            ("transaction",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._errors = Counter("xds_errors", "Errors reported, by code", ("transaction", "code"), registry=registry)
        self._received = Counter("xds_received_bytes", "Bytes of requests", ("transaction",), registry=registry)
        self._sent = Counter("xds_sent_bytes", "Bytes of answers", ("transaction",), registry=registry)
        self._stored = Counter("xds_stored_document_bytes", "Bytes of documents stored", registry=registry)
        self._verdicts = Counter(
            "xds_verdicts",
            "Decisions on what of a client may be seen, by the rule that decided",
            ("rule", "permitted"),
            registry=registry,
        )
        self._records = Gauge(
            "xds_log_records", "Records in the log", multiprocess_mode="mostrecent", registry=registry
        )
        self._unanchored = Gauge(
            "xds_log_unanchored_seconds",
            "How long a record of the log has been without an anchor",
            multiprocess_mode="mostrecent",
            registry=registry,
        )
        self._unsent = Gauge(
            "xds_log_unsent_records",
            "Records that the audit repository has not got",
            multiprocess_mode="mostrecent",
            registry=registry,
        )

    def count(self, answers: Sequence[Answered]) -> None:
        """Count answers."""
        kinds: dict[tuple[str, str], list[Answered]] = {}
        for answered in answers:
            kinds.setdefault((answered.transaction, answered.status), []).append(answered)
            for code in answered.codes:
                self._errors.labels(answered.transaction, code).inc()
            for rule, permitted in answered.verdicts:
                self._verdicts.labels(rule, "yes" if permitted else "no").inc()
        for (transaction, status), alike in kinds.items():
            self._requests.labels(transaction, status).inc(len(alike))
            observe = self._seconds.labels(transaction).observe
            for answered in alike:
                observe(answered.seconds)
            self._received.labels(transaction).inc(sum(answered.received for answered in alike))
            self._sent.labels(transaction).inc(sum(answered.sent for answered in alike))

    def count_stored(self, size: int) -> None:
        """Count the bytes of documents that were made durable."""
        self._stored.inc(size)

    def set_log(self, records: int, unanchored_seconds: float, unsent_records: int) -> None:
        """Set how long the log is, and how far anchors and audit repository are behind it."""
        self._records.set(records)
        self._unanchored.set(unanchored_seconds)
        self._unsent.set(unsent_records)

    def render(self) -> bytes:
        """What all workers counted, in Prometheus's text format."""
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, self._folder)
        return generate_latest(registry)
