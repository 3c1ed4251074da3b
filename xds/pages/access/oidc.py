"""Signing in at the organisation's own OpenID provider.

One random value in a cookie binds the three steps of a sign-in to one browser: state, nonce and the secret of PKCE are
keyed hashes of it, so nothing of them is kept here, and an answer for another browser or another sign-in doesn't fit.

Source: OpenID Connect Core 1.0: 3.1; RFC 7636; RFC 9700: 2.1, 4.4, 4.7.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import NamedTuple
from urllib.parse import quote, unquote

import structlog
from aiohttp import web

from xds.model.audit import SERIOUS, SUCCESS, Event
from xds.model.viewer import Auditor
from xds.pages.access.oidc_provider import Provider, Refused
from xds.pages.access.sessions import cookie
from xds.pages.access.sign_in import HOME, new_session
from xds.pages.access.viewer import auditor_user
from xds.pages.forms import within
from xds.pages.site import Entering, Site

PATH = "/aanmelden/oidc"
BACK = "/aanmelden/oidc/terug"
_COOKIE = "__Host-xds-oidc"
_BYTES = 32
_SECONDS = 600
_SUBSTANTIAL = 3

_log = structlog.get_logger()


class _Attempt(NamedTuple):
    """What one browser has of a sign-in that it began."""

    value: str
    onward: str

    def derived(self, name: str) -> str:
        return _encoded(hmac.digest(self.value.encode(), name.encode(), "sha256"))

    @property
    def challenge(self) -> str:
        return _encoded(hashlib.sha256(self.derived("verifier").encode()).digest())


class OidcSignIn:
    """The pages of /aanmelden/oidc."""

    def __init__(self, site: Site, provider: Provider):
        self._site = site
        self._provider = provider
        self._back = site.base_url + BACK
        site.enter("GET", PATH, self.leave_for_provider)
        site.enter("GET", BACK, self.come_back)

    async def leave_for_provider(self, entering: Entering) -> web.Response:
        attempt = _Attempt(secrets.token_urlsafe(_BYTES), within(entering.query.get("verder", ""), HOME))
        address = await self._provider.address(
            attempt.derived("state"), attempt.derived("nonce"), attempt.challenge, self._back
        )
        response = entering.go(address)
        kept = f"{attempt.value}.{quote(attempt.onward, safe='')}"
        response.set_cookie(_COOKIE, kept, max_age=_SECONDS, path="/", secure=True, httponly=True, samesite="Lax")
        return response

    async def come_back(self, entering: Entering) -> web.Response:
        """Begin a session for who signed in; whatever is wrong, the browser is told the same."""
        auditor: Auditor | None = None
        try:
            attempt = self._attempt(entering)
            auditor = await self._auditor(entering, attempt)
            if auditor.suspended:
                raise Refused("the account is suspended")
        except Refused as refused:
            _log.warning("a sign-in was refused", reason=str(refused))
            if auditor is None:
                self._site.sources.turned_away(entering.address, str(refused))
            else:
                await self._site.sources.trail.append(self._event(entering, auditor, SERIOUS, str(refused)))
            response = entering.show("access/refused_auditor.html", {}, 403)
        else:
            response = entering.go(attempt.onward)
            session = new_session(auditor, None, _SUBSTANTIAL, entering.now)
            event = self._event(entering, auditor, SUCCESS, "")
            await self._site.sessions.begin(response, session, event, entering.session)
        response.del_cookie(_COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
        return response

    def _attempt(self, entering: Entering) -> _Attempt:
        value, _, onward = cookie(entering.request, _COOKIE).partition(".")
        attempt = _Attempt(value, within(unquote(onward), HOME))
        given = entering.query.get("state", "")
        if not value or not hmac.compare_digest(given.encode(), attempt.derived("state").encode()):
            raise Refused("the answer is of no sign-in that this browser began")
        return attempt

    async def _auditor(self, entering: Entering, attempt: _Attempt) -> Auditor:
        await self._provider.check_sender(entering.query.get("iss"))
        code = entering.query.get("code", "")
        if not code:
            raise Refused("the provider let nobody in")
        subject = await self._provider.subject(
            code, attempt.derived("verifier"), attempt.derived("nonce"), self._back, entering.now
        )
        found = await self._site.sources.index.read(lambda reader: reader.viewers.auditor_known_as(subject))
        if found is None:
            raise Refused("the person has no account here")
        return found

    def _event(self, entering: Entering, auditor: Auditor, outcome: int, text: str) -> Event:
        user = auditor_user(auditor, entering.address, _SUBSTANTIAL)
        return Event(
            entering.request_id, "sign-in", entering.now, outcome, viewer=user, address=entering.address,
            outcome_text=text,
        )  # fmt: skip


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
