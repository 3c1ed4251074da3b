"""The bounds of the rules that raise hints, from a TOML file; fixtures/hints/geboortezorg.toml has the defaults."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from xds.errors import Misconfigured

_Count = Annotated[int, Meta(ge=1)]
_Times = Annotated[float, Meta(ge=1)]
_Hour = Annotated[int, Meta(ge=0, le=23)]


class _Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Unknown keys are mistakes."""


class Period(_Struct):
    """For how many days a hint stays open, and of how many days what is usual is taken."""

    days: Annotated[int, Meta(ge=1, le=92)] = 31
    usual_days: Annotated[int, Meta(ge=7, le=366)] = 62
    least_days: Annotated[int, Meta(ge=1)] = 5


class Night(_Struct):
    """Which hours are night, how many records of a night count, and in what share of days that is usual."""

    begin: _Hour = 23
    end: _Hour = 6
    least: _Count = 3
    usual_share: Annotated[float, Meta(ge=0, le=1)] = 0.1


class Refusals(_Struct):
    least: _Count = 10


class Unrelated(_Struct):
    least_clients: _Count = 3


class Insisting(_Struct):
    within_hours: Annotated[int, Meta(ge=1, le=24)] = 24


class Volume(_Struct):
    """How many clients a day count, and how many times what is usual for the employee and for the role."""

    least_clients: _Count = 15
    times_own: _Times = 3.0
    times_role: _Times = 2.0


class Hour(_Struct):
    least_clients: _Count = 20


class ManyClients(_Struct):
    least_clients: _Count = 10


class Surname(_Struct):
    """No more than how many clients may have a surname for it to be of interest that an employee has it too."""

    most_bearers: _Count = 3


class Sealing(_Struct):
    """How old the oldest record may be that no anchor covers, and how many of the newest records are verified."""

    anchor_minutes: _Count = 60
    verified: Annotated[int, Meta(ge=1, le=10_000)] = 500


class HintRules(_Struct):
    """All of them."""

    period: Period = Period()
    night: Night = Night()
    refusals: Refusals = Refusals()
    unrelated: Unrelated = Unrelated()
    insisting: Insisting = Insisting()
    volume: Volume = Volume()
    hour: Hour = Hour()
    many_clients: ManyClients = ManyClients()
    surname: Surname = Surname()
    sealing: Sealing = Sealing()


def read_hint_rules(file: Path | None) -> HintRules:
    """Read a file of bounds; without one they are the defaults. Misconfigured when it is wrong."""
    if file is None:
        return HintRules()
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), HintRules)
    except OSError as error:
        raise Misconfigured(f"pages.hints: {file} can't be read: {error.strerror}") from None
    except ValueError as error:
        raise Misconfigured(f"pages.hints: {file}: {error}") from None
