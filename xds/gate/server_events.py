"""What the log is told of the server itself. Source: NEN 7513: 6; ITI TF-2: 3.20.4.1.1."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog

from xds.audit.record import decode
from xds.audit.refusals import Refusals
from xds.errors import XdsError, reason_of
from xds.gate.effective import configuration, differences, effective, settings_in
from xds.gate.operator import operator
from xds.model.audit import MINOR, SUCCESS, Event, Thing
from xds.model.coded import Coded
from xds.model.consent import PolicyText
from xds.ports import Index, Log, Reader, Writer
from xds.settings import Settings
from xds.web.accept import log_refusal

_MOST_WAITING = 10_000
_LOOK_SECONDS = 1.0
_SERVER = Coded("server", "xds", "Server")
_FIRST = "first configuration"

_log = structlog.get_logger()


class ServerEvents:
    """Tells the log when the server at an URL starts, stops and is configured anew.

    `policy` gives the content of the policy that is in force, which is kept; None where none decides.
    """

    def __init__(self, settings: Settings, url: str, index: Index, log: Log, policy: Callable[[], bytes] | None = None):
        self._settings = settings
        self._url = url
        self._index = index
        self._log = log
        self._policy = policy
        # Where the newest configuration of this server is in the log.
        self._place = f"configuration of {url}"

    async def started(self, *, first: bool) -> None:
        """Record the start, by the first worker, and what is set otherwise than before; Unavailable when that can't be.

        Every worker does, for one that takes another's place reads what has become of the files.
        """
        await self._configured("", start=first, reloaded=False)

    async def reloaded(self, errors: Sequence[str]) -> None:
        """Record that files were read again, what is different, and what stayed because a file is wrong."""
        try:
            await self._configured("; ".join(errors) or "reloaded", failed=bool(errors))
        except XdsError as error:
            # What is different then is found at the next start or reload.
            _log.error("a reload is not recorded", reason=str(error))

    async def stopped(self) -> None:
        """Record the stop."""
        try:
            await self._log.append(self._event("stop", (Thing(_SERVER, self._url),)))
        except XdsError as error:
            _log.error("the stop is not recorded", reason=str(error))

    async def _configured(self, text: str, *, start: bool = False, reloaded: bool = True, failed: bool = False) -> None:
        settings = effective(self._settings)
        now = configuration(settings)

        def change(writer: Writer) -> None:
            if self._policy is not None:
                writer.consents.put_in_force(PolicyText(datetime.now(UTC), self._policy()))
            if start:
                event = self._event("start", (Thing(_SERVER, self._url), Thing(now.kind, now.id)))
                writer.record(self._log.entries(event))
            known = self._last(writer)
            changed = differences(known, settings) if known else []
            if changed or not known or reloaded:
                outcome = MINOR if failed else SUCCESS
                said = text or ("" if known else _FIRST)
                event = self._event("configuration-change", (now, *changed), outcome, said)
                writer.log.set_feed(self._place, writer.log.head().size)
                writer.record(self._log.entries(event))

        await self._index.write(change)

    def _last(self, reader: Reader) -> dict[str, str]:
        """The settings of the last start or reload; none when they are not in the log (any more)."""
        place = reader.log.feed(self._place)
        line = next(iter(reader.log.lines(place, 1)), None) if place is not None else None
        return {} if line is None or line.payload is None else settings_in(decode(line.payload))

    def _event(self, kind: str, things: tuple[Thing, ...], outcome: int = SUCCESS, text: str = "") -> Event:
        return Event(
            f"server-{secrets.token_hex(8)}",
            kind,
            datetime.now(UTC),
            outcome,
            operator=operator(),
            outcome_text=text,
            things=things,
        )


class RefusedConnections:
    """Tells the log of connections that were not let in, counted by peer, reason and minute."""

    def __init__(self, log: Log):
        self._log = log
        self._refusals = Refusals(lambda: f"tls-{secrets.token_hex(8)}")
        self._waiting: deque[Event] = deque(maxlen=_MOST_WAITING)

    def note(self, peer: str, reason: str) -> None:
        """Count one; runs on the event loop."""
        self._waiting += self._refusals.note(peer, reason, datetime.now(UTC))

    def note_handshake(self, peer: str, reason: str) -> None:
        """Count a TLS handshake that failed, and mention it in the technical log: an `xds.web.accept.Refused`."""
        log_refusal(peer, reason)
        self.note(peer, reason)

    async def run(self) -> None:
        """Record each minute when it is over, until cancelled; what can't be recorded waits."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._waiting += self._refusals.due(datetime.now(UTC))
            await self._record()

    async def flush(self) -> None:
        """Record what was counted until now."""
        self._waiting += self._refusals.flush()
        await self._record()

    async def _record(self) -> None:
        while self._waiting:
            try:
                await self._log.append(self._waiting[0])
            except Exception as error:
                _log.error("refused connections are not recorded yet", reason=reason_of(error))
                return
            self._waiting.popleft()
