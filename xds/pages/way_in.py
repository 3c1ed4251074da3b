"""Where somebody goes who is not signed in."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

CLIENT_LEFT = "/mijn/afgemeld"
"""Where a client reads how to come in, which is by her portal only."""
_SIGN_IN = "/aanmelden"


def way_in(request: web.Request, of_client: bool) -> str:
    """Where one signs in for a page, to come back to it if it can be asked for again."""
    if of_client:
        return CLIENT_LEFT
    return f"{_SIGN_IN}?verder={quote(request.path_qs, safe='')}" if request.method == "GET" else _SIGN_IN
