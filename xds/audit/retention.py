"""How long records are kept. Source: NEN 7513: 8; Stcrt. 2018, 31593 (five years at least)."""

from __future__ import annotations

from datetime import UTC, datetime

from xds.audit.events import OWN
from xds.model.audit import SUCCESS, Event, Record, Thing
from xds.model.coded import Coded

LEAST_YEARS = 5
_DELETED = Coded("deleted-payloads", OWN, "Records whose payload was deleted")
_BELOW = "below"


def years_before(moment: datetime, years: int) -> datetime:
    """The same moment so many years earlier; 29 February becomes the 28th."""
    try:
        return moment.replace(year=moment.year - years)
    except ValueError:
        return moment.replace(year=moment.year - years, day=28)


def check_term(before: datetime, now: datetime) -> None:
    """ValueError when records from before this moment must still be kept."""
    if before > years_before(now, LEAST_YEARS):
        raise ValueError(f"records must be kept for {LEAST_YEARS} years after they were written")


def term_ended(time: int) -> int:
    """Until when a record was written whose term is over at `time`; both in microseconds since 1970."""
    moment = datetime.fromtimestamp(time / 1_000_000, UTC)
    return int(years_before(moment, LEAST_YEARS).timestamp() * 1_000_000)


def deletion_event(request_id: str, below: int, before: datetime, now: datetime, operator: str = "") -> Event:
    """The event that the payloads of all records below this seq were deleted, which were written before a moment."""
    details = ((_BELOW, str(below)), ("written-before", before.astimezone(UTC).isoformat()))
    thing = Thing(_DELETED, f"log/{below}", details=details)
    return Event(request_id, "log-retention", now, SUCCESS, operator=operator, things=(thing,))


def deleted_below(record: Record) -> int | None:
    """Below which seq payloads were deleted, when the record says so."""
    for thing in record.things:
        if thing.kind.key == _DELETED.key:
            value = dict(thing.details).get(_BELOW, "")
            return int(value) if value.isascii() and value.isdigit() else None
    return None
