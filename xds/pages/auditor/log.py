"""The log, newest first, with its facets and a timeline."""

from __future__ import annotations

from typing import NamedTuple

from xds.audit.events import KINDS
from xds.audit.nen7513 import account
from xds.audit.objects import named_recorder
from xds.audit.record import decode
from xds.audit.report import why
from xds.model.affinity_domain import BSN_OID
from xds.model.audit import Facet, Kept, Record, Survey
from xds.model.bsn import is_valid_bsn
from xds.model.hl7 import CX, parse_cx
from xds.pages.ask import Ask, Done, Format, Seen, View
from xds.pages.auditor import timeline
from xds.pages.auditor.question import HEADINGS, NONE, Question, question_of, told
from xds.pages.listing import Column, Listing
from xds.pages.period import shortcuts
from xds.ports import Reader

_MOST_VALUES = 8
_ABOUT_A_CLIENT = ("/toezicht/overzicht/client", "/toezicht/overzicht/dossier", "/toezicht/toestemming",
                   "/toezicht/kon-zien")  # fmt: skip
_PAGE = "Logboek"
_CAPTION = "Regels in het logboek, nieuwste eerst"
_EMPTY = "Geen regel past bij deze keuzes. Laat een keuze los, of kies een ruimere periode."


class Line(NamedTuple):
    """A record with its place; `client` is the keyed hash by which its patient is found."""

    seq: int
    record: Record
    client: str


class Value(NamedTuple):
    """A value of a facet. `url` chooses it, or lets go of it when it is chosen."""

    text: str
    count: int
    url: str
    chosen: bool


class Group(NamedTuple):
    """A facet as it is shown; `others` are how many values there are besides."""

    name: str
    label: str
    values: tuple[Value, ...]
    others: int
    chosen: bool


def lines_of(ask: Ask, kept: list[Kept]) -> list[Line]:
    """The records that still have what they say."""
    found = []
    for each in kept:
        if each.payload is not None:
            record = decode(each.payload)
            client = "" if record.patient is None else ask.sources.patient_key(record.patient).hex()
            found.append(Line(each.leaf.seq, record, client))
    return found


def columns(ask: Ask) -> list[Column]:
    """The columns of a list of records, on screen fewer. A client is named by the first part of a hash."""
    wide = ask.format is not Format.HTML
    found = [
        Column("seq", "Nr", lambda line: line.seq, link=lambda line: f"/toezicht/log/{line.seq}", number=True),
        Column("moment", "Tijd", lambda line: line.record.started),
        Column("event", "Gebeurtenis", lambda line: event_of(line.record)),
        Column(
            "employee", "Wie", lambda line: who(line.record) if wide else f"{who(line.record)}, {role(line.record)}"
        ),
    ]
    if wide:
        found.append(Column("role", "Rol", lambda line: role(line.record)))
    found += [
        Column("organisation", "Organisatie", lambda line: organisation(line.record)),
        Column("client", "Cliënt", lambda line: line.client[:8] or None,
               link=lambda line: f"/toezicht/log?client={line.client}" if line.client else None),
        Column("outcome", "Uitkomst", lambda line: outcome(line.record), mark=lambda line: outcome_mark(line.record)),
        Column("rule", "Regel", lambda line: told("rule", line.record.rule) if line.record.rule else None),
    ]  # fmt: skip
    if wide:
        found.append(Column("why", "Waarom", lambda line: why(line.record, {})))
    label = "Documenten" if wide else "Doc."
    found.append(Column("documents", label, lambda line: len(line.record.documents) or None, number=True))
    if wide:
        ids = Column("document_ids", "Documentnummers", lambda line: [each.unique_id for each in line.record.documents])
        found.append(ids)
    return found


def event_of(record: Record) -> str:
    """What happened, in Dutch where that is known."""
    kind = record.kinds[0]
    names = [name for name, each in KINDS.items() if (each.event, each.type) == (record.event, kind)]
    if not names:
        return kind.display or kind.code
    # Who is refused and who signs in has one code in the standard: the outcome tells them apart.
    return told("transaction", names[-1] if record.outcome == 0 else names[0])


def who(record: Record) -> str:
    person = record.user.person
    if record.user.is_person:
        return person.name or account(person)
    return named_recorder(record) or "systeem"


def role(record: Record) -> str:
    if not record.user.is_person:
        return "computersysteem"
    role = record.user.person.role
    return role.display or role.code


def organisation(record: Record) -> str | None:
    person = record.user.person
    return person.organisation_name or (f"URA {person.organisation}" if person.organisation else None)


def outcome(record: Record) -> str:
    text = told("outcome", str(record.outcome))
    return f"{text}, noodknop" if record.emergency is not None else text


def outcome_mark(record: Record) -> str:
    if record.emergency is not None:
        return "bad"
    return "good" if record.outcome == 0 else "notice"


def number_of(ask: Ask, word: str) -> int | None:
    """The seq under a word of the address; None for none."""
    text = ask.query.get(word, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


async def log(ask: Ask) -> View:
    """What the log has under these filters."""
    question, limit = question_of(ask), ask.limit
    below = number_of(ask, "voor")
    with_survey = ask.format is Format.HTML

    def look(reader: Reader) -> tuple[list[Kept], Survey | None]:
        kept = reader.log.newest(question.selection, below, limit + 1)
        survey = reader.log.survey(question.selection, question.cut, _MOST_VALUES) if with_survey else None
        return kept, survey

    kept, survey = await ask.read(look)
    lines = lines_of(ask, kept[:limit])
    more = {"voor": str(kept[limit - 1].leaf.seq)} if len(kept) > limit else None
    total = None if survey is None else survey.total
    listing = Listing("logboek", _CAPTION, columns(ask), lines, more, total, empty=_EMPTY)
    seen = Seen(_PAGE, question.words, patients_of(question, lines))
    if survey is None:
        return View("auditor/log.html", seen, {}, listing)
    context = {
        "question": question,
        "groups": [_group(ask, question, facet) for facet in _ordered(survey)],
        "picture": timeline.picture(survey.edges, survey.timeline),
        "size": timeline,
        "chosen": _chosen(ask, question, survey),
        "kept_words": [(name, value) for name, value in question.given.items() if name not in ("van", "tot", "voor")],
        "periods": shortcuts(ask),
    }
    return View("auditor/log.html", seen, context, listing)


async def find_client(ask: Ask) -> Done | View:
    """Go on to what the log has of a client, whose number was typed in."""
    typed = ask.form.get("nummer", "").replace(" ", "").replace(".", "")
    onward = ask.form.get("naar", "")
    if not is_valid_bsn(typed):
        said = "Dit is geen geldig burgerservicenummer. Kijk of het 9 cijfers heeft en goed is overgenomen."
        return View("auditor/find_client.html", Seen("Cliënt zoeken: geen geldig nummer"),
                    {"error": said, "line_error": "", "onward": onward}, status=422)  # fmt: skip
    client = CX(typed, BSN_OID)
    token = ask.sources.patient_key(str(client)).hex()
    target = onward if onward in _ABOUT_A_CLIENT else "/toezicht/log"
    return Done(Seen("Cliënt gezocht", patients=(client,)), f"{target}?client={token}")


async def find_line(ask: Ask) -> Done | View:
    """Go on to the record of which a client named the number."""
    typed = ask.form.get("regel", "").replace(".", "").strip()
    if not (typed.isascii() and typed.isdigit() and len(typed) < 19):
        said = "Dit is geen nummer van een regel. Het zijn alleen cijfers, zoals 3399."
        return View("auditor/find_client.html", Seen("Regel zoeken: geen nummer"),
                    {"error": "", "line_error": said, "onward": ""}, status=422)  # fmt: skip
    return Done(Seen("Regel gezocht", (("regel", typed),)), f"/toezicht/log/{int(typed)}")


async def client_form(ask: Ask) -> View:
    """Where a client's number is typed in."""
    context = {"error": "", "line_error": "", "onward": ask.query.get("naar", "")}
    return View("auditor/find_client.html", Seen("Cliënt zoeken"), context)


def patients_of(question: Question, lines: list[Line]) -> tuple[CX, ...]:
    """The client whose records are shown, where they are those of one."""
    if not question.selection.patient:
        return ()
    return tuple(parse_cx(line.record.patient) for line in lines[:1] if line.record.patient is not None)


def _ordered(survey: Survey) -> list[Facet]:
    """The facets as the page has them."""
    by_name = {facet.name: facet for facet in survey.facets}
    return [by_name[name] for name in HEADINGS]


def _group(ask: Ask, question: Question, facet: Facet) -> Group:
    heading = HEADINGS[facet.name]
    asked = question.given.get(heading.word)
    chosen = _as_index(getattr(question.selection, facet.name)) if asked else None
    values = []
    for each in facet.values:
        is_chosen = each.value == chosen
        url = ask.url(**{heading.word: None if is_chosen else each.value or NONE, "voor": None})
        values.append(Value(told(facet.name, each.value, each.label), each.count, url, is_chosen))
    return Group(heading.word, heading.label, tuple(values), facet.distinct - len(facet.values), chosen is not None)


def _chosen(ask: Ask, question: Question, survey: Survey) -> list[tuple[str, str, str]]:
    """What is asked: heading, value, and the address without it."""
    found = []
    if question.since or question.until:
        since = question.since.strftime("%d-%m-%Y") if question.since else "het begin"
        until = question.until.strftime("%d-%m-%Y") if question.until else "nu"
        found.append(("Periode", f"{since} t/m {until}", ask.url(van=None, tot=None, voor=None)))
    for facet in _ordered(survey):
        heading = HEADINGS[facet.name]
        if heading.word in question.given:
            value = _as_index(getattr(question.selection, facet.name))
            label = next((each.label for each in facet.values if each.value == value), "")
            found.append((heading.label, told(facet.name, value, label), ask.url(**{heading.word: None, "voor": None})))
    return found


def _as_index(value: str | int | bool | bytes | None) -> str:
    """A value of a selection as the index spells it."""
    if isinstance(value, bytes):
        return value.hex()
    return str(int(value)) if isinstance(value, bool) else str(value)
