"""What the pages need to know of who looks at them."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from xds.model.viewer import Attempts, Auditor, Session


class ViewerReader(Protocol):
    """Who looks at the pages. Every method is one SELECT."""

    def auditors(self) -> list[Auditor]:
        """All of them, also the suspended ones, by account."""

    def auditor_with(self, certificate: str) -> Auditor | None:
        """Who has the certificate with this SHA-256 (lower-case hex)."""

    def auditor_known_as(self, subject: str) -> Auditor | None:
        """Whom an OpenID provider calls this: its issuer, a blank, the subject."""

    def attempts(self, auditor: int) -> Attempts: ...

    def session(self, token: bytes) -> Session | None:
        """The session of a browser that keeps what has this SHA-256; it may have ended by its time."""

    def sessions(self, now: datetime) -> list[Session]:
        """Those that last longer than `now`, in the order in which they began."""


class ViewerWriter(ViewerReader, Protocol):
    """Who looks at the pages, inside a write transaction."""

    def add_auditor(self, new: Auditor) -> int:
        """The number of a new auditor; ValueError when the account, certificate or subject is another's."""

    def suspend_auditor(self, auditor: int, suspended: bool) -> bool:
        """Whether there is such an auditor."""

    def set_secret(self, auditor: int, secret: bytes) -> bool:
        """Give another second factor, with no attempts yet; whether there is such an auditor."""

    def set_certificate(self, auditor: int, certificate: str) -> bool:
        """Know an auditor by another certificate; whether there is such one. ValueError when it is another's."""

    def set_attempts(self, auditor: int, attempts: Attempts) -> None: ...

    def begin_session(self, token: bytes, new: Session) -> int:
        """The number of a new session; the one that it has is not looked at."""

    def touch_session(self, number: int, now: datetime) -> None:
        """Record that the session was used."""

    def end_session(self, number: int) -> bool:
        """Whether there was such a session."""

    def end_sessions_of(self, auditor: int) -> int:
        """How many sessions of an auditor were ended."""

    def forget_sessions(self, now: datetime, seen_before: datetime) -> None:
        """Drop those that ended before `now`, and those that were not used since `seen_before`."""
