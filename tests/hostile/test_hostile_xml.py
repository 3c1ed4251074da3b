"""Hostile XML, SOAP and HTTP: cases 1 to 37 of the catalogue."""

from __future__ import annotations

import gzip

import pytest
from oracle import CANARY_BSN, CANARY_FILE, fault_codes

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
PLAIN = "application/soap+xml; charset=UTF-8"
QUERY = (
    '<q:AdhocQueryRequest xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" '
    'xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><q:ResponseOption returnType="LeafClass"/>'
    '<r:AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d">'
    '<r:Slot name="$XDSDocumentEntryPatientId"><r:ValueList>'
    f"<r:Value>'{CANARY_BSN}%s'</r:Value></r:ValueList></r:Slot></r:AdhocQuery></q:AdhocQueryRequest>"
)


def envelope(body: str = QUERY % "", header: str = "", prolog: str = "") -> bytes:
    head = f'{prolog}<s:Envelope xmlns:s="{SOAP}" xmlns:a="{WSA}"><s:Header>{header}</s:Header>'
    return f"{head}<s:Body>{body}</s:Body></s:Envelope>".encode()


def doctype(inside: str, use: str = "&e;") -> bytes:
    return envelope(QUERY % use, prolog=f"<!DOCTYPE s:Envelope [{inside}]>")


BOMB = '<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)
DEEP = "<x>" * 100_000 + "</x>" * 100_000
XML = {
    "1 external entity, file": lambda v: doctype(f'<!ENTITY e SYSTEM "file://{v.canary}">'),
    "2 external entity, http": lambda v: doctype(f'<!ENTITY e SYSTEM "{v.lure}">'),
    "3 parameter entity": lambda v: doctype(f'<!ENTITY % p SYSTEM "{v.lure}"> %p;', ""),
    "4 internal entity": lambda v: doctype('<!ENTITY e "x">'),
    "5 DTD by SYSTEM": lambda v: envelope(prolog=f'<!DOCTYPE x SYSTEM "{v.lure}">'),
    "6 billion laughs": lambda v: doctype(BOMB, "&j;"),
    "7 billion laughs in an attribute": lambda v: envelope('<x y="&j;"/>', prolog=f"<!DOCTYPE x [{BOMB}]>"),
    "8 quadratic blow-up": lambda v: doctype(f'<!ENTITY e "{"x" * 50_000}">', "&e;" * 1000),
    "9 XInclude": lambda v: envelope(
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{v.canary}" parse="text"/>'
    ),
    "11 deep nesting": lambda v: envelope(DEEP),
    "12 text of 11 MB": lambda v: envelope(QUERY % ("x" * (11 << 20))),
    "13 attribute of 11 MB": lambda v: envelope(f'<x y="{"x" * (11 << 20)}"/>'),
    "14 100,000 attributes": lambda v: envelope("<x " + " ".join(f'a{n}="1"' for n in range(100_000)) + "/>"),
    "15 20,000 namespaces": lambda v: envelope("<x " + " ".join(f'xmlns:n{n}="u{n}"' for n in range(20_000)) + "/>"),
    "16 million elements": lambda v: envelope("<x/>" * 1_000_000),
    "17 UTF-16 with DOCTYPE": lambda v: doctype('<!ENTITY e "x">').decode().encode("utf-16"),
    "19 control character": lambda v: envelope(QUERY % "&#1;"),
    "19 NUL": lambda v: envelope(QUERY % "\0"),
    "21 empty body": lambda v: b"",
    "22 empty SOAP Body": lambda v: envelope(""),
    "23 two Bodies": lambda v: envelope().replace(b"</s:Envelope>", b"<s:Body><x/></s:Body></s:Envelope>"),
    "24 SOAP 1.1": lambda v: envelope().replace(SOAP.encode(), b"http://schemas.xmlsoap.org/soap/envelope/"),
    "25 recursive href": lambda v: envelope('<x id="self" href="#self"/>'),
    "27 wsa:Action is not the Body's": lambda v: envelope(
        header="<a:Action>urn:ihe:iti:2007:RegisterDocumentSet-b</a:Action>"
    ),
    "28 ReplyTo elsewhere": lambda v: envelope(header=f"<a:ReplyTo><a:Address>{v.lure}</a:Address></a:ReplyTo>"),
    "29 FaultTo a file": lambda v: envelope(header="<a:FaultTo><a:Address>file:/</a:Address></a:FaultTo>"),
    "30 unknown header to be understood": lambda v: envelope(header='<x:y xmlns:x="urn:x" s:mustUnderstand="1"/>'),
}


SENDER = (400, ["soap:Sender"])
OTHERWISE = {
    "9 XInclude": (400, ["soap:Sender", "wsa:ActionNotSupported"]),
    "12 text of 11 MB": (413, ["soap:Sender"]),
    "13 attribute of 11 MB": (413, ["soap:Sender"]),
    "24 SOAP 1.1": (500, ["soap:VersionMismatch"]),
    "25 recursive href": (400, ["soap:Sender", "wsa:ActionNotSupported"]),
    "27 wsa:Action is not the Body's": (400, ["soap:Sender", "wsa:InvalidAddressingHeader", "wsa:ActionMismatch"]),
    "28 ReplyTo elsewhere": (400, ["soap:Sender", "wsa:InvalidAddressingHeader", "wsa:OnlyAnonymousAddressSupported"]),
    "29 FaultTo a file": (400, ["soap:Sender", "wsa:InvalidAddressingHeader", "wsa:OnlyAnonymousAddressSupported"]),
    "30 unknown header to be understood": (500, ["soap:MustUnderstand"]),
}


@pytest.mark.parametrize("case", XML)
def test_hostile_xml_gets_a_fault(victim, case):
    message = XML[case](victim)
    with victim.unharmed():
        status, answer = victim.post("/registry", message, PLAIN)
    assert (status, fault_codes(answer)) == OTHERWISE.get(case, SENDER)
    assert CANARY_FILE.encode() not in answer
    assert CANARY_BSN.encode() not in answer
    assert b"Traceback" not in answer


def test_10_a_stylesheet_is_not_fetched(victim):
    message = envelope(prolog=f'<?xml-stylesheet type="text/xsl" href="{victim.lure}"?>')
    with victim.unharmed():
        status, answer = victim.post("/registry", message, PLAIN)
    assert (status, fault_codes(answer)) == SENDER


@pytest.mark.parametrize("charset", ["UTF-7", "bogus", "utf-16"])
def test_18_other_charsets_are_refused(victim, charset):
    with victim.unharmed():
        status, answer = victim.post("/registry", envelope(), f"application/soap+xml; charset={charset}")
    assert status in (400, 415)
    assert fault_codes(answer) == ["soap:Sender"]


@pytest.mark.parametrize("sixteenth", range(1, 16))
def test_20_a_truncated_message_is_a_fault(victim, sixteenth):
    whole = envelope()
    with victim.unharmed():
        status, answer = victim.post("/registry", whole[: len(whole) * sixteenth // 16], PLAIN)
    assert (status, fault_codes(answer)) == SENDER


def test_26_an_action_parameter_that_is_not_the_bodys(victim):
    content_type = PLAIN + '; action="urn:ihe:iti:2007:RegisterDocumentSet-b"'
    with victim.unharmed():
        status, answer = victim.post("/registry", envelope(), content_type)
    assert status == 400
    assert fault_codes(answer) == ["soap:Sender", "wsa:InvalidAddressingHeader", "wsa:ActionMismatch"]


HEAD = "POST /registry HTTP/1.1\r\nHost: x\r\nContent-Type: application/soap+xml\r\n"
LARGE = b"".join(b"X-%d: 1\r\n" % n for n in range(10_000))
HTTP = {
    "31 Content-Length too short": lambda m: f"{HEAD}Content-Length: {len(m) // 2}\r\n\r\n".encode() + m,
    "33 Content-Length and Transfer-Encoding": lambda m: (
        f"{HEAD}Content-Length: {len(m)}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode() + m
    ),
    "34 header of 100 KB": lambda m: f"{HEAD}X: {'x' * 100_000}\r\n\r\n".encode(),
    "35 10,000 headers": lambda m: HEAD.encode() + LARGE + b"\r\n",
    "37 chunk extensions": lambda m: (
        f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode() + b"1;" + b"x" * 1_000_000 + b"\r\nx\r\n0\r\n\r\n"
    ),
    "37 trailers": lambda m: f"{HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n".encode() + LARGE * 10 + b"\r\n",
}


@pytest.mark.parametrize("case", HTTP)
def test_hostile_http_is_refused(victim, case):
    with victim.unharmed():
        answer = victim.raw(HTTP[case](envelope()))
    assert answer.split()[1] in (b"400", b"413", b"431")
    assert answer.count(b"HTTP/1.") == 1, "what follows the message was taken for another one"


def test_31_the_refusal_does_not_quote_the_message(victim):
    answer = victim.raw(HTTP["31 Content-Length too short"](envelope()))
    assert CANARY_BSN.encode() not in answer


def test_32_a_message_shorter_than_its_content_length_is_dropped(victim):
    whole = envelope()
    with victim.unharmed():
        answer = victim.raw(f"{HEAD}Content-Length: {len(whole) * 2}\r\n\r\n".encode() + whole, close=True)
    assert b" 200 " not in answer
    assert CANARY_BSN.encode() not in answer


def test_36_a_gzip_bomb_is_not_opened(victim):
    bomb = gzip.compress(b" " * (100 << 20))
    with victim.unharmed():
        status, answer = victim.post("/registry", bomb, PLAIN, {"Content-Encoding": "gzip"})
    assert (status, fault_codes(answer)) == (415, ["soap:Sender"])
