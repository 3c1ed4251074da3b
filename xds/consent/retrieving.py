"""Which documents may be retrieved: for ITI-43, and for a repository in another process that asks by ITI-18."""

from __future__ import annotations

from collections.abc import Iterable

from xds.consent.sight import Evidence, Seen, Sight, look
from xds.model.stored import Found, StoredEntry
from xds.model.verdict import Checks, Grounds, Verdict
from xds.transaction import Context

BY_REGISTRY = Verdict(
    True,
    "registry",
    "",
    "Het register staat dit toe. Op welke gronden, staat in het logboek van het register.",
    Checks(True),
    Grounds(authorisation="registry"),
)
"""The verdict at a repository whose registry is in another process: that one's log has what was decided, and why."""


def newest(entries: Iterable[StoredEntry]) -> Found:
    """Of several versions of a document's metadata the newest, which decides; `entries` are oldest first."""
    return Found(list({each.logical_id: each for each in entries}.values()))


async def look_to_retrieve(found: Found, evidence: Evidence, ctx: Context) -> Sight:
    """Take away the entries of documents that the requester may not have; without a requester, none.

    Where a document was registered more than once, all must permit it, so that nobody gets it by registering it as
    their own.
    """
    return await look(found, evidence, ctx, _shown)


def _shown(found: Found, seen: Seen) -> Found:
    refused = {each.unique_id for each in found.entries if not seen(each.entry_uuid)}
    return Found([each for each in found.entries if each.unique_id not in refused])
