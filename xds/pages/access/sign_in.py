"""Signing in with a client certificate and a second factor, and signing out."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from xds.model.audit import SERIOUS, SUCCESS, Event, User
from xds.model.viewer import Auditor, Session
from xds.pages.access.totp import attempt, decrypted
from xds.pages.access.viewer import auditor_user, user_of
from xds.pages.forms import within
from xds.pages.site import Entering, Site
from xds.pages.way_in import CLIENT_LEFT
from xds.ports import Writer

PATH = "/aanmelden"
HOME = "/toezicht"
"""Where an auditor begins."""
_OUT = "/afmelden"
_HIGH = 4
"""A certificate together with a second factor."""
_TEMPLATE = "access/sign_in.html"
_WRONG = "Deze code klopt niet, of is al gebruikt. Wacht op een nieuwe code en probeer het dan nog eens."


class CertificateSignIn:
    """The pages of /aanmelden. `key` is the log's, under which the second factors are encrypted."""

    def __init__(self, site: Site, key: bytes):
        self._site = site
        self._key = key
        site.enter("GET", PATH, self.show)
        site.enter("POST", PATH, self.check)
        site.enter("POST", _OUT, self.leave)

    async def show(self, entering: Entering) -> web.Response:
        auditor = await self._auditor(entering)
        return self._form(entering, auditor)

    async def check(self, entering: Entering) -> web.Response:
        """Judge the code. What is wrong with it, or with who gives it, is not told apart."""
        auditor = await self._auditor(entering)
        form = await entering.form()
        if auditor is None or auditor.secret is None:
            self._site.sources.turned_away(entering.address, "no account has this certificate")
            return self._form(entering, auditor)
        secret, code = decrypted(auditor.secret, self._key), form.get("code", "")
        user = auditor_user(auditor, entering.address, _HIGH)

        def judge(writer: Writer) -> bool:
            right, attempts = attempt(secret, code, writer.viewers.attempts(auditor.id), entering.now)
            writer.viewers.set_attempts(auditor.id, attempts)
            if not right:
                refused = self._event(entering, user, SERIOUS, "second factor")
                writer.record(self._site.sources.entries(refused))
            return right

        if not await self._site.sources.index.write(judge):
            return self._form(entering, auditor, _WRONG)
        response = entering.go(within(form.get("verder", ""), HOME))
        session = new_session(auditor, auditor.certificate, _HIGH, entering.now)
        event = self._event(entering, user, SUCCESS, "")
        await self._site.sessions.begin(response, session, event, entering.session)
        return response

    async def leave(self, entering: Entering) -> web.Response:
        session = await entering.checked_session()
        was_client = session is not None and session.visit is not None
        response = entering.go(CLIENT_LEFT if was_client else "/")
        if session is not None:
            user = user_of(session, entering.address)
            event = Event(entering.request_id, "sign-out", entering.now, SUCCESS, viewer=user, address=entering.address)
            await self._site.sessions.end(response, session, event)
        return response

    async def _auditor(self, entering: Entering) -> Auditor | None:
        certificate = entering.certificate
        if certificate is None:
            return None
        found = await self._site.sources.index.read(lambda reader: reader.viewers.auditor_with(certificate))
        return None if found is None or found.suspended else found

    def _form(self, entering: Entering, auditor: Auditor | None, wrong: str = "") -> web.Response:
        context = {"auditor": auditor, "wrong": wrong, "onward": within(entering.query.get("verder", ""), HOME)}
        return entering.show(_TEMPLATE, context, 422 if wrong else 200)

    def _event(self, entering: Entering, user: User, outcome: int, text: str) -> Event:
        return Event(
            entering.request_id, "sign-in", entering.now, outcome, viewer=user, address=entering.address,
            outcome_text=text,
        )  # fmt: skip


def new_session(auditor: Auditor, certificate: str | None, assurance: int, now: datetime) -> Session:
    return Session(0, certificate, assurance, now, now, now, auditor=auditor)
