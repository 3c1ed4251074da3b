"""What a Patient Identity Feed message does to the registry."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date

from xds.errors import Unavailable
from xds.mllp.acknowledgement import accept, reject
from xds.mllp.feed import Feed, FeedError, read_feed
from xds.mllp.recording import UNAVAILABLE, Recording
from xds.model.affinity_domain import BSN_OID, AffinityDomain
from xds.model.audit import Entry
from xds.model.bsn import is_valid_bsn
from xds.model.hl7 import CX, parse_cx

AddPatients = Callable[[Mapping[str, date | None], Sequence[Entry]], Awaitable[None]]
"""Make patients known, by CX text, each with the birth date if that is known, and record that; durable on return."""

MergePatients = Callable[[Sequence[tuple[str, str]], Sequence[Entry]], Awaitable[None]]
"""Merge each first patient into the second, by CX text, and record that, all or nothing; durable on return.

ValueError when a second one was merged away itself.
"""

_log = logging.getLogger(__name__)


async def handle(
    message: bytes,
    domain: AffinityDomain,
    add: AddPatients,
    merge: MergePatients,
    recording: Recording | None = None,
) -> bytes:
    """Do what a message says and return its acknowledgement; never raises but for cancellation.

    AA is returned only when all of it is durable, with its record in the log; a sender that got AR because the registry
    was unavailable, or nothing at all, can send the message again. Source: ITI TF-2: 3.8.4.1.3, 3.8.4.2.3.
    """
    feed = read_feed(message)
    if isinstance(feed, Feed):
        error = await _apply(feed, domain, add, merge, recording)
    else:
        error = feed
    if error is None:
        assert isinstance(feed, Feed)
        _log.info("patient identity feed: ADT^%s accepted", feed.header.event)
        return accept(feed)
    _log.warning("patient identity feed: %s, error %d at %s", error.acknowledgement, error.code, _place(error))
    if recording is not None:
        error = await recording.refused(feed, error)
    return reject(error)


async def _apply(
    feed: Feed, domain: AffinityDomain, add: AddPatients, merge: MergePatients, recording: Recording | None
) -> FeedError | None:
    known: dict[str, date | None] = {}
    merges: list[tuple[str, str]] = []
    for sequence, identity in enumerate(feed.identities, start=1):
        surviving = _of_domain(identity.patient_ids, domain)
        if not surviving:
            text = "PID-3: no identifier of an assigning authority of this affinity domain"
            return FeedError(feed.header, "AE", 204, text, "PID", sequence, 3)
        if any(cx.authority == BSN_OID and not is_valid_bsn(cx.number) for cx in surviving):
            return FeedError(feed.header, "AE", 204, "PID-3: a BSN fails the 11-proef", "PID", sequence, 3)
        known |= dict.fromkeys(map(str, surviving), identity.birth_date)
        if feed.is_merge:
            pairs = _pairs(surviving, _of_domain(identity.subsumed, domain))
            if pairs is None:
                text = "MRG-1: expected another identifier of the same assigning authority as in PID-3"
                return FeedError(feed.header, "AE", 204, text, "MRG", sequence, 1)
            merges += pairs
    concerned = dict.fromkeys([*known, *(subsumed for subsumed, _ in merges)])
    entries = () if recording is None else recording.accepted(feed, map(parse_cx, concerned))
    try:
        if feed.is_merge:
            await merge(merges, entries)
        else:
            await add(known, entries)
    except ValueError:
        text = "PID-3: a surviving patient was itself merged away before"
        return FeedError(feed.header, "AE", 204, text, "PID", 1, 3)
    except Unavailable:
        return FeedError(feed.header, "AR", UNAVAILABLE, "the registry is not available now")
    except Exception as error:
        # The text of an unforeseen error may hold anything; its type is enough to find it by.
        _log.error("patient identity feed: %s", type(error).__name__)
        return FeedError(feed.header, "AR", UNAVAILABLE, "the registry failed")
    return None


def _of_domain(identifiers: Sequence[CX], domain: AffinityDomain) -> list[CX]:
    allowed = domain.assigning_authorities
    return list(dict.fromkeys(cx for cx in identifiers if not allowed or cx.authority in allowed))


def _pairs(surviving: list[CX], subsumed: list[CX]) -> list[tuple[str, str]] | None:
    """Whom each subsumed patient merges into, within its authority; None when that is not one other patient."""
    pairs = []
    for old in subsumed:
        same = [new for new in surviving if new.authority == old.authority]
        if len(same) != 1 or same[0] == old:
            return None
        pairs.append((str(old), str(same[0])))
    return pairs or None


def _place(error: FeedError) -> str:
    return f"{error.segment}-{error.field}" if error.field else error.segment
