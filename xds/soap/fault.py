"""SOAP faults: what they hold beyond `xds.errors.Fault`, the ones that the standard names, and their bytes.

Source: SOAP 1.2 Part 1: 5.4; WS-Addressing 1.0 SOAP Binding: 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from xds.errors import Fault

SOAP = "http://www.w3.org/2003/05/soap-envelope"
SOAP_1_1 = "http://schemas.xmlsoap.org/soap/envelope/"
WSA = "http://www.w3.org/2005/08/addressing"
ANONYMOUS = f"{WSA}/anonymous"

_ADDRESSING_ACTION = f"{WSA}/fault"
_SOAP_ACTION = f"{WSA}/soap/fault"

_NOT_OFFERED = frozenset(
    f"urn:ihe:iti:{name}"
    for name in (
        "2007:CrossGatewayQuery",
        "2007:CrossGatewayRetrieve",
        "2009:MultiPatientStoredQuery",
        "2010:RegisterOnDemandDocumentEntry",
        "2010:UpdateDocumentSet",
        "2015:CrossGatewayDocumentProvide",
        "2018:RestrictedUpdateDocumentSet",
    )
)
"""The actions of ITI-38, 39, 51, 61, 57, 80 and 92: their messages are of the same elements as those we do offer."""


class SoapFault(Fault):
    """A fault with what SOAP can carry besides.

    `subcode` is the outer subcode and `inner` the one within it, both QNames in Clark notation. `header` and
    `detail` are XML in which the prefixes soap and wsa are declared.
    """

    def __init__(
        self,
        reason: str,
        *,
        code: str = "Sender",
        subcode: str | None = None,
        inner: str | None = None,
        header: str = "",
        detail: str = "",
        status: int | None = None,
    ):
        super().__init__(reason, code=code, subcode=subcode, status=status)
        self.inner = inner
        self.header = header
        self.detail = detail


def version_mismatch() -> SoapFault:
    """The root is no SOAP 1.2 Envelope. Source: SOAP 1.2 Part 1: 5.4.7."""
    upgrade = f'<soap:Upgrade><soap:SupportedEnvelope qname="ns1:Envelope" xmlns:ns1="{SOAP}"/></soap:Upgrade>'
    return SoapFault("this service speaks SOAP 1.2", code="VersionMismatch", header=upgrade)


def must_understand(tags: Sequence[str]) -> SoapFault:
    """Headers that must be understood are not. Source: SOAP 1.2 Part 1: 5.4.8."""
    blocks = "".join(f"<soap:NotUnderstood {_qname_attributes(tag)}/>" for tag in tags)
    return SoapFault("a header that must be understood is not", code="MustUnderstand", header=blocks)


def wrong_action(named: Sequence[str], expected: str) -> SoapFault:
    """Not all of the actions that are named are `expected`, which is that of the message in the body."""
    wrong = next(action for action in reversed(named) if action != expected)
    elsewhere = wrong in _NOT_OFFERED and set(named) == {wrong}
    return action_not_supported(wrong) if elsewhere else _action_mismatch(wrong)


def _action_mismatch(action: str) -> SoapFault:
    """An action is named that is not the body's. Source: WS-Addressing 1.0 SOAP Binding: 6.4.1.6."""
    return SoapFault(
        "the action is not the one of the message in the body",
        subcode=f"{{{WSA}}}InvalidAddressingHeader",
        inner=f"{{{WSA}}}ActionMismatch",
        detail=_problem_action(action),
    )


def action_not_supported(action: str) -> SoapFault:
    """The message is of no transaction of this service. Source: WS-Addressing 1.0 SOAP Binding: 6.4.4."""
    return SoapFault(
        "this service does not offer the transaction of this message",
        subcode=f"{{{WSA}}}ActionNotSupported",
        detail=_problem_action(action) if action else "",
    )


def invalid_header(reason: str, inner: str, tag: str) -> SoapFault:
    """An addressing header is wrong. `inner` is a local name. Source: WS-Addressing 1.0 SOAP Binding: 6.4.1."""
    return SoapFault(
        reason,
        subcode=f"{{{WSA}}}InvalidAddressingHeader",
        inner=f"{{{WSA}}}{inner}",
        detail=f"<wsa:ProblemHeaderQName>wsa:{tag.rpartition('}')[2]}</wsa:ProblemHeaderQName>",
    )


def _problem_action(action: str) -> str:
    return f"<wsa:ProblemAction><wsa:Action>{escape(action[:1024])}</wsa:Action></wsa:ProblemAction>"


def fault_envelope(fault: Fault, message_id: str) -> bytes:
    """The whole answer that carries a fault; `message_id` is the request's, or ""."""
    inner = getattr(fault, "inner", None)
    subcode = ""
    if fault.subcode is not None:
        within = f"<soap:Subcode>{_value(inner)}</soap:Subcode>" if inner is not None else ""
        subcode = f"<soap:Subcode>{_value(fault.subcode)}{within}</soap:Subcode>"
    relates = f"<wsa:RelatesTo>{escape(message_id)}</wsa:RelatesTo>" if message_id else ""
    extra = getattr(fault, "detail", "")
    detail = f"<soap:Detail>{extra}</soap:Detail>" if extra else ""
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="{SOAP}" xmlns:wsa="{WSA}"><soap:Header>'
        f"<wsa:Action>{fault_action(fault)}</wsa:Action>{relates}<wsa:To>{ANONYMOUS}</wsa:To>"
        f"{getattr(fault, 'header', '')}</soap:Header><soap:Body><soap:Fault>"
        f"<soap:Code><soap:Value>soap:{fault.code}</soap:Value>{subcode}</soap:Code>"
        f'<soap:Reason><soap:Text xml:lang="en">{escape(fault.reason)}</soap:Text></soap:Reason>{detail}'
        "</soap:Fault></soap:Body></soap:Envelope>"
    )
    return text.encode()


def fault_action(fault: Fault) -> str:
    """The action of the answer that carries a fault. Source: WS-Addressing 1.0 SOAP Binding: 6."""
    return _ADDRESSING_ACTION if (fault.subcode or "").startswith(f"{{{WSA}}}") else _SOAP_ACTION


def _value(tag: str) -> str:
    namespace, _, name = tag[1:].rpartition("}")
    if namespace == WSA:
        return f"<soap:Value>wsa:{name}</soap:Value>"
    return f"<soap:Value xmlns:q={quoteattr(namespace)}>q:{name}</soap:Value>"


def _qname_attributes(tag: str) -> str:
    namespace, _, name = tag.rpartition("}")
    if not namespace:
        return f'qname="{name}"'
    return f'qname="q:{name}" xmlns:q={quoteattr(namespace[1:])}'
