"""What can be wrong, as values and as exceptions.

A broken rule is a value, an `Issue`: all of them are collected and reported together in the
RegistryErrorList. An exception is raised only where no answer in the standard's terms can be given:

    XdsError
    ├── Fault          the message is not intelligible: a SOAP fault, Sender or Receiver
    ├── Unavailable    a part of us is missing (database, disk, registry): Receiver fault or an XDS code
    │   └── Busy       there is too much to do at this moment; what was asked was not begun
    └── Misconfigured  a setting is wrong; the message names the key
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """The error codes of the standard. Source: ITI TF-3: Table 4.2.4.1-2."""

    XDSDocumentUniqueIdError = "XDSDocumentUniqueIdError"
    XDSDuplicateUniqueIdInRegistry = "XDSDuplicateUniqueIdInRegistry"
    XDSExtraMetadataNotSaved = "XDSExtraMetadataNotSaved"
    XDSMissingDocument = "XDSMissingDocument"
    XDSMissingDocumentMetadata = "XDSMissingDocumentMetadata"
    XDSMissingHomeCommunityId = "XDSMissingHomeCommunityId"
    XDSNonIdenticalHash = "XDSNonIdenticalHash"
    XDSNonIdenticalSize = "XDSNonIdenticalSize"
    XDSPatientIdDoesNotMatch = "XDSPatientIdDoesNotMatch"
    XDSRegistryBusy = "XDSRegistryBusy"
    XDSRegistryDeprecatedDocumentError = "XDSRegistryDeprecatedDocumentError"
    XDSRegistryDuplicateUniqueIdInMessage = "XDSRegistryDuplicateUniqueIdInMessage"
    XDSRegistryError = "XDSRegistryError"
    XDSRegistryMetadataError = "XDSRegistryMetadataError"
    XDSRegistryNotAvailable = "XDSRegistryNotAvailable"
    XDSRegistryOutOfResources = "XDSRegistryOutOfResources"
    XDSRepositoryBusy = "XDSRepositoryBusy"
    XDSRepositoryDuplicateUniqueIdInMessage = "XDSRepositoryDuplicateUniqueIdInMessage"
    XDSRepositoryError = "XDSRepositoryError"
    XDSRepositoryMetadataError = "XDSRepositoryMetadataError"
    XDSRepositoryOutOfResources = "XDSRepositoryOutOfResources"
    XDSResultNotSinglePatient = "XDSResultNotSinglePatient"
    XDSStoredQueryMissingParam = "XDSStoredQueryMissingParam"
    XDSStoredQueryParamNumber = "XDSStoredQueryParamNumber"
    XDSTooManyResults = "XDSTooManyResults"
    XDSUnknownCommunity = "XDSUnknownCommunity"
    XDSUnknownPatientId = "XDSUnknownPatientId"
    XDSUnknownRepositoryId = "XDSUnknownRepositoryId"
    XDSUnknownStoredQuery = "XDSUnknownStoredQuery"
    UnresolvedReferenceException = "UnresolvedReferenceException"


class Severity(StrEnum):
    """Source: ebRS 3.0: ErrorSeverityType."""

    ERROR = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"
    WARNING = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning"


@dataclass(frozen=True, slots=True)
class Issue:
    """One broken rule, as a RegistryError reports it.

    `code` is a `Code`, or whatever another system sent.
    `context` is for a person: it names the object and the attribute at fault and holds nothing that
    the caller did not send. `location` is the id of the object (or the slot) at fault. `section` is
    where the standard states the rule; it is shown by `xds validate`, not sent.
    """

    code: str
    context: str
    location: str = ""
    severity: Severity = Severity.ERROR
    section: str = ""


class XdsError(Exception):
    """The root of our exceptions."""


class Fault(XdsError):
    """A message that can't be answered in the terms of its transaction.

    `code` is the local name of a SOAP 1.2 fault code: Sender, Receiver, MustUnderstand,
    VersionMismatch or DataEncodingUnknown. `subcode` is a QName in Clark notation, or None.
    `status` is the HTTP status. `reason` may be shown to the caller: no content, no patient number.
    Source: SOAP 1.2 Part 1: 5.4.6; Part 2: 7.5.2.2.
    """

    def __init__(self, reason: str, *, code: str = "Sender", subcode: str | None = None, status: int | None = None):
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.subcode = subcode
        self.status = status if status is not None else (400 if code == "Sender" else 500)


class Unavailable(XdsError):
    """Something that we need can't be reached or is full; nothing was changed that was not acknowledged."""


class Busy(Unavailable):
    """Too much waits to be done already; what was asked was not begun."""


class Misconfigured(XdsError):
    """A setting is wrong; the text names its key and says what is expected."""


def reason_of(error: Exception) -> str:
    """What a log may have of an error: our own text; of any other its type, for its text can hold anything."""
    return str(error) if isinstance(error, XdsError) else type(error).__qualname__
