"""The four overviews of NEN 7513. Source: NEN 7513: 9."""

from __future__ import annotations

from collections.abc import Callable, Collection

from xds.audit.report import Overview, Row, rows
from xds.model.audit import Record
from xds.model.hl7 import parse_cx
from xds.model.stored import StoredEntry
from xds.pages.ask import Ask, Format, Missing, Seen, View
from xds.pages.auditor.log import Line, lines_of, number_of
from xds.pages.auditor.question import question_of
from xds.pages.documents import title_of, titles_of, together
from xds.pages.listing import Column, Listing
from xds.ports import Reader

_TITLES = {
    Overview.CLIENT: "Overzicht voor de cliënt",
    Overview.DAY: "Dagoverzicht van een organisatie",
    Overview.EMPLOYEE: "Overzicht van een medewerker",
    Overview.DOSSIER: "Overzicht van een dossier",
}
_NAMES = {"client": Overview.CLIENT, "dag": Overview.DAY, "medewerker": Overview.EMPLOYEE, "dossier": Overview.DOSSIER}
_NEEDED = {
    Overview.CLIENT: ("client",), Overview.DAY: ("organisatie", "van"), Overview.EMPLOYEE: ("medewerker",),
    Overview.DOSSIER: ("client",),
}  # fmt: skip
_AT_ONCE = 200
_OF_OTHERS = "een document van een andere organisatie"
_COLUMNS = [
    Column("day", "Dag", lambda row: row.day),
    Column("time", "Tijd", lambda row: row.time),
    Column("organisation", "Organisatie", lambda row: row.organisation),
    Column("role", "Rol", lambda row: row.role),
    Column("employee", "Medewerker", lambda row: row.employee),
    Column("client", "Cliënt", lambda row: row.client),
    Column("action", "Wat", lambda row: row.action),
    Column("documents", "Documenten", lambda row: row.documents),
    Column("result", "Uitkomst", lambda row: row.result),
    Column("emergency", "Noodknop", lambda row: row.emergency, mark=lambda row: "bad" if row.emergency else None),
    Column("authorisation", "Autorisatie", lambda row: row.authorisation),
    Column("consent", "Toestemming", lambda row: row.consent),
    Column("reason", "Motivering", lambda row: row.reason),
    Column("times", "Keren", lambda row: row.times, number=True),
]
_BY_NAME = {column.name: column for column in _COLUMNS}
_ON_SCREEN = [
    _BY_NAME["day"],
    _BY_NAME["time"],
    _BY_NAME["organisation"],
    Column("who", "Wie", lambda row: ", ".join(filter(None, (row.employee, row.role)))),
    _BY_NAME["client"],
    _BY_NAME["action"],
    _BY_NAME["documents"],
    Column("result", "Uitkomst", lambda row: ", ".join(filter(None, (row.result, "noodknop" if row.emergency else ""))),
           mark=lambda row: "bad" if row.emergency else "notice" if row.result else None),
    Column("reason", "Waarom", lambda row: row.reason),
    _BY_NAME["times"],
]  # fmt: skip
"""The same in fewer columns, and without the grounds, which the record tells."""
_IN_THE_HEADING = frozenset({"day", "organisation"})


async def overviews(ask: Ask) -> View:
    """Which overview it should be."""
    return View("auditor/overviews.html", Seen("Overzichten"))


async def overview(ask: Ask) -> View:
    """An overview, oldest first; Missing when the address lacks what it is about."""
    kind = _NAMES[ask.match["soort"]]
    question = question_of(ask, day=kind is Overview.DAY)
    if any(word not in question.given for word in _NEEDED[kind]):
        raise Missing
    first = number_of(ask, "na") or 0
    limit = max(ask.limit, _AT_ONCE) if ask.format is Format.HTML else ask.limit

    def look(reader: Reader) -> tuple[list[Line], str | None, dict[str, str]]:
        kept = reader.log.find(question.selection, first, limit + 1)
        lines = lines_of(ask, kept[:limit])
        documents = (each.unique_id for line in lines for each in line.record.documents)
        named = titles_of(reader, documents, naming(ask, reader, [line.record for line in lines]))
        return lines, str(kept[limit].leaf.seq) if len(kept) > limit else None, named

    lines, onward, titles = await ask.read(look)
    found = rows(kind, [line.record for line in lines], titles)
    more = None if onward is None else {"na": onward}
    shown = _shown(kind, found, ask, frozenset(titles.values()))
    listing = Listing(f"overzicht-{ask.match['soort']}", _TITLES[kind], shown, found, more,
                      empty="Er is niets vastgelegd.")  # fmt: skip
    patients = dict.fromkeys(line.record.patient for line in lines if line.record.patient is not None)
    seen = Seen(_TITLES[kind], question.words, tuple(map(parse_cx, patients)))
    return View("auditor/overview.html", seen, {"title": _TITLES[kind], "question": question}, listing)


def naming(ask: Ask, reader: Reader, records: list[Record]) -> Callable[[StoredEntry], str]:
    """What documents are called for who asks: an organisation knows its own, and those that its employees met."""
    if ask.bound is None:
        return title_of
    own = [record for record in records if record.user.person.organisation == ask.bound]
    met = {document.unique_id for record in own for document in record.documents}

    def name(stored: StoredEntry) -> str:
        (candidate,) = reader.consents.candidates([stored])
        known = stored.unique_id in met or ask.bound in candidate.holders
        return title_of(stored) if known else _OF_OTHERS

    return name


def _shown(kind: Overview, found: list[Row], ask: Ask, titles: Collection[str]) -> list[Column]:
    """On screen only the columns that have something in them; documents that have no title any more are counted."""
    if ask.format is not Format.HTML:
        return _COLUMNS
    told = _IN_THE_HEADING if kind is Overview.DAY else frozenset()
    return [
        column._replace(value=_named(titles)) if column.name == "documents" else column
        for column in _ON_SCREEN
        if column.name not in told and any(column.value(row) not in ("", (), 1) for row in found)
    ]


def _named(titles: Collection[str]) -> Callable[[Row], tuple[str, ...]]:
    return lambda row: together(each if each in titles else None for each in row.documents)
