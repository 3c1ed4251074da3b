"""The hints: a list of them, one of them with its review, and what an auditor found."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from xds.audit.hints import Hint, Rule
from xds.model.bsn import holds_bsn
from xds.model.dutch_time import dutch_time
from xds.model.hint import Finding, Review
from xds.model.hl7 import parse_cx
from xds.model.viewer import Role
from xds.pages.ask import Ask, Done, Format, Missing, Seen, View
from xds.pages.auditor.hint_records import around_url, raising
from xds.pages.auditor.log import event_of, lines_of, number_of, outcome, outcome_mark
from xds.pages.auditor.lookout import Lookout
from xds.pages.listing import Column, Listing
from xds.ports import Writer

PATH = "/toezicht/signalen"
REVIEWERS = frozenset({Role.AUDITOR, Role.PRIVACY_OFFICER})
FINDINGS = {
    Finding.IN_ORDER: "In orde: er is een verklaring",
    Finding.INVESTIGATE: "Wordt uitgezocht",
    Finding.UNLAWFUL: "Niet in orde: onrechtmatige inzage",
}
_SHORT = {Finding.IN_ORDER: "in orde", Finding.INVESTIGATE: "wordt uitgezocht", Finding.UNLAWFUL: "niet in orde"}
_MARKS = {Finding.IN_ORDER: "good", Finding.INVESTIGATE: "notice", Finding.UNLAWFUL: "bad"}
_HEAVY = frozenset({Rule.INSISTING, Rule.EMERGENCY, Rule.HOUR})
_MOST = 2000
_STATES = (("open", "Nog te bekijken"), ("beoordeeld", "Beoordeeld"), ("alle", "Alle"))


class Raised(NamedTuple):
    """A hint with its reviews, the newest last."""

    hint: Hint
    reviews: tuple[Review, ...]

    @property
    def open(self) -> bool:
        """Whether it still asks for a look."""
        return not self.reviews or self.reviews[-1].finding is Finding.INVESTIGATE

    @property
    def state(self) -> str:
        return _SHORT[self.reviews[-1].finding] if self.reviews else "open"

    @property
    def state_mark(self) -> str:
        return _MARKS[self.reviews[-1].finding] if self.reviews else "plain"

    @property
    def mark(self) -> str:
        return "bad" if self.hint.rule in _HEAVY else "notice"

    @property
    def url(self) -> str:
        return f"{PATH}/{self.hint.id}"


class HintPages:
    """The pages on hints; `lookout` raises them."""

    def __init__(self, lookout: Lookout):
        self._lookout = lookout

    async def raised(self, ask: Ask) -> list[Raised]:
        """What this auditor may see, the newest day first."""
        since = dutch_time(ask.now).date() - timedelta(ask.sources.rules().period.days + 1)
        hints, reviews = await ask.read(
            lambda reader: (self._lookout.hints(reader, ask.now), reader.hints.reviews(since))
        )
        by_case: dict[tuple[object, ...], list[Review]] = {}
        for review in reviews:
            by_case.setdefault((review.day, review.employee, review.organisation), []).append(review)
        return [
            Raised(hint, tuple(review for review in by_case.get(case_of(hint), ()) if review.hint == hint.id))
            for hint in hints
            if ask.bound in (None, hint.who.organisation)
        ]

    async def hints(self, ask: Ask) -> View:
        """The list, of one rule or of all, and in one state or in all."""
        state, rule = ask.query.get("toon") or "open", ask.query.get("regel", "")
        if state not in dict(_STATES) or rule not in ("", *Rule):
            raise Missing
        found = [
            each
            for each in await self.raised(ask)
            if state in ("alle", "open" if each.open else "beoordeeld") and rule in ("", each.hint.rule)
        ]
        after = ask.query.get("na", "")
        start = next((place for place, each in enumerate(found, 1) if each.hint.id == after), 0)
        rows = found[start : start + ask.limit]
        more = {"na": rows[-1].hint.id} if len(found) > start + len(rows) else None
        columns = [
            Column("day", "Dag", lambda row: row.hint.day),
            Column("rule", "Signaal", lambda row: row.hint.rule.label, link=lambda row: row.url),
            Column("employee", "Medewerker", lambda row: name_of(row.hint)),
            Column("organisation", "Organisatie", lambda row: place_of(row.hint)),
            Column("found", "Wat er te zien is", lambda row: row.hint.found),
            Column("state", "Beoordeling", lambda row: row.state, mark=lambda row: row.state_mark),
        ]
        if ask.format is not Format.HTML:
            columns.append(Column("bounds", "Wanneer dit een signaal is", lambda row: row.hint.bounds))
        listing = Listing("signalen", "Signalen, nieuwste dag eerst", columns, rows, more, len(found),
                          empty="Er zijn geen signalen bij deze keuze.")  # fmt: skip
        context = {
            "states": _STATES,
            "state": state,
            "rules": [("", "Alle signalen"), *((each.value, each.label) for each in Rule)],
            "rule": rule,
        }
        words = (("toon", state), *((("signaal", rule),) if rule else ()))
        return View("auditor/hints.html", Seen("Signalen", words), context, listing)

    async def hint(self, ask: Ask) -> View:
        """One hint, with its records and the others of the same employee and day."""
        shown, others = await self._one(ask)
        return await self._view(ask, shown, others)

    async def review(self, ask: Ask) -> Done | View:
        """Keep what was found, of this hint and of the others that were ticked."""
        shown, others = await self._one(ask)
        remark, finding = ask.form.get("toelichting", "").strip(), ask.form.get("uitkomst", "")
        error = _mistake(finding, remark)
        if error:
            return await self._view(ask, shown, others, error, status=422)
        ticked = set(ask.form.getall("ook", []))
        auditor = ask.session.auditor
        assert auditor is not None
        reviews = [
            Review(each.hint.id, each.hint.rule.value, each.hint.day, each.hint.who.employee,
                   each.hint.who.organisation, Finding(finding), remark, auditor.account, auditor.name, ask.now)
            for each in (shown, *(other for other in others if other.hint.id in ticked))
        ]  # fmt: skip

        def keep(writer: Writer) -> None:
            for review in reviews:
                writer.hints.add_review(review)

        words = (
            ("uitkomst", finding),
            *(("signaal", f"{each.rule} {each.day} {each.employee} {each.hint}") for each in reviews),
        )
        return Done(Seen("Signaal beoordeeld", words, kind="hint-review"), "/toezicht?vastgelegd=ja", keep)

    async def _one(self, ask: Ask) -> tuple[Raised, list[Raised]]:
        found = await self.raised(ask)
        shown = next((each for each in found if each.hint.id == ask.match["id"]), None)
        if shown is None:
            raise Missing
        return shown, [each for each in found if each is not shown and same_case(each.hint, shown.hint)]

    async def _view(self, ask: Ask, shown: Raised, others: list[Raised], error: str = "", status: int = 200) -> View:
        auditor, hint = ask.session.auditor, shown.hint
        rules, before = ask.sources.rules(), number_of(ask, "voor")
        kept, onward = await ask.read(lambda reader: raising(reader, hint, rules, before, ask.limit))
        lines, more = lines_of(ask, kept), None if onward is None else {"voor": str(onward)}
        listing = Listing("regels", "Regels die dit signaal gaven, nieuwste eerst", _RECORD, lines, more)
        context = {
            "shown": shown,
            "name": name_of(shown.hint),
            "place": place_of(shown.hint),
            "others": others,
            "around": around_url(hint),
            "findings": [(finding.value, text) for finding, text in FINDINGS.items()],
            "told": FINDINGS,
            "may_review": auditor is not None and auditor.role in REVIEWERS,
            "error": error,
            "remark": ask.form.get("toelichting", ""),
            "chosen": ask.form.get("uitkomst", ""),
        }
        words = (("signaal", f"{hint.rule.value} {hint.day} {hint.who.employee}"),)
        patients = tuple(parse_cx(line.record.patient) for line in lines[:1] if hint.patient and line.record.patient)
        return View("auditor/hint.html", Seen("Signaal", words, patients), context, listing, status)


_RECORD = (
    Column("moment", "Tijd", lambda line: line.record.started, link=lambda line: f"/toezicht/log/{line.seq}"),
    Column("event", "Gebeurtenis", lambda line: event_of(line.record)),
    Column("client", "Cliënt", lambda line: line.client[:8] or None),
    Column("outcome", "Uitkomst", lambda line: outcome(line.record), mark=lambda line: outcome_mark(line.record)),
    Column("reason", "Waarom", lambda line: line.record.reason),
)


def same_case(one: Hint, other: Hint) -> bool:
    """Whether two hints are about one employee on one day."""
    return case_of(one) == case_of(other)


def case_of(hint: Hint) -> tuple[object, ...]:
    return hint.day, hint.who.employee, hint.who.organisation


def name_of(hint: Hint) -> str:
    who = hint.who
    role = who.role_name or who.role.rpartition("|")[2]
    return f"{who.name or who.employee.partition('^')[0]}, {role}" if role else who.name


def place_of(hint: Hint) -> str:
    return hint.who.organisation_name or f"URA {hint.who.organisation}"


def cases(raised: Iterable[Raised]) -> list[tuple[Raised, ...]]:
    """The hints by employee and day: what nobody looked at first, of that what weighs most, and of that the newest."""
    found: dict[object, list[Raised]] = {}
    for each in raised:
        found.setdefault(case_of(each.hint), []).append(each)
    return sorted(map(tuple, found.values()), key=_weight, reverse=True)


def _weight(case: tuple[Raised, ...]) -> tuple[bool, int, date]:
    weight = case[0].hint.rule.weight if len(case) == 1 else sum({each.hint.rule.weight for each in case})
    return any(not each.reviews for each in case), weight, case[0].hint.day


def _mistake(finding: str, remark: str) -> str:
    """What is wrong with a review, in words; "" when nothing is."""
    if finding not in [each.value for each in Finding]:
        return "Kies een uitkomst."
    if finding != Finding.IN_ORDER and not remark:
        return "Schrijf bij deze uitkomst een toelichting."
    if len(remark) > _MOST:
        return f"De toelichting is langer dan {_MOST} tekens."
    if holds_bsn(remark):
        return "In de toelichting staat een burgerservicenummer. Haal het weg: de regels in het logboek hebben het al."
    return ""
