"""The SOAP 1.2 envelope: opened strictly, and closed around bytes that are ready.

Source: SOAP 1.2 Part 1: 5; ITI TF-2: Appendix V.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple
from xml.sax.saxutils import escape

from lxml.etree import _Element

from xds.errors import Fault
from xds.soap import addressing
from xds.soap.addressing import NO_ADDRESSING, Addressing
from xds.soap.fault import ANONYMOUS, SOAP, WSA, must_understand, version_mismatch
from xds.soap.trust import WSSE

_ENVELOPE, _HEADER, _BODY, _FAULT = (f"{{{SOAP}}}{name}" for name in ("Envelope", "Header", "Body", "Fault"))
_MUST_UNDERSTAND = f"{{{SOAP}}}mustUnderstand"
_ROLE = f"{{{SOAP}}}role"
_OURS = (None, "", f"{SOAP}/role/ultimateReceiver", f"{SOAP}/role/next")
_SECURITY_HEAD = f'<wsse:Security xmlns:wsse="{WSSE}" soap:mustUnderstand="1">'.encode()
_TAIL = b"</soap:Body></soap:Envelope>"


class Envelope(NamedTuple):
    """A request: its header blocks that are for us, what it says of itself, and the element in its Body."""

    headers: Sequence[_Element]
    addressing: Addressing
    message: _Element


def header_blocks(root: _Element) -> Sequence[_Element]:
    """The header blocks that are for us, of any envelope; those for another role are none of our business."""
    header = next(iter(root), None)
    if header is None or header.tag != _HEADER:
        return ()
    return [block for block in header if block.get(_ROLE) in _OURS]


def open_envelope(root: _Element, understood: frozenset[str] = frozenset()) -> Envelope:
    """Take a request apart; a fault says what is wrong with it.

    `understood` are the header blocks, in Clark notation, that are heeded besides those of WS-Addressing.
    """
    if root.tag != _ENVELOPE:
        raise version_mismatch()
    headers = header_blocks(root)
    _check_understood(headers, understood)
    message = _only_message(root)
    return Envelope(headers, addressing.read_addressing(headers), message)


def _only_message(root: _Element) -> _Element:
    children = list(root)
    if children and children[0].tag == _HEADER:
        del children[0]
    if len(children) != 1 or children[0].tag != _BODY:
        raise Fault("a SOAP envelope holds at most one Header and then exactly one Body")
    body = children[0]
    if len(body) != 1:
        raise Fault(f"the SOAP Body holds {len(body)} elements where exactly one is expected")
    message = body[0]
    if message.tag in (_ENVELOPE, _FAULT):
        raise Fault("the SOAP Body holds no request")
    return message


def _check_understood(headers: Iterable[_Element], understood: frozenset[str]) -> None:
    unknown = []
    for block in headers:
        mandatory = block.get(_MUST_UNDERSTAND)
        if mandatory is None or block.tag in addressing.UNDERSTOOD:
            continue
        if mandatory.strip() not in ("0", "1", "true", "false"):
            raise Fault("mustUnderstand is neither true nor false")
        if mandatory.strip() in ("1", "true") and block.tag not in understood:
            unknown.append(block.tag)
    if unknown:
        raise must_understand(unknown)


def close_envelope(action: str, request: Addressing, body: Sequence[bytes]) -> tuple[bytes, ...]:
    """An answer with this action around `body`, both in pieces.

    Whoever sent no addressing headers need not understand ours.
    """
    message_id = request.message_id
    head, middle = _head(action, mandatory=request != NO_ADDRESSING)
    relates = f"<wsa:RelatesTo>{escape(message_id)}</wsa:RelatesTo>".encode() if message_id else b""
    return head, relates, middle, *body, _TAIL


def request_envelope(action: str, to: str, message_id: str, body: bytes, assertion: bytes | None = None) -> bytes:
    """A request with its addressing headers around `body`, and the assertion of the person behind it, if any."""
    head = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="{SOAP}" xmlns:wsa="{WSA}"><soap:Header>'
        f'<wsa:Action soap:mustUnderstand="1">{escape(action)}</wsa:Action><wsa:To>{escape(to)}</wsa:To>'
        f"<wsa:MessageID>{escape(message_id)}</wsa:MessageID>"
        f"<wsa:ReplyTo><wsa:Address>{ANONYMOUS}</wsa:Address></wsa:ReplyTo>"
    )
    security = b"" if assertion is None else b"".join((_SECURITY_HEAD, assertion, b"</wsse:Security>"))
    return b"".join((head.encode(), security, b"</soap:Header><soap:Body>", body, _TAIL))


@lru_cache(maxsize=64)
def _head(action: str, *, mandatory: bool) -> tuple[bytes, bytes]:
    understand = ' soap:mustUnderstand="1"' if mandatory else ""
    head = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="{SOAP}" xmlns:wsa="{WSA}"><soap:Header>'
        f"<wsa:Action{understand}>{escape(action)}</wsa:Action>"
    )
    return head.encode(), f"<wsa:To>{ANONYMOUS}</wsa:To></soap:Header><soap:Body>".encode()
