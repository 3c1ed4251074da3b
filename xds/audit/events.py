"""What can happen, in the terms of DICOM and IHE. Source: DICOM PS3.15: A.5; PS3.16: CID 400, 401; ITI TF-2: 3.*.5.

The registry and the repository record what they do themselves: of a submission they are the recipient (Import), of a
retrieval the source (Export).
"""

from __future__ import annotations

from typing import NamedTuple

from xds.model.coded import Coded

DCM = "DCM"
IHE = "IHE Transactions"
OWN = "xds"
"""Coding scheme names, as audit messages have them."""


CERTIFICATE = Coded("certificate", OWN, "SHA-256 of a client certificate")
"""What is left of who was not let in."""
PARTICIPANT = Coded("participant", OWN, "Aangesloten systeem")
"""A participant that is changed, with what is done to it."""
SUSPENDED, LET_IN_AGAIN = "suspended", "let in again"
"""What is done to it when it is refused from then on, and when it no longer is."""


class Kind(NamedTuple):
    """A sort of event. `action` is C, R, U, D or E. Source: NEN 7513: 7.2.1, 7.2.2, 7.2.4.

    `transaction` is the standard's, where `type` is our name for one use of it.
    """

    event: Coded
    action: str
    type: Coded
    transaction: Coded | None = None


def _dcm(code: str, display: str) -> Coded:
    return Coded(code, DCM, display)


def _iti(number: int, display: str) -> Coded:
    return Coded(f"ITI-{number}", IHE, display)


APPLICATION = _dcm("110100", "Application Activity")
LOG_USED = _dcm("110101", "Audit Log Used")
EXPORT = _dcm("110106", "Export")
IMPORT = _dcm("110107", "Import")
PATIENT_RECORD = _dcm("110110", "Patient Record")
QUERY = _dcm("110112", "Query")
SECURITY_ALERT = _dcm("110113", "Security Alert")
EMERGENCY = _dcm("110127", "Emergency Override Started")
_STORED_QUERY = _iti(18, "Registry Stored Query")

KINDS: dict[str, Kind] = {
    "ITI-8": Kind(PATIENT_RECORD, "U", _iti(8, "Patient Identity Feed")),
    "ITI-18": Kind(QUERY, "E", _STORED_QUERY),
    "retrieval-check": Kind(
        QUERY, "E", Coded("retrieval-check", OWN, "A repository asked what may be retrieved"), _STORED_QUERY
    ),
    "registration-check": Kind(
        QUERY, "E", Coded("registration-check", OWN, "A repository asked what is registered"), _STORED_QUERY
    ),
    "ITI-41": Kind(IMPORT, "C", _iti(41, "Provide and Register Document Set-b")),
    "ITI-42": Kind(IMPORT, "C", _iti(42, "Register Document Set-b")),
    "ITI-43": Kind(EXPORT, "R", _iti(43, "Retrieve Document Set")),
    "ITI-57": Kind(IMPORT, "U", _iti(57, "Update Document Set")),
    "ITI-62": Kind(PATIENT_RECORD, "D", _iti(62, "Remove Metadata")),
    "ITI-86": Kind(PATIENT_RECORD, "D", _iti(86, "Remove Documents")),
    "start": Kind(APPLICATION, "E", _dcm("110120", "Application Start")),
    "stop": Kind(APPLICATION, "E", _dcm("110121", "Application Stop")),
    "unintelligible": Kind(SECURITY_ALERT, "E", Coded("unintelligible", OWN, "A request that can't be read")),
    "node-authentication": Kind(SECURITY_ALERT, "E", _dcm("110126", "Node Authentication")),
    "assertion-refused": Kind(_dcm("110114", "User Authentication"), "E", _dcm("110122", "Login")),
    "sign-in": Kind(_dcm("110114", "User Authentication"), "E", _dcm("110122", "Login")),
    "sign-out": Kind(_dcm("110114", "User Authentication"), "E", _dcm("110123", "Logout")),
    "launch-token": Kind(
        SECURITY_ALERT, "C", Coded("launch-token", OWN, "A token was made by which one comes in as a client")
    ),
    "auditor-change": Kind(SECURITY_ALERT, "U", _dcm("110137", "User Security Attributes Changed")),
    "consent-read": Kind(PATIENT_RECORD, "R", Coded("consent-read", OWN, "Consents were looked at")),
    "patient-add": Kind(PATIENT_RECORD, "C", Coded("patient-add", OWN, "Patients were made known")),
    "patients-read": Kind(PATIENT_RECORD, "R", Coded("patients-read", OWN, "The known patients were listed")),
    "consent-change": Kind(PATIENT_RECORD, "U", Coded("consent-change", OWN, "Consent recorded or withdrawn")),
    "participant-change": Kind(SECURITY_ALERT, "U", _dcm("110132", "Network Configuration")),
    "configuration-change": Kind(SECURITY_ALERT, "U", _dcm("110131", "Security Configuration")),
    "log-read": Kind(LOG_USED, "R", Coded("log-read", OWN, "The log was searched or shown")),
    "log-export": Kind(LOG_USED, "R", Coded("log-export", OWN, "A part of the log was exported")),
    "hint-review": Kind(LOG_USED, "U", Coded("hint-review", OWN, "A hint in the log was reviewed")),
    "log-verified": Kind(LOG_USED, "R", Coded("log-verified", OWN, "The log was verified")),
    "log-retention": Kind(LOG_USED, "D", Coded("log-retention", OWN, "Payloads were deleted after their term")),
}
"""By transaction, or by a name of ours for what is no transaction."""
