"""Whether the exchange runs as it should: participants, certificates, storage, errors and sessions.

Of errors there is the transaction, the outcome and its codes, never whose data they were about. An auditor of one
organisation sees what is its own.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import NamedTuple

from xds.audit.record import decode
from xds.model.audit import MAJOR, SERIOUS, LogSelection, Note, Record
from xds.model.party import Participant
from xds.model.viewer import Session
from xds.pages.access.viewer import ROLES, capacity
from xds.pages.ask import Ask, Certificate, Done, Missing, Seen, Store, View
from xds.pages.auditor.log import event_of
from xds.pages.listing import Column, Listing
from xds.ports import Reader

PATH = "/toezicht/beheer"
_LIST = "auditor/operation_list.html"
_SOON = timedelta(days=45)
_VERY_SOON = timedelta(days=14)
_YEAR = timedelta(days=365)
_LONG = 2 * _YEAR
_OUTCOMES = {SERIOUS: "niet verwerkt", MAJOR: "storing"}
_FULL = 0.1


class _State(NamedTuple):
    size: int
    note: Note | None
    anchored: Note | None
    waiting: int | None
    errors: list[Record]
    participants: list[Participant]


class _Term(NamedTuple):
    """A certificate with whose it is, and how long it lasts."""

    of: str
    use: str
    expires: datetime | None
    left: timedelta | None


async def overview(ask: Ask) -> View:
    """All of it at a glance, with what needs doing first."""
    machine = ask.sources.machine

    def question(reader: Reader) -> _State:
        log, size = reader.log, reader.log.head().size
        waiting = None if machine.feed is None else size - (log.feed(machine.feed) or 0)
        return _State(
            size, log.newest_note(), log.newest_anchored(), waiting, _errors(reader, ask, 5), reader.participants()
        )

    state = await ask.read(question)
    stores = await asyncio.to_thread(machine.stores)
    terms = await _terms(ask, state.participants)
    soon = [term for term in terms if _mark(term) in ("bad", "notice")]
    context = {
        "state": state,
        "stores": [(store, _filled(store)) for store in stores],
        "soon": [(term, _left(term), _mark(term)) for term in soon],
        "connected": len({each.id for each in state.participants if not each.suspended and _concerns(ask, each)}),
        "errors": [(record, event_of(record), _OUTCOMES[record.outcome]) for record in state.errors],
    }
    return View("auditor/operation.html", Seen("Beheer"), context)


async def participants(ask: Ask) -> View:
    """The connected systems, one line for each certificate."""
    rows = [each for each in await ask.participants() if _concerns(ask, each)]
    columns = (
        Column("number", "Nummer", lambda row: row.id, number=True),
        Column("organisation", "Organisatie", lambda row: row.organisation.name),
        Column("ura", "URA", lambda row: row.organisation.ura),
        Column("kind", "Soort", lambda row: row.organisation.kind),
        Column("connected_since", "Aangesloten sinds", lambda row: row.connected_since),
        Column(
            "state",
            "Toestand",
            lambda row: "geschorst" if row.suspended else "aangesloten",
            mark=lambda row: "bad" if row.suspended else "good",
        ),
        Column("certificate_expires", "Certificaat geldig tot", lambda row: _day(row.certificate_expires)),
    )
    return _listed("Deelnemers", "deelnemers", Listing("deelnemers", "Aangesloten systemen", columns, rows))


async def certificates(ask: Ask) -> View:
    """The certificates of this system and of the participants, the soonest to expire first."""
    rows = await _terms(ask, await ask.participants())
    columns = (
        Column("of", "Van", lambda row: row.of),
        Column("use", "Waarvoor", lambda row: row.use),
        Column("expires", "Geldig tot", lambda row: _day(row.expires)),
        Column("left", "Nog", _left, mark=_mark),
    )
    return _listed("Certificaten", "certificaten", Listing("certificaten", "Certificaten", columns, rows))


async def errors(ask: Ask) -> View:
    """The newest requests that failed or could not be read."""
    rows = await ask.read(lambda reader: _errors(reader, ask, ask.limit))
    columns = (
        Column("started", "Tijdstip", lambda row: row.started),
        Column("transaction", "Wat", event_of),
        Column("organisation", "Organisatie", lambda row: row.system.organisation_name),
        Column(
            "outcome",
            "Uitkomst",
            lambda row: _OUTCOMES[row.outcome],
            mark=lambda row: "bad" if row.outcome == MAJOR else "notice",
        ),
        Column("reason", "Reden", lambda row: row.outcome_text),
        Column("request_id", "Verzoek", lambda row: row.request_id),
    )
    listing = Listing("fouten", "Laatste fouten", columns, rows, empty="Er zijn geen fouten.")
    return _listed("Fouten", "fouten", listing)


async def sessions(ask: Ask) -> View:
    """Who is signed in; of clients only by which portal."""
    rows = await ask.read(lambda reader: reader.viewers.sessions(ask.now))
    columns = (
        Column(
            "number", "Nummer", lambda row: row.number, link=lambda row: f"{PATH}/sessies/{row.number}", number=True
        ),
        Column("who", "Wie", _who),
        Column("role", "Als", _as),
        Column("began", "Sinds", lambda row: row.began),
        Column("seen", "Laatst gebruikt", lambda row: row.seen),
    )
    return _listed("Sessies", "sessies", Listing("sessies", "Wie is aangemeld", columns, rows, total=len(rows)))


async def session(ask: Ask) -> View:
    """One session, with the button that ends it."""
    found = await _session(ask)
    words = (("sessie", str(found.number)),)
    return View("auditor/session.html", Seen("Sessie", words), {"shown": found, "who": _who(found), "role": _as(found)})


async def end_session(ask: Ask) -> Done:
    number = (await _session(ask)).number
    seen = Seen("Sessie beëindigd", (("sessie", str(number)),), kind="sign-out")
    return Done(seen, f"{PATH}/sessies", lambda writer: writer.viewers.end_session(number))


async def _session(ask: Ask) -> Session:
    number = int(ask.match["number"])
    found = [each for each in await ask.read(lambda reader: reader.viewers.sessions(ask.now)) if each.number == number]
    if not found:
        raise Missing
    return found[0]


def _concerns(ask: Ask, participant: Participant) -> bool:
    return ask.bound in (None, participant.organisation.ura)


def _errors(reader: Reader, ask: Ask, limit: int) -> list[Record]:
    """Newest first, of both outcomes that are errors."""
    lines = []
    for outcome in _OUTCOMES:
        lines += reader.log.newest(ask.scoped(LogSelection(outcome=outcome)), None, limit)
    lines.sort(key=lambda line: line.leaf.seq, reverse=True)
    return [decode(line.payload) for line in lines[:limit] if line.payload is not None]


async def _terms(ask: Ask, participants: list[Participant]) -> list[_Term]:
    own: list[Certificate] = [] if ask.bound else await asyncio.to_thread(ask.sources.machine.certificates)
    terms = [_Term("Dit systeem", each.use, each.expires, each.expires - ask.now) for each in own]
    for each in participants:
        if not each.suspended and _concerns(ask, each):
            until = each.certificate_expires
            left = None if until is None else until - ask.now
            terms.append(_Term(each.organisation.name, "Aansluiting", until, left))
    return sorted(terms, key=lambda term: (term.left is None, term.left))


def _mark(term: _Term) -> str:
    if term.left is None:
        return "plain"
    return "bad" if term.left < _VERY_SOON else "notice" if term.left < _SOON else "good"


def _left(term: _Term) -> str:
    if term.left is None:
        return "niet bekend"
    if term.left < timedelta():
        return "verlopen"
    if term.left > _LONG:
        return f"{term.left // _YEAR} jaar"
    return f"{term.left.days} {'dag' if term.left.days == 1 else 'dagen'}"


def _day(moment: datetime | None) -> object:
    return None if moment is None else moment.date()


def _filled(store: Store) -> str:
    """How much room there is: "bad" where less than a tenth is free."""
    if store.free is None:
        return "good"
    return "bad" if store.free <= _FULL * (store.free + store.used) else "good"


def _who(session: Session) -> str:
    if session.auditor is not None:
        return f"{session.auditor.name} ({session.auditor.account})"
    return "Via een geschorst portaal" if session.visit is None else f"Via {session.visit.organisation_name}"


def _as(session: Session) -> str:
    known = session.auditor is not None or session.visit is not None
    return ROLES[capacity(session)] if known else ""


def _listed(title: str, part: str, listing: Listing) -> View:
    return View(_LIST, Seen(title), {"title": title, "part": part}, listing)
