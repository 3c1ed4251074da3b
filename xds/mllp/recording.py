"""What the log is told of a Patient Identity Feed message. Source: ITI TF-2: 3.8.5.1; NEN 7513: 6."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from xds.audit.events import CERTIFICATE
from xds.errors import Unavailable
from xds.mllp.feed import Feed, FeedError, Header
from xds.model.audit import MAJOR, MINOR, SERIOUS, SUCCESS, Access, Entry, Event, Thing
from xds.model.coded import Coded
from xds.model.hl7 import CX
from xds.model.party import Participant
from xds.ports import Log

UNAVAILABLE = 207
"""Application internal error. Source: HL7 table 0357."""
_MESSAGE = Coded("MSH-10", "HL7 v2", "Message control id")

_log = logging.getLogger(__name__)


class Recording(NamedTuple):
    """The log of one message. `participant` is the system that sent it, None where nobody need be known."""

    log: Log
    request_id: str
    started: datetime
    participant: Participant | None
    address: str

    def accepted(self, feed: Feed, patients: Iterable[CX]) -> Sequence[Entry]:
        """The records of a message that is about to be applied, one for each patient."""
        surnames = frozenset[str]().union(*(each.surnames for each in feed.identities))
        return self.log.entries(self._event(SUCCESS, feed.header, patients, surnames=surnames))

    async def refused(self, feed: Feed | FeedError, error: FeedError) -> FeedError:
        """Have a message that was not accepted on record; what its sender is told.

        That is another error when it can't be recorded: then we are not available.
        """
        patients: dict[CX, None] = {}
        if isinstance(feed, Feed):
            patients = dict.fromkeys(cx for each in feed.identities for cx in (*each.patient_ids, *each.subsumed))
        outcome = MAJOR if error.code == UNAVAILABLE else MINOR if isinstance(feed, Feed) else SERIOUS
        text = f"{error.acknowledgement} {error.code}"
        if await self._append(self._event(outcome, error.header, patients, text)):
            return error
        return FeedError(error.header, "AR", UNAVAILABLE, "the log is not available now")

    async def unknown_sender(self, certificate: str | None, reason: str) -> None:
        """Record that a message was not read, because of who sent it."""
        things = () if certificate is None else (Thing(CERTIFICATE, certificate),)
        await self._append(self._event(SERIOUS, Header(), (), reason, things))

    def _event(
        self,
        outcome: int,
        header: Header,
        patients: Iterable[CX],
        text: str = "",
        things: tuple[Thing, ...] = (),
        surnames: frozenset[str] = frozenset(),
    ) -> Event:
        if header.control_id:
            things = (*things, Thing(_MESSAGE, header.control_id, f"ADT^{header.event}"))
        return Event(
            self.request_id,
            "ITI-8",
            self.started,
            outcome,
            participant=self.participant,
            address=self.address,
            accesses=tuple(Access(patient, surnames=surnames) for patient in patients),
            outcome_text=text,
            things=things,
        )

    async def _append(self, event: Event) -> bool:
        try:
            await self.log.append(event)
        except Unavailable:
            _log.error("patient identity feed: message %s is not recorded", self.request_id)
            return False
        return True
