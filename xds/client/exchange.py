"""One actor as zeep sees it: its operations from our WSDL, envelopes with WS-Addressing out, bodies and faults in.

Source: SOAP 1.2 Part 1: 5; WS-Addressing 1.0 SOAP Binding; ITI TF-2: Appendix V.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import zeep
from lxml import etree
from lxml.etree import QName, _Element
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import Fault as ZeepFault
from zeep.wsa import WsAddressingPlugin

from xds import xmlio
from xds.client.transport import MtomTransport, Part, Progress, Spooled
from xds.errors import Fault, Misconfigured, Unavailable
from xds.soap.fault import ANONYMOUS, SOAP, WSA
from xds.soap.wsdl import WSDL_FILES

_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_NAMES = {"registry": "DocumentRegistry", "repository": "DocumentRepository"}


class Exchange:
    """Sends messages to one actor, "registry" or "repository", at its URL, each with an assertion if there is one."""

    def __init__(self, actor: str, url: str, transport: MtomTransport, assertion: Callable[[], bytes] | None = None):
        settings = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)
        client = zeep.Client(str(WSDL_FILES[actor]), transport=transport, settings=settings)
        self._name = _NAMES[actor]
        self._url = url
        self._transport = transport
        self._assertion = assertion
        self._binding = client.wsdl.bindings[f"{{urn:ihe:iti:xds-b:2007}}{self._name}_Binding_Soap12"]

    def call(
        self,
        operation: str,
        body: _Element,
        expected: str,
        *,
        parts: Sequence[Part] | None = None,
        spool: Path | None = None,
        progress: Progress = lambda size: None,
    ) -> tuple[_Element, dict[str, Spooled]]:
        """Send `body` and return the element in the Body of the answer, of the tag `expected`, with its parts.

        `parts`, `spool` and `progress` are those of the transport. Fault is raised for a SOAP fault, Unavailable when
        there is no answer that can be understood.
        """
        bound = self._binding.get(f"{self._name}_{operation}")
        envelope = etree.Element(QName(SOAP, "Envelope"), nsmap={"soap": SOAP})
        etree.SubElement(envelope, QName(SOAP, "Body")).append(body)
        envelope, _ = WsAddressingPlugin().egress(envelope, {}, bound, {"address": self._url})
        _finish_addressing(envelope)
        if self._assertion is not None:
            _add_assertion(envelope, self._assertion())
        action = bound.soapaction
        received = self._transport.post_message(self._url, envelope, action, parts, spool, progress)
        try:
            return self._opened(received.status, received.envelope, bound, expected), received.parts
        except BaseException:
            for part in received.parts.values():
                part.path.unlink(missing_ok=True)
            raise

    def _opened(self, status: int, message: bytes, bound: object, expected: str) -> _Element:
        try:
            root = xmlio.parse(message)
        except xmlio.Malformed as error:
            raise Unavailable(f"{self._url} answers HTTP {status} with {error}") from None
        body = root.find(QName(SOAP, "Body"))
        if root.tag != QName(SOAP, "Envelope") or body is None or len(body) != 1:
            raise Unavailable(f"{self._url} answers HTTP {status} without a SOAP 1.2 message")
        if body[0].tag == QName(SOAP, "Fault"):
            raise self._fault(root, bound, status)
        if body[0].tag != expected:
            raise Unavailable(f"{self._url} answers with the message {body[0].tag}, not {expected}")
        return body[0]

    def _fault(self, root: _Element, bound: object, status: int) -> Fault | Unavailable:
        try:
            self._binding.process_error(root, bound)
        except ZeepFault as fault:
            code = (fault.code or "").strip().rpartition(":")[2] or "Receiver"
            subcode = str(fault.subcodes[0]) if fault.subcodes else None
            return Fault(fault.message or "a fault without a reason", code=code, subcode=subcode, status=status)
        except (ZeepError, AttributeError, ValueError):
            pass
        return Unavailable(f"{self._url} answers HTTP {status} with a SOAP fault that is not well formed")


def _finish_addressing(envelope: _Element) -> None:
    """Add what the standard asks and zeep leaves out. Source: ITI TF-2: Appendix V.3.2."""
    header = envelope.find(QName(SOAP, "Header"))
    header.find(QName(WSA, "Action")).set(QName(SOAP, "mustUnderstand"), "1")
    reply_to = etree.SubElement(header, QName(WSA, "ReplyTo"))
    etree.SubElement(reply_to, QName(WSA, "Address")).text = ANONYMOUS


def _add_assertion(envelope: _Element, assertion: bytes) -> None:
    """Put it into a Security header. Source: WSS SAML Token Profile 1.1: 3.4; ITI TF-2: 3.40.4.1.2."""
    try:
        parsed = xmlio.parse(assertion)
    except xmlio.Malformed as error:
        raise Misconfigured(f"the assertion can't be read: {error}") from None
    header = envelope.find(QName(SOAP, "Header"))
    security = etree.SubElement(header, QName(_WSSE, "Security"), nsmap={"wsse": _WSSE})
    security.set(QName(SOAP, "mustUnderstand"), "1")
    security.append(parsed)
