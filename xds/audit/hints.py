"""Hints to what somebody should look at, each with the rule that raised it. A hint is no verdict.

Source: NEN 7513: 5.3, 9 (logging is looked through regularly, for what deviates); NEN 7510 (review of logging).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import NamedTuple

from xds.audit.hint_rules import HintRules
from xds.model.conduct import Conduct, EmployeeDay, Span, Who
from xds.model.dutch_time import dutch_midnight, dutch_time


class Rule(StrEnum):
    """What raises a hint, the weightiest first. The value is its name, in addresses and in the database."""

    INSISTING = "toch-binnen"
    EMERGENCY = "noodknop"
    HOUR = "uur"
    NIGHT = "nacht"
    SURNAME = "achternaam"
    VOLUME = "veel"
    MANY_CLIENTS = "een-vraag"
    UNRELATED = "geen-relatie"
    REFUSALS = "weigeringen"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def weight(self) -> int:
        """From 1: more asks for a look sooner."""
        return _WEIGHTS[self]


_WEIGHTS = {rule: len(Rule) - place for place, rule in enumerate(Rule)}
_LABELS = {
    Rule.INSISTING: "Noodknop na weigering",
    Rule.EMERGENCY: "Noodknop gebruikt",
    Rule.HOUR: "Zeer veel dossiers in een uur",
    Rule.NIGHT: "Ongewoon in de nacht",
    Rule.SURNAME: "Zelfde achternaam",
    Rule.VOLUME: "Ongewoon veel dossiers",
    Rule.MANY_CLIENTS: "Eén vraag over veel cliënten",
    Rule.UNRELATED: "Geen behandelrelatie",
    Rule.REFUSALS: "Vaak geweigerd",
}


class Hint(NamedTuple):
    """What was raised about an employee on a day. `found` says what was seen, `bounds` when the rule raises a hint.

    `patient` is the log's keyed hash in hex, and `seq` a record, where the hint is about one. `seqs` are all records
    that raised it, where the rule goes by single ones. `hour` is the number of an hour of the day, where that matters.
    """

    rule: Rule
    who: Who
    day: date
    found: str
    bounds: str
    patient: str = ""
    seq: int | None = None
    seqs: tuple[int, ...] = ()
    hour: int | None = None

    @property
    def id(self) -> str:
        """What tells it from all others: it is the same whenever it is raised again."""
        parts = (self.rule, self.who.organisation, self.who.employee, self.day.isoformat(), self.patient, self.seq)
        return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]


class Usual(NamedTuple):
    """What is usual: patients a day, by employee and organisation and by role; and of an employee on which days there
    was work at night, of how many.
    """

    own: Mapping[tuple[str, str], float]
    role: Mapping[str, float]
    nights: Mapping[tuple[str, str], tuple[frozenset[date], int]]


NOTHING_USUAL = Usual({}, {}, {})


def span_of(rules: HintRules, first: date, last: date) -> Span:
    """What is to be known of these days for the rules to raise hints."""
    sweep, within = rules.many_clients.least_clients, rules.insisting.within_hours * 3600
    return Span(first, last, rules.night.begin, rules.night.end, sweep, within)


def usual_of(days: Iterable[EmployeeDay], rules: HintRules) -> Usual:
    """What is usual, of who worked on enough days."""
    patients: dict[tuple[str, str], list[int]] = defaultdict(list)
    nights: dict[tuple[str, str], set[date]] = defaultdict(set)
    roles: dict[str, list[int]] = defaultdict(list)
    for each in days:
        key = _key(each.who)
        patients[key].append(each.patients)
        if each.night:
            nights[key].add(each.day)
        roles[each.who.role].append(each.patients)
    known = {key: counts for key, counts in patients.items() if len(counts) >= rules.period.least_days}
    return Usual(
        {key: median(counts) for key, counts in known.items()},
        {role: median(counts) for role, counts in roles.items() if len(counts) >= rules.period.least_days},
        {key: (frozenset(nights[key]), len(counts)) for key, counts in known.items()},
    )


def hints_of(conduct: Conduct, usual: Usual, rules: HintRules) -> list[Hint]:
    """All hints, the newest day first, and of a day the weightiest first."""
    found = [hint for each in conduct.days for hint in _of_day(each, usual, rules)]
    for insistence in conduct.insistences:
        when = ", in de nacht" if insistence.night else ""
        text = (
            f"{_times(insistence.refused)} geweigerd bij een cliënt, en daarna met de noodknop bij dezelfde cliënt "
            f"gekeken{when}."
        )
        bounds = f"Een noodknop binnen {rules.insisting.within_hours} uur na een weigering bij dezelfde cliënt."
        found.append(Hint(Rule.INSISTING, insistence.who, insistence.day, text, bounds, insistence.patient,
                          seqs=insistence.seqs))  # fmt: skip
    for sweep in conduct.sweeps:
        text = f"Eén vraag ging over {sweep.patients} cliënten."
        bounds = f"Eén vraag over ten minste {rules.many_clients.least_clients} cliënten."
        found.append(Hint(Rule.MANY_CLIENTS, sweep.who, sweep.day, text, bounds, seq=sweep.seq))
    for each in conduct.namesakes:
        text = f"{_lines(each.records)} over een cliënt met dezelfde achternaam als de medewerker."
        bounds = (
            f"Een cliënt met dezelfde achternaam, als hooguit {rules.surname.most_bearers} cliënten zo heten. De namen "
            "zijn die van het token en die bij aanmelding of documenten zijn meegestuurd."
        )
        found.append(Hint(Rule.SURNAME, each.who, each.day, text, bounds, each.patient))
    found.sort(key=lambda hint: (hint.day, hint.rule.weight), reverse=True)
    return found


def _of_day(each: EmployeeDay, usual: Usual, rules: HintRules) -> Iterator[Hint]:
    who, day = each.who, each.day
    if each.emergencies:
        yield Hint(
            Rule.EMERGENCY, who, day, f"{_lines(each.emergencies)} met de noodknop.", "Elk gebruik van de noodknop."
        )
    least = rules.unrelated.least_clients
    if each.unrelated >= least:
        text = f"Vroeg naar {each.unrelated} cliënten met wie de organisatie toen geen behandelrelatie had."
        yield Hint(Rule.UNRELATED, who, day, text, f"Ten minste {least} van zulke cliënten op een dag.")
    if each.refused >= rules.refusals.least:
        text = f"{_times(each.refused)} geweigerd, van {_lines(each.records)} op deze dag."
        yield Hint(Rule.REFUSALS, who, day, text, f"Ten minste {rules.refusals.least} weigeringen op een dag.")
    least = rules.hour.least_clients
    if each.hour_patients >= least:
        begun = dutch_time(hour_of(day, each.hour))
        text = (
            f"Vroeg dossiers op van {each.hour_patients} cliënten in één uur, dat om {begun:%H}:00 begon"
            f"{_refused(each.hour_refused, each.hour_patients)}."
        )
        yield Hint(Rule.HOUR, who, day, text, f"Ten minste {least} cliënten in een uur.", hour=each.hour)
    yield from _unusual(each, usual, rules)


def _unusual(each: EmployeeDay, usual: Usual, rules: HintRules) -> Iterator[Hint]:
    """What deviates from what the employee, and those with the same role, usually do."""
    who, day, volume, night = each.who, each.day, rules.volume, rules.night
    own, role = usual.own.get(_key(who)), usual.role.get(who.role)
    unusual = (own is None or each.patients > own * volume.times_own) and (
        role is None or each.patients > role * volume.times_role
    )
    if each.patients >= volume.least_clients and unusual:
        known = [
            f"{_number(value)} {words}"
            for value, words in ((own, "bij deze medewerker"), (role, "bij deze rol"))
            if value is not None
        ]
        text = (
            f"Vroeg dossiers op van {each.patients} cliënten{_refused(each.patients_refused, each.patients)}"
            f"{'; gewoonlijk zijn het er ' if known else ''}{' en '.join(known)}."
        )
        bounds = (
            f"Ten minste {volume.least_clients} cliënten op een dag, meer dan {_number(volume.times_own)} keer zo veel "
            f"als de medewerker en {_number(volume.times_role)} keer zo veel als de rol gewoonlijk."
        )
        yield Hint(Rule.VOLUME, who, day, text, bounds)
    at_night, days = usual.nights.get(_key(who), (frozenset(), 1))
    share = len(at_night - {day}) / days
    if each.night >= night.least and share <= night.usual_share:
        usually = (
            f"deze medewerker doet dat anders op {_number(share * 100)}% van de dagen"
            if share
            else "op de andere dagen deed deze medewerker dat niet"
        )
        text = f"{_lines(each.night)} in de nacht; {usually}."
        bounds = (
            f"Ten minste {_lines(night.least)} tussen {night.begin}:00 en {night.end}:00, door wie dat op hooguit "
            f"{_number(night.usual_share * 100)}% van de dagen doet."
        )
        yield Hint(Rule.NIGHT, who, day, text, bounds)


def _key(who: Who) -> tuple[str, str]:
    return who.employee, who.organisation


def hour_of(day: date, number: int) -> datetime:
    """When an hour of a day begins: a day of which an hour is lived twice has 25."""
    return dutch_midnight(day) + timedelta(hours=number)


def _refused(number: int, of: int) -> str:
    if number == of:
        return "; bij allemaal geweigerd"
    return f"; bij {number} geweigerd" if number else ""


def _times(number: int) -> str:
    return f"{number} keer"


def _lines(number: int) -> str:
    return f"{number} {'regel' if number == 1 else 'regels'}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0").replace(".", ",")
