"""What every response carries so that a browser does no more with it than it should.

Source: OWASP Secure Headers; W3C, Content Security Policy Level 3.
"""

from __future__ import annotations

from aiohttp import web

# A referrer is needed within the site: without it a browser hides where a form was sent from.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
_KEPT_BY_NOBODY = "no-store"


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """A signal handler of the application, before a response is prepared."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", _KEPT_BY_NOBODY)
