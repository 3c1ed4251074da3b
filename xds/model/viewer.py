"""Who looks at the pages: auditors by their account, and clients for one visit.

Source: NEN 7513: 7.3; NEN 7510 (access by role).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What an account is for."""

    AUDITOR = "auditor"
    PRIVACY_OFFICER = "privacy-officer"
    ADMINISTRATOR = "administrator"


class Relation(StrEnum):
    """Who looks at a client's page. Source: WGBO, 7:465 BW."""

    CLIENT = "client"
    PARENT = "parent"


@dataclass(frozen=True, slots=True)
class Auditor:
    """An account. `organisation` is a URA; None for the whole exchange.

    `certificate` is the SHA-256 of a client certificate's DER form, in lower-case hex; `subject` is the issuer of an
    OpenID provider, a blank, and the subject there. `secret` is that of the second factor, encrypted.
    """

    id: int
    account: str
    name: str
    role: Role
    organisation: str | None
    certificate: str | None = None
    subject: str | None = None
    secret: bytes | None = None
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """What a portal said of who it sent. `patient` is the CX of the client whose page it is; `actor` is the log's keyed
    hash of who looks; `participant` is the portal's number.
    """

    patient: str
    relation: Relation
    actor: bytes
    participant: int
    organisation: str
    organisation_name: str


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in: either an auditor or a visit.

    `certificate` is the client certificate that the session is bound to; None where it began without one. `number`
    names it to an administrator. `assurance` is 1 (none) to 4 (high). Moments are UTC.
    """

    number: int
    certificate: str | None
    assurance: int
    began: datetime
    seen: datetime
    ends: datetime
    auditor: Auditor | None = None
    visit: Visit | None = None


@dataclass(frozen=True, slots=True)
class Attempts:
    """The second factor of an auditor: the last step that was used, and the failures since."""

    step: int
    failures: int
    locked_until: datetime
