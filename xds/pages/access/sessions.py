"""Sessions: a random value in a cookie, of which the database has the SHA-256.

Source: OWASP ASVS 5.0: V7; RFC 6265bis: 4.1.3.2 (the __Host- prefix).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from aiohttp import web

from xds.model.audit import Event
from xds.model.viewer import Session
from xds.pages.ask import Sources
from xds.ports import Writer

COOKIE = "__Host-xds-session"
_BYTES = 32
_TOUCH_AFTER = timedelta(seconds=60)


class Sessions:
    """The sessions of one site. One that isn't used for `idle` ends, and any after `longest`."""

    def __init__(self, sources: Sources, idle: timedelta, longest: timedelta):
        self._sources = sources
        self._idle = idle
        self._longest = longest

    async def current(self, request: web.Request, certificate: str | None) -> Session | None:
        """The session of a request, if it lasts, and is that of the certificate that was shown."""
        value = cookie(request, COOKIE)
        if not value:
            return None
        token, now = _token(value), self._sources.clock()
        session = await self._sources.index.read(lambda reader: reader.viewers.session(token))
        if session is None or not (now < session.ends and now - session.seen < self._idle):
            return None
        if session.certificate is not None and session.certificate != certificate:
            return None
        if session.visit is None and (session.auditor is None or session.auditor.suspended):
            return None
        if now - session.seen > _TOUCH_AFTER:
            number = session.number
            await self._sources.index.write(lambda writer: writer.viewers.touch_session(number, now))
        return session

    async def begin(
        self,
        response: web.Response,
        new: Session,
        event: Event,
        before: Session | None,
        claim: Callable[[Writer], None] = lambda writer: None,
    ) -> None:
        """Begin a session in the place of the one before, recorded with it, and give the browser its cookie.

        What `claim` raises keeps it from beginning, and is raised here.
        """
        now = self._sources.clock()
        session = replace(new, began=now, seen=now, ends=now + self._longest)
        value = secrets.token_urlsafe(_BYTES)

        def begin(writer: Writer) -> None:
            claim(writer)
            writer.viewers.forget_sessions(now, now - self._idle)
            if before is not None:
                writer.viewers.end_session(before.number)
            writer.viewers.begin_session(_token(value), session)
            writer.record(self._sources.entries(event))

        await self._sources.index.write(begin)
        response.set_cookie(COOKIE, value, path="/", secure=True, httponly=True, samesite="Lax")

    async def end(self, response: web.Response, session: Session, event: Event) -> None:
        """End a session, recorded with it, and take away its cookie."""

        def end(writer: Writer) -> None:
            writer.viewers.end_session(session.number)
            writer.record(self._sources.entries(event))

        await self._sources.index.write(end)
        response.del_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")


def cookie(request: web.Request, name: str) -> str:
    """The value of a cookie; "" where there is none, or none that could be ours."""
    value = request.cookies.get(name, "")
    return value if value.isascii() else ""


def form_token(request: web.Request) -> str:
    """What a form of this session carries, which no other site can know; "" without a session."""
    value = cookie(request, COOKIE)
    return hmac.digest(value.encode(), b"form", "sha256").hex() if value else ""


def _token(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()
