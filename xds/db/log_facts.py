"""What a record of the log is found by."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from xds.model.audit import LogSelection

DIMENSIONS = (
    "patient", "employee", "organisation", "role", "action", "outcome", "purpose", "emergency", "transaction", "rule",
    "holders",
)  # fmt: skip
"""In the order of their numbers in the tables, which begin with 1: only ever append."""
ORGANISATION, HOLDERS = "organisation", "holders"
FACETS = tuple(name for name in DIMENSIONS if name != HOLDERS)
"""Those of one value. Whose documents a record is about are URAs with blanks between them."""
PERIOD, CONCERNS = "period", "concerns"
_SECOND = 1_000_000
_LATEST = 2**32 - 1


class Facts(NamedTuple):
    """`started` is in seconds since 1970; `values` and their `labels` are in the order of the dimensions."""

    seq: int
    started: int
    values: tuple[str, ...]
    labels: tuple[str, ...]

    def concerns(self, organisation: str) -> bool:
        did, held = (self.values[DIMENSIONS.index(name)] for name in (ORGANISATION, HOLDERS))
        return organisation == did or organisation in held.split()


class Asked(NamedTuple):
    """A selection in the terms of the index: `since` and `below` in seconds, and values by dimension.

    `concerns` is the URA of an organisation that did it, or whose documents it is about.
    """

    since: int | None
    below: int | None
    values: dict[str, str]
    concerns: str | None

    def missed(self, facts: Facts) -> list[str]:
        """What of the question a record does not meet: dimensions, the period, and whom it concerns."""
        found = [
            name for name, value in zip(DIMENSIONS, facts.values, strict=True) if self.values.get(name, value) != value
        ]
        early = self.since is not None and facts.started < self.since
        if early or (self.below is not None and facts.started >= self.below):
            found.append(PERIOD)
        if self.concerns is not None and not facts.concerns(self.concerns):
            found.append(CONCERNS)
        return found


class _Code(msgspec.Struct):
    code: str = ""
    scheme: str = ""
    display: str | None = None


class _Person(msgspec.Struct):
    role: _Code = msgspec.field(default_factory=_Code)
    organisation_name: str = ""
    name: str | None = None


class _User(msgspec.Struct):
    person: _Person = msgspec.field(default_factory=_Person)


class _Payload(msgspec.Struct):
    """What of a payload has no column of its own."""

    user: _User = msgspec.field(default_factory=_User)
    purpose: _Code | None = None
    rule: str = ""
    holders: list[str] = []


_decode = msgspec.json.Decoder(_Payload).decode
_NOTHING = _Payload()
_NO_CODE = _Code()


def asked_of(selection: LogSelection) -> Asked:
    """What a selection asks of the index."""
    values = {}
    for name in FACETS:
        value = getattr(selection, name)
        if isinstance(value, bytes):
            values[name] = value.hex()
        elif isinstance(value, bool):
            values[name] = str(int(value))
        elif value is not None:
            values[name] = str(value)
    return Asked(_seconds_up(selection.started_from), _seconds_up(selection.started_below), values, selection.concerns)


def facts_of(row: tuple[Any, ...]) -> Facts:
    """What a row of the log says: seq, started, the columns that it is found by, and its payload.

    A payload that somebody spoiled says nothing; the record is found by the rest.
    """
    seq, started, patient, employee, organisation, action, outcome, emergency, transaction, payload = row
    try:
        said = _decode(payload)
    except (ValueError, TypeError):
        said = _NOTHING
    person, purpose = said.user.person, said.purpose or _NO_CODE
    values = (
        "" if patient is None else patient.hex(),
        employee,
        organisation,
        _token(person.role),
        action,
        str(outcome),
        _token(purpose),
        str(int(emergency)),
        transaction,
        said.rule,
        " ".join(said.holders),
    )
    labels = (
        "", person.name or "", person.organisation_name, person.role.display or "", "", "", purpose.display or "",
        "", "", "", "",
    )  # fmt: skip
    return Facts(seq, min(max(started // _SECOND, 0), _LATEST), values, labels)


def _token(code: _Code) -> str:
    return f"{code.scheme}|{code.code}" if code.code else ""


def _seconds_up(moment: int | None) -> int | None:
    return None if moment is None else -(-moment // _SECOND)
