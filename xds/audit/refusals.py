"""Connections that were not let in, counted: a flood of them must not fill the log. Source: ITI TF-2: 3.19; 3.20."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from xds.model.audit import SERIOUS, Event, Thing
from xds.model.coded import Coded

_SECONDS = 60
_MOST_PEERS = 256
OTHERS = "others"
_COUNT = Coded("refused-connections", "xds", "Connections that were not let in")


class Refusals:
    """Counts refused connections by peer, reason and minute. `new_id` makes the id of a record's request."""

    def __init__(self, new_id: Callable[[], str]):
        self._new_id = new_id
        self._minute = 0
        self._counts: Counter[tuple[str, str]] = Counter()

    def note(self, address: str, reason: str, now: datetime) -> list[Event]:
        """Count one; the events of a minute that is over. `reason` is a word of ours, nothing that the peer sent.

        Of a minute with very many peers the last ones are counted together.
        """
        over = self.due(now)
        known = (address, reason) in self._counts or len(self._counts) < _MOST_PEERS
        self._counts[address if known else OTHERS, reason] += 1
        return over

    def due(self, now: datetime) -> list[Event]:
        """The events of the minute before, once it is over: one for each peer and reason."""
        minute = int(now.timestamp()) // _SECONDS
        if minute == self._minute:
            return []
        events = self.flush()
        self._minute = minute
        return events

    def flush(self) -> list[Event]:
        """The events of what was counted and not recorded yet, for a server that stops."""
        started = datetime.fromtimestamp(self._minute * _SECONDS, UTC)
        events = [
            Event(
                self._new_id(),
                "node-authentication",
                started,
                SERIOUS,
                address=address,
                outcome_text=reason,
                things=(Thing(_COUNT, address, details=(("count", str(count)),)),),
            )
            for (address, reason), count in self._counts.items()
        ]
        self._counts.clear()
        return events
