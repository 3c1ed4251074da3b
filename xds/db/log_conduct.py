"""What employees did, counted in the columns of the log's index.

Imported when it is asked for, because starting a server should not pay for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

import numpy as np

from xds.db.log_columns import STARTED, Array, integers, join
from xds.db.log_facts import DIMENSIONS, Facts
from xds.db.log_search import LogSearch
from xds.model.audit import MINOR
from xds.model.conduct import LOOKS, Conduct, EmployeeDay, Insistence, Kin, Namesake, Span, Sweep, Who
from xds.model.dutch_time import dutch_midnight, dutch_time

_NAMES = ("employee", "organisation", "role", "patient", "outcome", "emergency", "transaction", "rule")
_HOURS = 25
"""Of a day, with the one that is lived twice."""
_DAYS = 512
_SLOTS = _DAYS * _HOURS
_MOST_SWEEPS = 100
_NONE = -1


class _Looks(NamedTuple):
    """Records of people who looked at documents, in order of seq; the arrays are alike in length.

    `who` is an employee at an organisation, by a number from 0 on; `slot` a day of the span with an hour of it. Where
    no patient is known `patient` is -1.
    """

    seq: Array
    started: Array
    who: Array
    role: Array
    slot: Array
    patient: Array
    night: Array
    refused: Array
    unrelated: Array
    emergency: Array

    def where(self, mask: Array) -> _Looks:
        return _Looks(*(column[mask] for column in self))

    @property
    def who_day(self) -> Array:
        return self.who * _DAYS + self.slot // _HOURS


class LogConduct(LogSearch):
    """Counts what employees did."""

    def conduct(self, span: Span, kin: Kin) -> Conduct:
        """What was done in a span."""
        columns = _Columns(self, self._segments(), list(self._fresh(self.indexed_below())))
        looks, everybody, organisations = self._looks(columns, span)
        if not len(looks.seq):
            return Conduct(columns.earlier, (), (), ())
        names = _Names(columns, looks, everybody, organisations)
        return Conduct(
            columns.earlier,
            tuple(_days(looks, span, names)),
            tuple(_insistences(looks, span, names)),
            tuple(self._sweeps(looks, span, names)),
            tuple(_namesakes(looks, span, names, kin)),
        )

    def _looks(self, columns: _Columns, span: Span) -> tuple[_Looks, Array, int]:
        """The records, who each `who` is, and by what that is divided: the quotient is the employee."""
        hours = list(_hours(span))
        edges = integers(edge for edge, _, _ in hours)
        columns.keep(int(edges[0]), int(edges[-1]))
        organisation, employee = columns.codes("organisation"), columns.codes("employee")
        organisations = int(organisation.max(initial=0)) + 1
        looked = np.isin(columns.codes("transaction"), [columns.code("transaction", each) for each in LOOKS])
        looked &= (columns.started >= edges[0]) & (columns.started < edges[-1])
        looked &= employee != columns.code("employee", "")
        at = np.searchsorted(edges, columns.started, side="right") - 1
        at[~looked] = 0
        patient = columns.codes("patient")
        patient[patient == columns.code("patient", "")] = _NONE
        found = _Looks(
            columns.seqs,
            columns.started,
            employee * organisations + organisation,
            columns.codes("role"),
            integers(slot for _, slot, _ in hours)[at],
            patient,
            np.asarray([night for _, _, night in hours])[at],
            columns.codes("outcome") == columns.code("outcome", str(MINOR)),
            columns.codes("rule") == columns.code("rule", "treatment-relation"),
            columns.codes("emergency") == columns.code("emergency", "1"),
        )
        found = found.where(looked)
        everybody = np.unique(found.who)
        return found._replace(who=np.searchsorted(everybody, found.who)), everybody, organisations

    def _sweeps(self, looks: _Looks, span: Span, names: _Names) -> Iterator[Sweep]:
        """Runs of records with following numbers, of one employee at one moment: those of one request."""
        ends = np.flatnonzero((np.diff(looks.seq) != 1) | (np.diff(looks.who) != 0) | (np.diff(looks.started) != 0))
        ends = np.append(ends, len(looks.seq) - 1)
        lengths = np.diff(ends, prepend=-1)
        for end in ends[lengths >= span.sweep][-_MOST_SWEEPS:].tolist():
            for leaf in self._session.rows(self._sql.number, (int(looks.seq[end]),)):
                patients = leaf[0] + 1
                if patients >= span.sweep:
                    yield Sweep(names.who(end), _day(span, looks.slot[end]), patients, int(looks.seq[end]))

    def codes(self, name: str, values: Iterable[str]) -> dict[str, int]:
        return self._codes(_number(name), values)

    def terms(self, name: str, codes: list[int]) -> dict[int, tuple[str, str]]:
        return self._terms(_number(name), codes)

    def free_code(self, name: str) -> int:
        ((free,),) = self._session.rows(self._sql.free_code, (_number(name),))
        return free

    def column(self, dimension: int, segments: list[tuple[int, int]]) -> Array:
        return self._column(dimension, segments).astype(np.int64)


class _Columns:
    """The columns of a period, with the records that are in none yet. What has no code gets one for this answer."""

    def __init__(self, search: LogConduct, segments: list[tuple[int, int]], fresh: list[Facts]):
        self._search = search
        self._segments = segments
        self._fresh = fresh
        self._new: dict[str, dict[str, int]] = {name: {} for name in _NAMES}
        self._labels: dict[tuple[str, int], str] = {}

    def keep(self, since: int, below: int) -> None:
        """Leave the segments that have nothing from `since` to before `below`; count what is earlier."""
        started = self._search.column(STARTED, self._segments)
        fresh = integers(facts.started for facts in self._fresh)
        self.earlier = int((started < since).sum() + (fresh < since).sum())
        inside = (started >= since) & (started < below)
        sizes = [size for _, size in self._segments]
        starts = np.cumsum([0, *sizes])[:-1].tolist()
        kept = [bool(inside[at : at + size].any()) for at, size in zip(starts, sizes, strict=True)]
        parts = [started[at : at + size] for at, size, keep in zip(starts, sizes, kept, strict=True) if keep]
        self._segments = [segment for segment, keep in zip(self._segments, kept, strict=True) if keep]
        self.started = join([*parts, fresh])

    @cached_property
    def seqs(self) -> Array:
        parts = [np.arange(first, first + size) for first, size in self._segments]
        return join([*parts, integers(facts.seq for facts in self._fresh)])

    def codes(self, name: str) -> Array:
        place = _number(name) - 1
        values = [facts.values[place] for facts in self._fresh]
        known = self._search.codes(name, set(values))
        free, new = self._search.free_code(name), self._new[name]
        for facts, value in zip(self._fresh, values, strict=True):
            if value not in known:
                known[value] = new[value] = free + len(new)
                self._labels[name, known[value]] = facts.labels[place]
        return join([*self._indexed(name), integers(known[value] for value in values)])

    def code(self, name: str, value: str) -> int:
        """What stands for a value, once `codes` was asked; -1 where nothing has it."""
        return self.known(name, (value,)).get(value, _NONE)

    def known(self, name: str, values: Collection[str]) -> dict[str, int]:
        """What stands for those of some values that anything has, once `codes` was asked."""
        new = self._new[name]
        return self._search.codes(name, values) | {value: new[value] for value in values if value in new}

    def terms(self, name: str, codes: Iterable[int]) -> dict[int, tuple[str, str]]:
        """The values and labels of codes."""
        found = {code: (value, self._labels[name, code]) for value, code in self._new[name].items()}
        return found | self._search.terms(name, [code for code in codes if code not in found])

    def _indexed(self, name: str) -> list[Array]:
        return [self._search.column(_number(name), self._segments)] if self._segments else []


class _Names:
    """Who a place of the records is."""

    def __init__(self, columns: _Columns, looks: _Looks, everybody: Array, organisations: int):
        self._looks = looks
        self._known: dict[tuple[int, int], Who] = {}
        self._columns = columns
        employees, places = np.divmod(everybody, organisations)
        self._everybody = list(zip(employees.tolist(), places.tolist(), strict=True))
        self._employees = columns.terms("employee", np.unique(employees).tolist())
        self._organisations = columns.terms("organisation", np.unique(places).tolist())
        self._roles = columns.terms("role", np.unique(looks.role).tolist())

    def who(self, place: int) -> Who:
        key = int(self._looks.who[place]), int(self._looks.role[place])
        if key not in self._known:
            employee, organisation = self._everybody[key[0]]
            self._known[key] = Who(*self._employees[employee], *self._organisations[organisation], *self._roles[key[1]])
        return self._known[key]

    def of_everybody(self) -> dict[int, Who]:
        """Each `who` once."""
        whos, places = np.unique(self._looks.who, return_index=True)
        return {who: self.who(place) for who, place in zip(whos.tolist(), places.tolist(), strict=True)}

    def patient_codes(self, patients: Collection[str]) -> dict[str, int]:
        """The codes of those patients that have one."""
        return self._columns.known("patient", patients)

    def patients(self, codes: list[int]) -> dict[int, str]:
        return {code: value for code, (value, _) in self._columns.terms("patient", codes).items()}


def _days(looks: _Looks, span: Span, names: _Names) -> Iterator[EmployeeDay]:
    who_day = looks.who_day
    keys, places = np.unique(who_day, return_index=True)
    about = looks.where(looks.patient != _NONE)
    who_slots, patients = _distinct(about.who * _SLOTS + about.slot, about.patient)
    busiest, hours = _busiest(keys, who_slots)
    in_day = _counts(keys, _distinct(who_slots // _HOURS, patients)[0])
    given = about.where(~about.refused)
    given_slots, given_patients = _distinct(given.who * _SLOTS + given.slot, given.patient)
    given_in_day = _counts(keys, _distinct(given_slots // _HOURS, given_patients)[0])
    in_busiest = given_slots % _HOURS == hours[np.searchsorted(keys, given_slots // _HOURS)]
    unrelated = about.where(about.unrelated)
    columns = (
        places,
        _counts(keys, who_day),
        in_day,
        busiest,
        hours,
        _counts(keys, who_day[looks.night]),
        _counts(keys, who_day[looks.refused]),
        _counts(keys, _distinct(unrelated.who_day, unrelated.patient)[0]),
        _counts(keys, who_day[looks.emergency]),
        in_day - given_in_day,
        busiest - _counts(keys, given_slots[in_busiest] // _HOURS),
    )
    days = [span.first + timedelta(number) for number in range((span.last - span.first).days + 1)]
    numbers = (keys % _DAYS).tolist()
    rows = zip(numbers, *(column.tolist() for column in columns), strict=True)
    found = [(number, names.who(place), counts) for number, place, *counts in rows]
    found.sort(key=lambda each: each[0])
    return (EmployeeDay(who, days[number], *counts) for number, who, counts in found)


def _insistences(looks: _Looks, span: Span, names: _Names) -> Iterator[Insistence]:
    """For each employee and patient the first time that the glass was broken after a refusal."""
    pairs = looks.who * (int(looks.patient.max()) + 2) + looks.patient + 1
    wanted = np.unique(pairs[looks.emergency & (looks.patient != _NONE)])
    places = np.flatnonzero(np.isin(pairs, wanted) & (looks.emergency | looks.refused))
    patients = names.patients(np.unique(looks.patient[places]).tolist()) if len(places) else {}
    refusals: dict[int, list[tuple[int, int]]] = {}
    for place in places[np.argsort(looks.started[places], kind="stable")].tolist():
        pair, moment, seq = int(pairs[place]), int(looks.started[place]), int(looks.seq[place])
        if not looks.emergency[place]:
            refusals.setdefault(pair, []).append((moment, seq))
            continue
        before = [refused for since, refused in refusals.pop(pair, ()) if since >= moment - span.within]
        if before:
            yield Insistence(
                names.who(place),
                _day(span, looks.slot[place]),
                patients[int(looks.patient[place])],
                bool(looks.night[place]),
                (*before, seq),
            )


def _namesakes(looks: _Looks, span: Span, names: _Names, kin: Kin) -> Iterator[Namesake]:
    """For each employee's day the patients that they are kin to, with the number of records."""
    everybody = names.of_everybody()
    related = kin(everybody.values())
    if not related:
        return
    codes = names.patient_codes(set().union(*related.values()))
    bound = int(looks.patient.max(initial=0)) + 2
    wanted = {
        who * bound + codes[patient]: patient
        for who, each in everybody.items()
        for patient in related.get(each, ())
        if patient in codes
    }
    met = looks.who * bound + looks.patient
    places = np.flatnonzero(np.isin(met, integers(wanted)) & (looks.patient != _NONE))
    days, firsts, counts = np.unique(
        met[places] * _DAYS + looks.slot[places] // _HOURS, return_index=True, return_counts=True
    )
    for key, first, count in zip(days.tolist(), firsts.tolist(), counts.tolist(), strict=True):
        place = int(places[first])
        yield Namesake(names.who(place), _day(span, looks.slot[place]), wanted[key // _DAYS], count)


def _distinct(groups: Array, members: Array) -> tuple[Array, Array]:
    """Each pair of a group and a member once, in the order of the groups."""
    bound = int(members.max(initial=0)) + 1
    pairs = np.sort(groups * bound + members)
    first = np.ones(len(pairs), bool)
    first[1:] = pairs[1:] != pairs[:-1]
    return np.divmod(pairs[first], bound)


def _counts(keys: Array, found: Array) -> Array:
    """How often each of the keys was found; what was found is among them."""
    return np.bincount(np.searchsorted(keys, found), minlength=len(keys))


def _busiest(keys: Array, who_slots: Array) -> tuple[Array, Array]:
    """For each employee's day the most patients of an hour, and which hour of the day that is."""
    slots, counts = np.unique(who_slots, return_counts=True)
    most, hours = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
    at = np.searchsorted(keys, slots // _HOURS)
    order = np.argsort(counts, kind="stable")
    most[at[order]] = counts[order]
    hours[at[order]] = slots[order] % _HOURS
    return most, hours


def _hours(span: Span) -> Iterator[tuple[int, int, bool]]:
    """When each hour of the span begins, in seconds since 1970, its slot, and whether it is night; then the end."""
    day = span.first
    while day <= span.last:
        begins, ends = _midnight(day), _midnight(day + timedelta(1))
        for number, edge in enumerate(range(begins, ends, 3600)):
            hour = dutch_time(datetime.fromtimestamp(edge, UTC)).hour
            yield edge, (day - span.first).days * _HOURS + number, _is_night(hour, span)
        day += timedelta(1)
    yield _midnight(day), 0, False


def _is_night(hour: int, span: Span) -> bool:
    if span.night_from <= span.night_until:
        return span.night_from <= hour < span.night_until
    return hour >= span.night_from or hour < span.night_until


def _midnight(day: date) -> int:
    return int(dutch_midnight(day).timestamp())


def _day(span: Span, slot: int) -> date:
    return span.first + timedelta(int(slot) // _HOURS)


def _number(name: str) -> int:
    return DIMENSIONS.index(name) + 1
