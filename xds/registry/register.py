"""Register a submission: judge it by itself, look once, judge it in context, write once.

Source: ITI TF-2: 3.42.4.1.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xds.consent.change import published
from xds.ebrim.encode import encode
from xds.ebrim.fragment import pack
from xds.ebrim.response import FAILURE, status_of
from xds.errors import Issue
from xds.model.audit import Entry
from xds.model.consent import holders_of
from xds.model.objects import AnyObject, Submission
from xds.model.stored import Holding
from xds.ports import Writer
from xds.registry.context import check_context
from xds.registry.known import look_up
from xds.registry.plan import assign, plan
from xds.registry.rules import check_submission
from xds.registry.structure import objects
from xds.transaction import Registry


def _packed(items: Iterable[AnyObject]) -> list[tuple[AnyObject, bytes]]:
    return [(item, pack(encode(item))) for item in items]


async def register(
    registry: Registry,
    submission: Submission,
    issues: Sequence[Issue],
    held: Sequence[Holding] = (),
    *,
    at_registry: bool = True,
    entries: Sequence[Entry] = (),
) -> list[Issue]:
    """Register a submission with the log's records of it, or change nothing and return every issue.

    `issues` were found already by whoever read the message; with an Error among them nothing is written, and the
    registry's own are added. `at_registry` as in `check_submission`. Unavailable when the database is.
    """
    now = registry.now()
    found = [*issues, *check_submission(submission, registry.affinity_domain(), now.date(), at_registry=at_registry)]
    if status_of(found) == FAILURE:
        known = await registry.index.read(lambda reader: look_up(reader, submission))
        return [*found, *check_context(submission, known, found)]
    final = assign(submission, now, registry.home_community_id)
    packed = _packed(objects(final))

    def change(writer: Writer) -> list[Issue]:
        # Judged as it was sent, so that what is wrong is told of the ids that the sender knows.
        known = look_up(writer, submission)
        broken = check_context(submission, known)
        if broken or known.patient is None:
            return broken
        planned = plan(final, known, now, registry.home_community_id)
        writer.insert(packed + _packed(planned.new), known.patient)
        writer.replace(_packed(planned.changed))
        writer.hold(held)
        published(
            writer.consents, known.patient, holders_of(each for entry in final.entries for each in entry.authors), now
        )
        writer.record(entries)
        return []

    return [*found, *await registry.index.write(change)]


class LocalRegistrar:
    """The registry in the same process: registration and holdings are one SQL transaction."""

    def __init__(self, registry: Registry):
        self._registry = registry

    async def register(
        self,
        submission: Submission,
        held: Sequence[Holding],
        already: Sequence[Issue] = (),
        entries: Sequence[Entry] = (),
        assertion: bytes | None = None,
    ) -> list[Issue]:
        """Register a submission and record its documents, or neither."""
        # A repository that found errors may not have got the documents whose hash and size it sets.
        complete = status_of(already) != FAILURE
        return await register(self._registry, submission, already, held, at_registry=complete, entries=entries)
