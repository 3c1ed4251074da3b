"""The application of the pages. See the room's charter for its rules."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from multidict import MultiDict, MultiMapping

from xds.errors import Unavailable
from xds.model.audit import MINOR, SUCCESS, Access, Event, Thing
from xds.model.coded import Coded
from xds.model.viewer import Relation, Role, Session
from xds.pages.access.sessions import Sessions, form_token
from xds.pages.access.viewer import ROLES, capacity, user_of
from xds.pages.ask import (
    Action,
    Ask,
    Done,
    File,
    Format,
    Missing,
    Page,
    PublicAsk,
    PublicPage,
    PublicView,
    Seen,
    Sources,
    Unclear,
    View,
)
from xds.pages.failures import words
from xds.pages.forms import check_token, read_form, redirect
from xds.pages.headers import add_headers
from xds.pages.listing import to_csv, to_json
from xds.pages.period import DAYS
from xds.pages.render import Renderer
from xds.pages.way_in import way_in

AUDITORS: frozenset[Role | Relation] = frozenset(Role)
CLIENTS: frozenset[Role | Relation] = frozenset(Relation)
_MOST = 64 << 10
_PAGE = Coded("page", "xds", "Pagina")
_HTML, _JSON, _CSV = "text/html", "application/json", "text/csv"
_HTMX = "HX-Request"
_SAFE = frozenset({"GET", "HEAD"})
_IN_SESSION = frozenset({403, 404})
"""After these somebody who is signed in goes on from the menu."""

_log = structlog.get_logger()


class Link(NamedTuple):
    """An entry of the navigation. `to` is empty for everybody."""

    label: str
    path: str
    to: frozenset[Role | Relation]


@dataclass(frozen=True, slots=True)
class Entering:
    """A request of somebody who need not be signed in, for the pages by which one signs in or out."""

    site: Site
    request: web.Request
    address: str
    certificate: str | None
    session: Session | None
    now: datetime
    request_id: str

    @property
    def query(self) -> MultiMapping[str]:
        return self.request.query

    async def form(self) -> MultiMapping[str]:
        return await read_form(self.request)

    async def checked_session(self) -> Session | None:
        """The session, after its form's token was checked."""
        form = await self.form()
        if self.session is not None:
            check_token(self.request, form)
        return self.session

    def show(self, template: str, context: Mapping[str, Any], status: int = 200) -> web.Response:
        return self.site.rendered(self.request, template, context, self.session, status)

    def go(self, location: str) -> web.Response:
        return redirect(location)


class Site:
    """All pages. `base_url` is where browsers find them; `peer_of` tells the address and the certificate of a request.

    `everywhere` is what all templates know.
    """

    def __init__(
        self,
        sources: Sources,
        sessions: Sessions,
        base_url: str,
        peer_of: Callable[[web.BaseRequest], tuple[str, str | None]],
        everywhere: Mapping[str, Any],
    ):
        self.sources = sources
        self.sessions = sessions
        self.base_url = base_url
        self.app = web.Application(middlewares=[self._guarded], client_max_size=_MOST)
        self.app.on_response_prepare.append(add_headers)
        self._peer_of = peer_of
        self._renderer = Renderer(everywhere)
        self._links: list[Link] = []
        self._from_elsewhere: set[str] = set()

    def page(
        self,
        path: str,
        view: Page,
        to: Collection[Role | Relation],
        *,
        label: str | None = None,
        listed: bool = False,
    ) -> None:
        """Offer a page to those who are in `to`; a `label` puts it in their navigation.

        One that is `listed` is offered as JSON and CSV too.
        """
        self._link(label, path, frozenset(to))
        for form in self._forms(listed):
            self._add("GET", path, form, self._showing(path, view, frozenset(to), form))

    def public(self, path: str, view: PublicPage, *, label: str | None = None, listed: bool = False) -> None:
        """Offer a page to anybody."""
        self._link(label, path, frozenset())
        for form in self._forms(listed):
            self._add("GET", path, form, self._showing_all(path, view, form))

    def action(self, path: str, act: Action, to: Collection[Role | Relation]) -> None:
        """Take a form (POST) of those who are in `to`."""
        self._add("POST", path, Format.HTML, self._acting(path, act, frozenset(to)))

    def enter(
        self,
        method: str,
        path: str,
        handler: Callable[[Entering], Awaitable[web.Response]],
        *,
        from_elsewhere: bool = False,
    ) -> None:
        """Offer a step of signing in or out; only one that is taken `from_elsewhere` is a form of another site."""
        if from_elsewhere:
            self._from_elsewhere.add(path)

        async def answer(request: web.Request) -> web.Response:
            address, certificate = self._peer_of(request)
            session = await self.sessions.current(request, certificate)
            return await handler(
                Entering(self, request, address, certificate, session, self.sources.clock(), _request_id())
            )

        self._add(method, path, Format.HTML, answer)

    def rendered(
        self,
        request: web.Request,
        template: str,
        context: Mapping[str, Any],
        session: Session | None = None,
        status: int = 200,
    ) -> web.Response:
        """A page for the browser. Nothing may be rendered that was not recorded."""
        looks_as = None if session is None else capacity(session)
        known = {
            "session": session,
            "looks_as": None if looks_as is None else ROLES[looks_as],
            "token": form_token(request) if session is not None else "",
            "navigation": [link for link in self._links if not link.to or looks_as in link.to],
            "path": request.path,
            "listing": None,
        }
        body = self._renderer.render(template, {**known, **context})
        return web.Response(body=body, status=status, content_type=_HTML, charset="utf-8")

    def _showing(self, path: str, view: Page, to: frozenset[Role | Relation], form: Format) -> Any:
        async def answer(request: web.Request) -> web.Response:
            address, certificate = self._peer_of(request)
            session = await self.sessions.current(request, certificate)
            if session is None:
                return self._unknown(request, form, to)
            ask = self._ask(request, path, form, session, address)
            await self._may(ask, path, to)
            shown = await self._recorded(ask, path, view)
            if isinstance(shown, File):
                return await _sent(request, shown)
            return self._answer(request, ask, shown, session)

        return answer

    def _acting(self, path: str, act: Action, to: frozenset[Role | Relation]) -> Any:
        async def answer(request: web.Request) -> web.Response:
            address, certificate = self._peer_of(request)
            session = await self.sessions.current(request, certificate)
            if session is None:
                return redirect(way_in(request, to <= CLIENTS))
            ask = self._ask(request, path, Format.HTML, session, address)
            await self._may(ask, path, to)
            ask = replace(ask, form=await read_form(request))
            check_token(request, ask.form)
            done = await self._recorded(ask, path, act)
            return redirect(done.location) if isinstance(done, Done) else self._answer(request, ask, done, session)

        return answer

    def _showing_all(self, path: str, view: PublicPage, form: Format) -> Any:
        async def answer(request: web.Request) -> web.Response:
            _, certificate = self._peer_of(request)
            session = await self.sessions.current(request, certificate)
            ask = PublicAsk(**self._asked(request, form))
            return self._answer(request, ask, await view(ask), session)

        return answer

    async def _recorded(self, ask: Ask, path: str, page: Callable[[Ask], Awaitable[Any]]) -> Any:
        """What a page answers, once that is durably on record; what it changes is recorded with the change."""
        try:
            answer: Done | View | File = await page(ask)
        except Missing:
            await self.sources.trail.append(self._event(ask, path, Seen(path), MINOR))
            raise web.HTTPNotFound from None
        except Unclear as unclear:
            await self.sources.trail.append(self._event(ask, path, Seen(path), MINOR))
            if ask.format is not Format.HTML:
                raise web.HTTPUnprocessableEntity from None
            return View("unclear.html", Seen(path), {"unclear": unclear, "labels": DAYS}, status=422)
        event = self._event(ask, path, answer.seen, SUCCESS)
        if not isinstance(answer, Done):
            await self.sources.trail.append(event)
            return answer
        done = answer

        def change(writer: Any) -> None:
            done.apply(writer)
            writer.record(self.sources.entries(event))

        await self.sources.index.write(change)
        return done

    def _event(self, ask: Ask, path: str, seen: Seen, outcome: int) -> Event:
        thing = Thing(_PAGE, path, seen.what, seen.words)
        return Event(
            _request_id(),
            seen.kind,
            ask.now,
            outcome,
            viewer=user_of(ask.session, ask.address),
            address=ask.address,
            accesses=tuple(map(Access, seen.patients)),
            things=(thing,),
        )

    def _answer(
        self, request: web.Request, ask: PublicAsk, view: View | PublicView, session: Session | None
    ) -> web.Response:
        listing = view.listing
        more = None if listing is None or listing.more is None else listing.more
        if listing is not None and ask.format is Format.CSV:
            name = f'attachment; filename="{listing.name}.csv"'
            return web.Response(
                body=to_csv(listing), content_type=_CSV, charset="utf-8", headers={"Content-Disposition": name}
            )
        if listing is not None and ask.format is Format.JSON:
            following = None if more is None else ask.url(Format.JSON.value, **more)
            return web.Response(body=to_json(listing, following), content_type=_JSON)
        context = {**view.context, "ask": ask, "listing": listing, "more": None if more is None else ask.url(**more)}
        status = view.status if isinstance(view, View) else 200
        if status != 200 and _HTMX in request.headers:
            # htmx would throw away the page that says what is wrong: the browser itself goes there.
            return web.Response(headers={"HX-Redirect": request.path_qs})
        return self.rendered(request, view.template, context, session, status)

    def _ask(
        self,
        request: web.Request,
        path: str,
        form: Format,
        session: Session,
        address: str,
    ) -> Ask:
        asked = self._asked(request, form)
        return Ask(**asked, session=session, address=address, form=MultiDict(), sources=self.sources)

    def _asked(self, request: web.Request, form: Format) -> dict[str, Any]:
        async def participants() -> Any:
            return await self.sources.index.read(lambda reader: reader.participants())

        return {
            "path": request.path.removesuffix(form.value),
            "match": request.match_info,
            "query": request.query,
            "format": form,
            "now": self.sources.clock(),
            "participants": participants,
        }

    async def _may(self, ask: Ask, path: str, to: frozenset[Role | Relation]) -> None:
        """Answer who may not see a page as if it didn't exist, and have that on record."""
        if capacity(ask.session) not in to:
            await self.sources.trail.append(self._event(ask, path, Seen(path), MINOR))
            raise web.HTTPNotFound

    def _unknown(self, request: web.Request, form: Format, to: frozenset[Role | Relation]) -> web.Response:
        if form is not Format.HTML:
            raise web.HTTPUnauthorized
        location = way_in(request, to <= CLIENTS)
        if _HTMX in request.headers:
            # The browser itself goes there: htmx would look for the list in the page, and show none.
            return web.Response(headers={"HX-Redirect": location})
        return redirect(location)

    def _forms(self, listed: bool) -> tuple[Format, ...]:
        return (Format.JSON, Format.CSV, Format.HTML) if listed else (Format.HTML,)

    def _link(self, label: str | None, path: str, to: frozenset[Role | Relation]) -> None:
        if label is not None:
            self._links.append(Link(label, path, to))

    def _add(self, method: str, path: str, form: Format, handler: Any) -> None:
        add = self.app.router.add_get if method == "GET" else self.app.router.add_post
        add(path + form.value, handler)

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Turn away what comes from or for another site, and tell what goes wrong in a page."""
        try:
            if request.host != urlsplit(self.base_url).netloc:
                raise web.HTTPMisdirectedRequest
            if request.method not in _SAFE and not self._from_here(request):
                raise web.HTTPForbidden
            return await handler(request)
        except web.HTTPException as error:
            session = None
            if error.status in _IN_SESSION:
                with contextlib.suppress(Unavailable):
                    session = await self.sessions.current(request, self._peer_of(request)[1])
            return self._failed(request, error.status, session)
        except Unavailable as error:
            _log.error("a page could not be given", reason=str(error))
            return self._failed(request, 503)
        except Exception:
            _log.exception("a page failed")
            return self._failed(request, 500)

    def _from_here(self, request: web.Request) -> bool:
        """Whether a form was sent from where it may be, as the browser says."""
        return request.path in self._from_elsewhere or request.headers.get("Origin") == self.base_url

    def _failed(self, request: web.Request, status: int, session: Session | None = None) -> web.Response:
        told = words(status)
        if request.path.endswith((Format.JSON.value, Format.CSV.value)):
            return web.json_response({"error": told}, status=status)
        return self.rendered(request, "error.html", {"status": status, "words": told}, session, status)


async def _sent(request: web.Request, file: File) -> web.StreamResponse:
    """Send a file piece by piece; when one can't be made the connection is cut, so that nobody takes it for whole."""
    response = web.StreamResponse()
    response.content_type = file.content_type
    response.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    await response.prepare(request)
    try:
        async for piece in file.pieces:
            await response.write(piece)
    except Exception:
        _log.exception("a file was not sent whole")
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def _request_id() -> str:
    return f"page-{secrets.token_hex(12)}"
