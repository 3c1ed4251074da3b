"""The WSDL and the schemas of the actors, as `?wsdl` and `?xsd=NAME` answer them.

Source: WSDL 1.1: 2; ITI TF-2: Appendix V.3.1.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web
from lxml import etree

from xds import xmlio

FOLDER = Path(__file__).parent.parent / "wsdl"
"""Where our WSDL and schemas are, in a checkout and in an installed package alike."""

WSDL_FILES = {"registry": FOLDER / "DocumentRegistry.wsdl", "repository": FOLDER / "DocumentRepository.wsdl"}
"""The WSDL of each actor."""

_ADDRESS = "{http://schemas.xmlsoap.org/wsdl/soap12/}address"
_IMPORT = "{http://www.w3.org/2001/XMLSchema}import"


def wsdl_response(actor: str, name: str | None, location: str) -> bytes | None:
    """The WSDL of "registry" or "repository" (`name` is None), or the schema of that file name.

    `location` is the URL of the actor as the caller can reach it, without a query: it becomes the address of the
    service, and the schemas are imported from below it. None when there is no such document.
    """
    schemas = {schema.name: schema for schema in FOLDER.glob("*.xsd")}
    path = WSDL_FILES.get(actor) if name is None else schemas.get(name)
    if path is None:
        return None
    root = xmlio.parse(path.read_bytes())
    for address in root.iter(_ADDRESS):
        address.set("location", location)
    for schema in root.iter(_IMPORT):
        schema.set("schemaLocation", f"{location}?xsd={schema.get('schemaLocation')}")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def wsdl_handler(actor: str, base_url: str | None) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The handler of GET at the URL of an actor: `?wsdl`, `?xsd=NAME`, and 404 for anything else.

    `base_url` is where others reach the server; None takes what the request says.
    """

    async def answer(request: web.Request) -> web.Response:
        query = {name.lower(): value for name, value in request.query.items()}
        location = (base_url or f"{request.scheme}://{request.host}").rstrip("/") + request.path
        document = wsdl_response(actor, query.get("xsd"), location) if query.keys() & {"wsdl", "xsd"} else None
        if document is None:
            raise web.HTTPNotFound(text="There is ?wsdl here; requests are POSTed.\n")
        return web.Response(body=document, content_type="text/xml", charset="utf-8")

    return answer
