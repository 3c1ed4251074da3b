"""Envelopes and faults: what is opened, what is refused with which fault."""

from __future__ import annotations

import pytest
from lxml import etree
from soap_stubs import SOAP, WSA, codes, envelope

from xds.errors import Fault
from xds.soap.addressing import Addressing
from xds.soap.envelope import close_envelope, header_blocks, open_envelope, request_envelope
from xds.soap.fault import fault_envelope
from xds.xmlio import parse

ANONYMOUS = f"<a:Address>{WSA}/anonymous</a:Address>"
SOAP_1_1 = (
    b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><Plain xmlns="u"/></s:Body></s:Envelope>'
)


def raw(inside: str) -> bytes:
    return f'<s:Envelope xmlns:s="{SOAP}">{inside}</s:Envelope>'.encode()


def opened(message: bytes, understood: frozenset[str] = frozenset()) -> Fault | None:
    try:
        open_envelope(parse(message), understood)
    except Fault as fault:
        return fault
    return None


HEADERS = f"""<a:Action s:mustUnderstand="1"> urn:Plain </a:Action><a:MessageID>urn:uuid:1</a:MessageID>
<a:To s:mustUnderstand="true">http://x</a:To><a:ReplyTo s:mustUnderstand="1">{ANONYMOUS}</a:ReplyTo>
<a:FaultTo>{ANONYMOUS}</a:FaultTo><a:From><a:Address>http://elsewhere</a:Address></a:From>"""


def test_a_full_request() -> None:
    found = open_envelope(parse(envelope(headers=HEADERS)))
    assert found.addressing == ("urn:Plain", "urn:uuid:1")
    assert found.message.tag == "{urn:test}Plain"
    assert len(found.headers) == 6


def test_headers_are_optional() -> None:
    assert open_envelope(parse(raw("<s:Body><x/></s:Body>"))).addressing == ("", "")


ACCEPTED = {
    "unknown header, not mandatory": '<x xmlns="u"/><x xmlns="u" s:mustUnderstand="0"/>',
    "unknown header, not mandatory, in words": '<x xmlns="u" s:mustUnderstand="false"/>',
    "mandatory for another role": '<x xmlns="u" s:mustUnderstand="1" s:role="http://other"/>',
    "addressing header twice, one for another role": '<a:To>x</a:To><a:To s:role="http://other">x</a:To>',
    "several RelatesTo": "<a:RelatesTo>x</a:RelatesTo><a:RelatesTo>x</a:RelatesTo>",
}


@pytest.mark.parametrize("headers", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted_headers(headers: str) -> None:
    assert opened(envelope(headers=headers)) is None


def endpoint(name: str, address: str) -> bytes:
    return envelope(headers=f"<a:{name}>{address}</a:{name}>")


ADDRESSING = ["Sender", "InvalidAddressingHeader"]
REFUSED: dict[str, tuple[bytes, list[str], int]] = {
    "SOAP 1.1": (SOAP_1_1, ["VersionMismatch"], 500),
    "no envelope": (b"<a/>", ["VersionMismatch"], 500),
    "empty": (raw(""), ["Sender"], 400),
    "no Body": (raw("<s:Header/>"), ["Sender"], 400),
    "empty Body": (raw("<s:Body/>"), ["Sender"], 400),
    "text in Body": (raw("<s:Body>x</s:Body>"), ["Sender"], 400),
    "two Bodies": (raw("<s:Body><x/></s:Body><s:Body><x/></s:Body>"), ["Sender"], 400),
    "two messages": (raw("<s:Body><x/><x/></s:Body>"), ["Sender"], 400),
    "Header after Body": (raw("<s:Body><x/></s:Body><s:Header/>"), ["Sender"], 400),
    "two Headers": (raw("<s:Header/><s:Header/><s:Body><x/></s:Body>"), ["Sender"], 400),
    "foreign element": (raw("<x/><s:Body><x/></s:Body>"), ["Sender"], 400),
    "envelope in envelope": (raw(f"<s:Body>{raw('<s:Body/>').decode()}</s:Body>"), ["Sender"], 400),
    "a fault": (raw("<s:Body><s:Fault/></s:Body>"), ["Sender"], 400),
    "unknown mandatory header": (envelope(headers='<x xmlns="u" s:mustUnderstand="1"/>'), ["MustUnderstand"], 500),
    "older addressing": (
        envelope(headers='<Action xmlns="http://schemas.xmlsoap.org/ws/2004/08/addressing" s:mustUnderstand="true"/>'),
        ["MustUnderstand"],
        500,
    ),
    "mandatory for the next role": (
        envelope(headers=f'<x xmlns="u" s:mustUnderstand=" 1 " s:role="{SOAP}/role/next"/>'),
        ["MustUnderstand"],
        500,
    ),
    "neither true nor false": (envelope(headers='<x xmlns="u" s:mustUnderstand="yes"/>'), ["Sender"], 400),
    "ReplyTo elsewhere": (
        endpoint("ReplyTo", "<a:Address>http://127.0.0.1:9/</a:Address>"),
        [*ADDRESSING, "OnlyAnonymousAddressSupported"],
        400,
    ),
    "FaultTo a file": (
        endpoint("FaultTo", "<a:Address>file:///etc/passwd</a:Address>"),
        [*ADDRESSING, "OnlyAnonymousAddressSupported"],
        400,
    ),
    "ReplyTo without address": (endpoint("ReplyTo", ""), [*ADDRESSING, "MissingAddressInEPR"], 400),
    "element in MessageID": (endpoint("MessageID", "<x/>"), [*ADDRESSING, "InvalidAddress"], 400),
    "endless MessageID": (endpoint("MessageID", "x" * 3000), [*ADDRESSING, "InvalidAddress"], 400),
    **{
        f"{name} twice": (envelope(headers=f"<a:{name}/>" * 2), [*ADDRESSING, "InvalidCardinality"], 400)
        for name in ("Action", "To", "MessageID", "From")
    },
    "ReplyTo twice": (
        envelope(headers=f"<a:ReplyTo>{ANONYMOUS}</a:ReplyTo>" * 2),
        [*ADDRESSING, "InvalidCardinality"],
        400,
    ),
}


@pytest.mark.parametrize(("message", "expected", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_envelopes(message: bytes, expected: list[str], status: int) -> None:
    fault = opened(message)
    assert fault is not None
    assert (codes(fault_envelope(fault, "")), fault.status) == (expected, status)


def test_version_mismatch_says_which_version() -> None:
    fault = opened(SOAP_1_1)
    assert fault is not None
    upgrade = etree.fromstring(fault_envelope(fault, "")).find(f".//{{{SOAP}}}Header/{{{SOAP}}}Upgrade/*")
    assert upgrade is not None and upgrade.tag == f"{{{SOAP}}}SupportedEnvelope"
    prefix, _, name = upgrade.get("qname", "").partition(":")
    assert (upgrade.nsmap[prefix], name) == (SOAP, "Envelope")


def test_must_understand_names_each_header() -> None:
    headers = (
        '<x xmlns="u:&amp;" s:mustUnderstand="1"/><y xmlns="" s:mustUnderstand="1"/><z xmlns="w" s:mustUnderstand="1"/>'
    )
    fault = opened(envelope(headers=headers), frozenset({"{w}z"}))
    assert fault is not None
    blocks = etree.fromstring(fault_envelope(fault, "")).findall(f".//{{{SOAP}}}NotUnderstood")
    named = [block.get("qname", "").rpartition(":") for block in blocks]
    assert [(block.nsmap.get(prefix), name) for block, (prefix, _, name) in zip(blocks, named, strict=True)] == [
        ("u:&", "x"),
        (None, "y"),
    ]


def test_what_is_sent_is_escaped() -> None:
    hostile = "<&\"']]>\u2028é"
    fault = etree.fromstring(fault_envelope(Fault(hostile, subcode="{urn:a&b}x"), hostile))
    assert fault.findtext(f".//{{{SOAP}}}Text") == hostile
    assert fault.findtext(f".//{{{WSA}}}RelatesTo") == hostile
    reply = parse(b"".join(close_envelope("urn:a&b", Addressing(message_id=hostile), ["<r>é</r>".encode()])))
    assert [header.text for header in header_blocks(reply)] == ["urn:a&b", hostile, f"{WSA}/anonymous"]
    assert reply[1][0].text == "é"
    request = open_envelope(parse(request_envelope("urn:a&b", hostile, hostile, b"<r/>")))
    assert request.addressing == ("urn:a&b", hostile)
