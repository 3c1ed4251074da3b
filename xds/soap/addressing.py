"""WS-Addressing headers of a request. No reply goes anywhere but back on its connection.

Source: WS-Addressing 1.0 SOAP Binding; ITI TF-2: Appendix V.3.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lxml.etree import _Element

from xds.soap.fault import ANONYMOUS, WSA, invalid_header

_ACTION, _TO, _MESSAGE_ID, _FROM, _REPLY_TO, _FAULT_TO = (
    f"{{{WSA}}}{name}" for name in ("Action", "To", "MessageID", "From", "ReplyTo", "FaultTo")
)
_ADDRESS = f"{{{WSA}}}Address"
_ONCE = frozenset((_ACTION, _TO, _MESSAGE_ID, _FROM, _REPLY_TO, _FAULT_TO))
UNDERSTOOD = _ONCE | {f"{{{WSA}}}RelatesTo"}

_MAX_LENGTH = 2048


class Addressing(NamedTuple):
    """What a request says of itself; "" where it says nothing."""

    action: str = ""
    message_id: str = ""


NO_ADDRESSING = Addressing()


def read_message_id(headers: Iterable[_Element]) -> str:
    """The MessageID if there is one that can be sent back, for the answer to a message with other mistakes."""
    for header in headers:
        if header.tag == _MESSAGE_ID:
            text = "".join(header.itertext()).strip()
            return text if len(text) <= _MAX_LENGTH else ""
    return ""


def read_addressing(headers: Iterable[_Element]) -> Addressing:
    """Read and judge the addressing headers; SoapFault when one is wrong."""
    action = message_id = ""
    seen = set()
    for header in headers:
        tag = header.tag
        if tag not in _ONCE:
            continue
        if tag in seen:
            raise invalid_header("an addressing header stands there twice", "InvalidCardinality", tag)
        seen.add(tag)
        if tag == _ACTION:
            action = _text(header)
        elif tag == _MESSAGE_ID:
            message_id = _text(header)
        elif tag in (_REPLY_TO, _FAULT_TO):
            _check_endpoint(header)
    return Addressing(action, message_id)


def _text(header: _Element) -> str:
    if len(header):
        raise invalid_header("an addressing header has elements in it", "InvalidAddress", header.tag)
    text = (header.text or "").strip()
    if len(text) > _MAX_LENGTH:
        raise invalid_header(f"an addressing header is longer than {_MAX_LENGTH}", "InvalidAddress", header.tag)
    return text


def _check_endpoint(header: _Element) -> None:
    addresses = [child for child in header if child.tag == _ADDRESS]
    if len(addresses) != 1:
        raise invalid_header("an endpoint reference has no address", "MissingAddressInEPR", header.tag)
    # Answering elsewhere would let anyone make this server connect to hosts of their choice.
    if _text(addresses[0]) != ANONYMOUS:
        reason = "answers go back on the request's connection only"
        raise invalid_header(reason, "OnlyAnonymousAddressSupported", header.tag)
