"""The code lists of identity: purposes of use, assurance levels, and where numbers come from."""

from __future__ import annotations

from xds.model.coded import Coded

UZI_OID = "2.16.528.1.1007.3.1"
"""The UZI register's numbers of persons."""
URA_OID = "2.16.528.1.1007.3.3"
"""The UZI register's numbers of organisations."""
ACT_REASON = "2.16.840.1.113883.5.8"
_PURPOSE_OF_USE = "2.16.840.1.113883.1.11.20448"
_XSPA = "2.16.840.1.113883.3.18.7.1"

TREATMENT = Coded("TREAT", ACT_REASON, "behandeling")
COORDINATION = Coded("COC", ACT_REASON, "coördinatie van zorg")
EMERGENCY_TREATMENT = Coded("ETREAT", ACT_REASON, "spoedbehandeling")
BREAK_THE_GLASS = Coded("BTG", ACT_REASON, "noodknop")
PATIENT_REQUEST = Coded("PATRQT", ACT_REASON, "verzoek van de cliënt")
OPERATIONS = Coded("HOPERAT", ACT_REASON, "bedrijfsvoering")

EMERGENCIES = frozenset({EMERGENCY_TREATMENT, BREAK_THE_GLASS})
"""The purposes that need a reason."""

_XSPA_WORDS = {
    "TREATMENT": TREATMENT,
    "EMERGENCY": EMERGENCY_TREATMENT,
    "REQUEST": PATIENT_REQUEST,
    "OPERATIONS": OPERATIONS,
}
PURPOSES: dict[tuple[str, str], Coded] = {
    **{
        (purpose.code, scheme): purpose
        for purpose in (
            TREATMENT,
            COORDINATION,
            EMERGENCY_TREATMENT,
            BREAK_THE_GLASS,
            PATIENT_REQUEST,
            OPERATIONS,
        )
        for scheme in (ACT_REASON, _PURPOSE_OF_USE)
    },
    **{(word, scheme): purpose for word, purpose in _XSPA_WORDS.items() for scheme in (_XSPA, "")},
}
"""By code and scheme, "" where a purpose is only a word. Source: HL7 ActReason; OASIS XSPA profile of SAML: 2.11."""

_CLASSES = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
_ETOEGANG = "urn:etoegang:core:assurance-class:"
_EIDAS = "http://eidas.europa.eu/LoA/"
ASSURANCE: dict[str, int] = {
    f"{_CLASSES}unspecified": 1,
    f"{_CLASSES}InternetProtocol": 1,
    f"{_CLASSES}PreviousSession": 1,
    f"{_ETOEGANG}loa1": 1,
    f"{_CLASSES}Password": 2,
    f"{_CLASSES}PasswordProtectedTransport": 2,
    f"{_CLASSES}InternetProtocolPassword": 2,
    f"{_CLASSES}Kerberos": 2,
    f"{_CLASSES}MobileOneFactorContract": 2,
    f"{_EIDAS}low": 2,
    f"{_ETOEGANG}loa2": 2,
    f"{_CLASSES}MobileTwoFactorContract": 3,
    f"{_CLASSES}MobileTwoFactorUnregistered": 3,
    f"{_CLASSES}TimeSyncToken": 3,
    f"{_CLASSES}TLSClient": 3,
    f"{_CLASSES}X509": 3,
    f"{_CLASSES}Smartcard": 3,
    "https://refeds.org/profile/mfa": 3,
    "http://schemas.microsoft.com/claims/multipleauthn": 3,
    f"{_EIDAS}substantial": 3,
    f"{_ETOEGANG}loa2plus": 3,
    f"{_ETOEGANG}loa3": 3,
    f"{_CLASSES}SmartcardPKI": 4,
    f"{_EIDAS}high": 4,
    f"{_ETOEGANG}loa4": 4,
}
"""The level of an AuthnContextClassRef: 1 none, 2 low, 3 substantial, 4 high.

Source: SAML 2.0 Authentication Context: 3.4; Regulation (EU) 2015/1502.
"""
