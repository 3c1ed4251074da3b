"""What employees did, day by day, as the log shows it: what hints are made of.

Days and hours are by Dutch clocks. Only looks at documents count (ITI-18, ITI-43, and what a repository elsewhere asks
before its ITI-43), and only of people.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from typing import NamedTuple

LOOKS = ("ITI-18", "ITI-43", "retrieval-check")


class Span(NamedTuple):
    """What is looked at: the days from `first` to `last`; the night is from one hour to another one.

    `sweep` is how many patients one request has at least to be a sweep, `within` how many seconds may be between a
    refusal and the emergency that went over it.
    """

    first: date
    last: date
    night_from: int
    night_until: int
    sweep: int
    within: int


class Who(NamedTuple):
    """An employee at an organisation, as the log finds them; names are "" when not known."""

    employee: str
    name: str
    organisation: str
    organisation_name: str
    role: str
    role_name: str


class EmployeeDay(NamedTuple):
    """A day of an employee. `patients` are those of whom something was looked at, or refused, each once.

    `hour_patients` is the most of them in one hour, the one with number `hour` of the day; `patients_refused` and
    `hour_refused` are those who were only refused. `night` counts records of the night.
    `unrelated` are the patients that were refused for want of a treatment relation.
    """

    who: Who
    day: date
    records: int
    patients: int
    hour_patients: int
    hour: int
    night: int
    refused: int
    unrelated: int
    emergencies: int
    patients_refused: int
    hour_refused: int


class Insistence(NamedTuple):
    """An employee who was refused a patient's documents, and broke the glass thereafter.

    `patient` is the log's keyed hash, in hex. `night` says whether that was at night. `seqs` are the refusals, and then
    the record that broke the glass.
    """

    who: Who
    day: date
    patient: str
    night: bool
    seqs: tuple[int, ...]

    @property
    def refused(self) -> int:
        return len(self.seqs) - 1


class Sweep(NamedTuple):
    """One request that was about many patients; its last record is `seq`."""

    who: Who
    day: date
    patients: int
    seq: int


class Namesake(NamedTuple):
    """A day on which an employee looked at somebody's documents, or was refused them, who has the same surname.

    `patient` is the log's keyed hash, in hex.
    """

    who: Who
    day: date
    patient: str
    records: int


Kin = Callable[[Iterable[Who]], Mapping[Who, Collection[str]]]
"""Tells to which patients, by keyed hash in hex, employees may be related; who is related to none may be left out."""


def no_kin(people: Iterable[Who]) -> Mapping[Who, Collection[str]]:
    return {}


class Conduct(NamedTuple):
    """All of a span. Days are in order. `earlier` counts all records, of whatever kind, from before the span."""

    earlier: int
    days: tuple[EmployeeDay, ...]
    insistences: tuple[Insistence, ...]
    sweeps: tuple[Sweep, ...]
    namesakes: tuple[Namesake, ...] = ()
