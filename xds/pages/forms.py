"""Forms, and where a browser goes from there."""

from __future__ import annotations

import hmac

from aiohttp import web
from multidict import MultiDict, MultiMapping

from xds.pages.access.sessions import form_token

TOKEN = "formulier"
"""The field of a form that carries its token."""


def within(location: str, otherwise: str) -> str:
    """A path of this site; `otherwise` for anything that a browser would take for another site."""
    plain = location.isascii() and location.isprintable() and not set(location) & set(" \\")
    return location if plain and location.startswith("/") and not location.startswith("//") else otherwise


async def read_form(request: web.Request) -> MultiMapping[str]:
    """The fields of a form; files are not taken."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise web.HTTPBadRequest
    fields = await request.post()
    return MultiDict((name, value) for name, value in fields.items() if isinstance(value, str))


def check_token(request: web.Request, form: MultiMapping[str]) -> None:
    if not hmac.compare_digest(form.get(TOKEN, "").encode(), form_token(request).encode()):
        raise web.HTTPForbidden


def redirect(location: str) -> web.Response:
    return web.Response(status=303, headers={"Location": location})
