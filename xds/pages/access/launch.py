"""How a client comes in: the portal that identified her has her browser send a token (POST), which counts once."""

from __future__ import annotations

import hashlib

import structlog
from aiohttp import web

from xds.consent.givers import age_at, may_look
from xds.model.audit import SERIOUS, SUCCESS, Access, Event
from xds.model.consent import Giver
from xds.model.party import Participant
from xds.model.viewer import Relation, Session, Visit
from xds.pages.access.launch_token import Expected, Launch, Refused, read
from xds.pages.access.viewer import client_user
from xds.pages.site import Entering, Site
from xds.pages.way_in import CLIENT_LEFT
from xds.ports import Reader, Writer

PATH = "/mijn/binnen"
HOME = "/mijn"
_GIVERS = {Relation.CLIENT: Giver.CLIENT, Relation.PARENT: Giver.PARENT}

_log = structlog.get_logger()


class ClientLaunch:
    """The address that portals send clients to."""

    def __init__(self, site: Site, expected: Expected):
        self._site = site
        self._expected = expected
        site.enter("POST", PATH, self.come_in, from_elsewhere=True)
        site.enter("GET", CLIENT_LEFT, self.tell_the_way)

    async def come_in(self, entering: Entering) -> web.Response:
        """Begin a session; whatever is wrong with the token, the browser is told the same."""
        form = await entering.form()
        portal = None
        try:
            launch = read(form.get("token", "").strip(), self._expected, entering.now)
            portal = await self._portal(launch)
            return await self._begin(entering, launch, portal)
        except Refused as refused:
            _log.warning("a launch was refused", reason=str(refused))
            await self._record_refusal(entering, portal, str(refused))
            return entering.show("access/refused.html", {}, 403)

    async def tell_the_way(self, entering: Entering) -> web.Response:
        """Say how to come in again; who is still in goes on."""
        visit = None if entering.session is None else entering.session.visit
        return entering.show("access/left.html", {}) if visit is None else entering.go(HOME)

    async def _record_refusal(self, entering: Entering, portal: Participant | None, reason: str) -> None:
        if portal is None:
            self._site.sources.turned_away(entering.address, reason)
            return
        event = Event(
            entering.request_id, "sign-in", entering.now, SERIOUS, participant=portal, address=entering.address,
            outcome_text=reason,
        )  # fmt: skip
        await self._site.sources.trail.append(event)

    async def _portal(self, launch: Launch) -> Participant:
        found = await self._site.sources.index.read(lambda reader: reader.participant(launch.certificate))
        if found is None or found.suspended or found.repository is not None:
            raise Refused("the portal is no participant")
        if found.organisation.ura != launch.issuer:
            raise Refused("the token is in the name of another organisation")
        return found

    async def _begin(self, entering: Entering, launch: Launch, portal: Participant) -> web.Response:
        patient, key = str(launch.patient), self._site.sources.patient_key
        organisation = portal.organisation
        visit = Visit(patient, launch.relation, key(str(launch.actor)), portal.id, organisation.ura, organisation.name)
        now = entering.now
        session = Session(0, None, launch.assurance, now, now, now, visit=visit)
        event = Event(
            entering.request_id,
            "sign-in",
            now,
            SUCCESS,
            viewer=client_user(visit, entering.address, launch.assurance),
            address=entering.address,
            accesses=(Access(launch.patient),),
        )
        used = hashlib.sha256(f"launch\0{launch.certificate}\0{launch.id}".encode()).hexdigest()

        def claim(writer: Writer) -> None:
            _check_age(writer, launch, entering)
            _, first = writer.claim_assertion(used, portal.id, launch.expires)
            if not first:
                raise Refused("the token was used before")

        response = entering.go(HOME)
        await self._site.sessions.begin(response, session, event, entering.session, claim)
        return response


def _check_age(reader: Reader, launch: Launch, entering: Entering) -> None:
    """Refuse who may not look, by the age of the client. Source: WGBO, 7:457 BW, 3."""
    number = reader.patient(str(launch.patient))
    facts = {} if number is None else reader.consents.facts([number])
    birth_date = facts[number].birth_date if number in facts else None
    if not may_look(_GIVERS[launch.relation], age_at(entering.now, birth_date)):
        raise Refused("who looks may not, at the client's age")
