"""The consent API as one worker serves it: who calls, and that it is on record."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from aiohttp import web

from xds.audit.events import CERTIFICATE
from xds.consent import Policy
from xds.consent.events import access_to, event_of, look_of
from xds.errors import Unavailable
from xds.identity import Authenticator
from xds.model.audit import MINOR, SERIOUS, Event, Thing
from xds.model.consent import ConsentChange
from xds.model.party import Participant
from xds.portal import add_consent_api
from xds.ports import Index, Log, Writer
from xds.web.http import peer_of


def mount_consent_api(
    app: web.Application, index: Index, policy: Callable[[], Policy], authenticator: Authenticator, log: Log
) -> None:
    """Serve the consent register to the participants of client certificates."""

    async def participant_of(request: web.Request) -> Participant:
        _, certificate = peer_of(request)
        return await authenticator.participant(certificate)

    add_consent_api(app, index, policy, participant_of, partial(_RequestLog, log))


class _RequestLog:
    """What the log is told of one request of a portal."""

    def __init__(self, log: Log, request: web.Request, participant: Participant | None):
        self._log = log
        self._participant = participant
        self._address, self._certificate = peer_of(request)

    def changed(self, writer: Writer, change: ConsentChange) -> None:
        event = event_of(
            change,
            change.patient_id,
            _request_id(),
            datetime.now(UTC),
            participant=self._participant,
            address=self._address,
        )
        writer.record(self._log.entries(event))

    async def seen(self, patient_id: str, recorded_by: str) -> None:
        if not self._log.may_give():
            raise Unavailable("the log has had no anchor for too long")
        event = look_of(
            [(patient_id, ())],
            "/consent/list",
            _request_id(),
            datetime.now(UTC),
            participant=self._participant,
            address=self._address,
            recorded_by=recorded_by,
        )
        await self._log.append(event)

    async def refused(self, what: str, patient_id: str | None, reason: str) -> None:
        things = ()
        if self._participant is None and self._certificate is not None:
            things = (Thing(CERTIFICATE, self._certificate),)
        event = Event(
            _request_id(),
            "consent-read" if what in ("list", "policy") else "consent-change",
            datetime.now(UTC),
            SERIOUS if patient_id is None else MINOR,
            participant=self._participant,
            address=self._address,
            accesses=() if patient_id is None else (access_to(patient_id),),
            outcome_text=reason,
            things=things,
        )
        await self._log.append(event)


def _request_id() -> str:
    return f"portal-{secrets.token_hex(8)}"
