"""The faults of WS-Security. Their reasons hold nothing of the token.

Source: WSS SOAP Message Security 1.1: 12; WSS SAML Token Profile 1.1: 3.6.
"""

from __future__ import annotations

from xds.errors import Fault

_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE = f"{_WSS}wssecurity-secext-1.0.xsd"
WSU = f"{_WSS}wssecurity-utility-1.0.xsd"


def no_token(reason: str) -> Fault:
    """There is no assertion where one is needed."""
    return _fault("SecurityTokenUnavailable", reason)


def unsupported_token(reason: str) -> Fault:
    """A token, or something in one, of a kind that is not understood."""
    return _fault("UnsupportedSecurityToken", reason)


def unsupported_algorithm(reason: str) -> Fault:
    """A signature by an algorithm that is not allowed."""
    return _fault("UnsupportedAlgorithm", reason)


def invalid_header(reason: str) -> Fault:
    """The Security header is not as it should be."""
    return _fault("InvalidSecurity", reason)


def invalid_token(reason: str) -> Fault:
    """The assertion breaks a rule, or its issuer is not accepted."""
    return _fault("InvalidSecurityToken", reason)


def failed_check(reason: str) -> Fault:
    """The signature is not right."""
    return _fault("FailedCheck", reason)


def failed_authentication(reason: str) -> Fault:
    """The caller may not use this assertion, or is not known, or not well enough."""
    return _fault("FailedAuthentication", reason)


def expired(reason: str) -> Fault:
    """The time of the assertion is over."""
    return Fault(reason, subcode=f"{{{WSU}}}MessageExpired")


def _fault(subcode: str, reason: str) -> Fault:
    return Fault(reason, subcode=f"{{{WSSE}}}{subcode}")
