"""A stand-in for Mitz that speaks the published protocol, over mutual TLS on loopback.

It reads what it is sent with names of its own, and refuses a question that lacks what the protocol requires.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import trustme
from aiohttp import web
from lxml import etree

NS = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://www.w3.org/2005/08/addressing",
    "q": "urn:oasis:names:tc:xacml:3.0:profile:saml2.0:v2:schema:protocol",
    "x": "urn:oasis:names:tc:xacml:3.0:core:schema:wd-17",
    "h": "urn:hl7-org:v3",
}
PATH = "/geslotenautorisatievraag/xacml3"
REQUIRED = {
    "access-subject": {
        "urn:oasis:names:tc:xacml:2.0:subject:role",
        "urn:ihe:iti:xua:2017:subject:provider-identifier",
        "urn:nl:otv:names:tc:1.0:subject:provider-institution",
        "urn:nl:otv:names:tc:1.0:subject:consulting-healthcare-facility-type-code",
    },
    "resource": {
        "urn:oasis:names:tc:xacml:2.0:resource:resource-id",
        "urn:ihe:iti:appc:2016:document-entry:healthcare-facility-type-code",
        "urn:ihe:iti:appc:2016:author-institution:id",
    },
    "action": {"urn:ihe:iti:appc:2016:document-entry:event-code"},
    "environment": {"urn:oasis:names:tc:xspa:1.0:subject:purposeofuse"},
}
OPTIONAL = {"urn:nl:otv:names:tc:1.0:subject:mandated"}

_RESULT = """<x:Result><x:Decision>{decision}</x:Decision>
<x:Attributes Category="urn:oasis:names:tc:xacml:3.0:attribute-category:action"><x:Attribute
AttributeId="urn:ihe:iti:appc:2016:document-entry:event-code" IncludeInResult="true"><x:AttributeValue
DataType="urn:hl7-org:v3#CV"><h:CodedValue code="{code}" codeSystem="{system}"/></x:AttributeValue></x:Attribute>
</x:Attributes></x:Result>"""
_RESPONSE = """<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>
<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:l="urn:oasis:names:tc:SAML:2.0:assertion"
xmlns:x="urn:oasis:names:tc:xacml:3.0:core:schema:wd-17" xmlns:h="urn:hl7-org:v3" ID="_r" Version="2.0"
IssueInstant="2026-06-01T12:00:00Z" InResponseTo="{query}"><p:Status><p:StatusCode Value="{status}"/></p:Status>
<l:Assertion ID="_a" Version="2.0" IssueInstant="2026-06-01T12:00:00Z"><l:Issuer>mitz</l:Issuer><l:Statement>
<x:Response>{results}</x:Response></l:Statement></l:Assertion></p:Response></s:Body></s:Envelope>"""
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
CATEGORIES = "2.16.840.1.113883.2.4.3.111.5.10.1"


class Asked:
    """A question as it came in: "root/extension" or "codeSystem/code" by attribute, and the categories in order."""

    def __init__(self, message: bytes):
        envelope = etree.fromstring(message)
        (query,) = envelope.findall("s:Body/q:XACMLAuthzDecisionQuery", NS)
        self.action = envelope.findtext("s:Header/a:Action", namespaces=NS)
        self.query_id = query.get("ID")
        assert query.get("Version") == "2.0" and query.get("IssueInstant", "").endswith("Z")
        self.attributes: dict[str, str] = {}
        self.categories: list[str] = []
        groups: dict[str, set[str]] = {}
        for group in query.findall("x:Request/x:Attributes", NS):
            kind = group.get("Category", "").rpartition(":")[2]
            for attribute in group.findall("x:Attribute", NS):
                name, value = attribute.get("AttributeId", ""), self._value(attribute)
                groups.setdefault(kind, set()).add(name)
                if kind == "action":
                    assert attribute.get("IncludeInResult") == "true"
                    self.categories.append(value.removeprefix(f"{CATEGORIES}/"))
                else:
                    assert name not in self.attributes
                    self.attributes[name] = value
        assert {kind: names - OPTIONAL for kind, names in groups.items()} == REQUIRED

    @staticmethod
    def _value(attribute: Any) -> str:
        (value,) = attribute.findall("x:AttributeValue", NS)
        (content,) = value
        if value.get("DataType") == "urn:hl7-org:v3#II":
            assert content.tag == "{urn:hl7-org:v3}InstanceIdentifier"
            return f"{content.get('root')}/{content.get('extension')}"
        assert value.get("DataType") == "urn:hl7-org:v3#CV" and content.tag == "{urn:hl7-org:v3}CodedValue"
        return f"{content.get('codeSystem')}/{content.get('code')}"


class StandIn:
    """`decisions` by category answer for every holder but those that have their own; `answer` can be replaced."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.decisions: dict[str, str] = {}
        self.by_holder: dict[str, dict[str, str]] = {}
        self.waiting = asyncio.Event()
        self.answer: Callable[[Asked], Awaitable[web.Response]] = self._answer

    def results(self, asked: Asked) -> str:
        holder = asked.attributes["urn:ihe:iti:appc:2016:author-institution:id"].rpartition("/")[2]
        decisions = self.by_holder.get(holder, self.decisions)
        decided = [(code, decisions.get(code, "NotApplicable")) for code in reversed(asked.categories)]
        return "".join(_RESULT.format(decision=each, code=code, system=CATEGORIES) for code, each in decided)

    def response(
        self, asked: Asked, results: str | None = None, query: str | None = None, status: str = SUCCESS
    ) -> str:
        body = self.results(asked) if results is None else results
        return _RESPONSE.format(query=query or asked.query_id, status=status, results=body)

    async def _answer(self, asked: Asked) -> web.Response:
        return soap(self.response(asked))

    async def handle(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/soap+xml"
        asked = Asked(await request.read())
        self.asked.append(asked)
        return await self.answer(asked)


def soap(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="application/soap+xml")


def certificates() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The contexts of the stand-in, which asks for a client certificate, and of a client that has one."""
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.issue_cert("xds.example").configure_cert(client)
    for context in (server, client):
        authority.configure_trust(context)
    server.verify_mode = ssl.CERT_REQUIRED
    return server, client


@asynccontextmanager
async def stand_in(context: ssl.SSLContext) -> Any:
    """A running stand-in."""
    mitz = StandIn()
    app = web.Application()
    app.router.add_post(PATH, mitz.handle)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        port = runner.addresses[0][1]
        mitz.url = f"https://127.0.0.1:{port}{PATH}"
        yield mitz
    finally:
        await runner.cleanup()
