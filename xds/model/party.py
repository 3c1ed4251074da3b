"""Who asks: a connected system, the person behind a request, and what they say of themselves.

Source: IHE XUA (ITI-40); NEN 7513: 7.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from xds.model.coded import Coded
from xds.model.hl7 import CX


@dataclass(frozen=True, slots=True)
class Organisation:
    """A care organisation. `ura` is text, for it has leading zeros; `kind` is a code of the OrganisatieTypeCodelijst.

    Source: Nictiz value set 2.16.840.1.113883.2.4.3.11.60.40.2.17.2.3.
    """

    ura: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class NormStatus:
    """Whether a norm is met, and since when that was established; None where it was not established."""

    nen7510: date | None = None
    nen7512: date | None = None
    nen7513: date | None = None


@dataclass(frozen=True, slots=True)
class Participant:
    """A connected system.

    `certificate` is the SHA-256 of its DER form, in lower-case hex; `source_ids` are bare OIDs. `certificate_expires`
    is None where it isn't known. `repository` is the repositoryUniqueId of a repository, which passes on what others
    ask; None for every other system.
    """

    id: int
    organisation: Organisation
    certificate: str
    source_ids: tuple[str, ...]
    connected_since: date
    norms: NormStatus = NormStatus()
    suspended: bool = False
    certificate_expires: datetime | None = None
    repository: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A natural person who uses a system. `authority` is the bare OID under which `number` is given out."""

    number: str
    authority: str
    name: str | None
    role: Coded


@dataclass(frozen=True, slots=True)
class Requester:
    """The known person behind a request. Source: IHE XUA; ITI TF-2: 3.40.4.1.2.

    `responsible` is the person on whose behalf a mandated user acts. `patient` is the assertion's resource-id.
    `emergency` is the reason that was given for breaking the glass: the purpose is then ETREAT or BTG.
    `assurance` is the level of the authentication, 1 (low) to 4 (high). `forwarder` is the repository that passed the
    request on, which then has the connection; `participant` is the system that sent it there.
    """

    participant: Participant
    user: Person
    organisation: Organisation
    purpose: Coded
    assurance: int
    issuer: str
    assertion_id: str
    patient: CX | None = None
    responsible: Person | None = None
    emergency: str | None = None
    forwarder: Participant | None = None
