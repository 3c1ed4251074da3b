"""Pair the documents of a submission with their entries, and judge them together. Pure.

Source: ITI TF-2: 3.41.4.1.2 and 3.41.4.1.3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from msgspec import structs

from xds.errors import Code, Issue
from xds.model.ids import is_symbolic
from xds.model.objects import DocumentEntry, EntryType, Submission
from xds.model.stored import Holding
from xds.ports import Staged

_ERRORS = "ITI TF-3: Table 4.2.4.1-2"
_AT_REPOSITORY = {
    Code.XDSNonIdenticalHash: Code.XDSNonIdenticalHash,
    Code.XDSNonIdenticalSize: Code.XDSNonIdenticalSize,
    Code.XDSRegistryDuplicateUniqueIdInMessage: Code.XDSRepositoryDuplicateUniqueIdInMessage,
}
"""What both actors look for: the registry's code, and the repository's for the same."""


class Provided(NamedTuple):
    """A xdsb:Document: the id of its entry, and what was received; None when its content is broken."""

    entry_id: str
    content: Staged | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A submission whose entries have hash, size and repositoryUniqueId, and its documents as they are to be held.

    `issues` are the repository's own, all of them.
    """

    submission: Submission
    holdings: tuple[Holding, ...]
    issues: tuple[Issue, ...]


def pair(submission: Submission, documents: Sequence[Provided], repository_unique_id: str) -> Receipt:
    """Pair documents with entries and complete the entries. Source: ITI TF-2: 3.41.4.1.3."""
    documents = [Provided(_comparable(entry_id), content) for entry_id, content in documents]
    provided: dict[str, Staged | None] = dict(reversed(documents))
    issues = [*_check_documents(submission, documents), *_check_unique_ids(submission)]
    entries, holdings = [], []
    for entry in submission.entries:
        issues += _check_entry(entry, provided)
        content = provided.get(entry.entry_uuid)
        completed = structs.replace(entry, repository_unique_id=repository_unique_id)
        if content is not None and entry.object_type != EntryType.ON_DEMAND:
            completed = structs.replace(completed, hash=content.hash, size=str(content.size))
            if entry.unique_id:
                mime_type = entry.mime_type or "application/octet-stream"
                holdings.append(Holding(entry.unique_id, content.address, content.hash, content.size, mime_type))
        entries.append(completed)
    return Receipt(structs.replace(submission, entries=tuple(entries)), tuple(holdings), tuple(issues))


def check_identical(submission: Submission, new: Iterable[Holding], held: Iterable[Holding]) -> list[Issue]:
    """What is wrong with documents whose uniqueIds are held already. Source: ITI TF-3: Table 4.2.4.1-2."""
    known = {holding.unique_id: holding for holding in held}
    entry_ids = {entry.unique_id: entry.entry_uuid for entry in submission.entries}
    issues = []
    for document in new:
        old = known.get(document.unique_id)
        if old is None or old.address == document.address:
            continue
        where = entry_ids[document.unique_id]
        context = "a document with this DocumentEntry.uniqueId is held already with another"
        issues.append(Issue(Code.XDSNonIdenticalHash, f"{context} hash", where, section=_ERRORS))
        if old.size != document.size:
            issues.append(Issue(Code.XDSNonIdenticalSize, f"{context} size", where, section=_ERRORS))
    return issues


def seen_here(mistakes: Iterable[Issue]) -> list[Issue]:
    """Mistakes in metadata that showed when the repository read it: the error is then the repository's.

    Source: ITI TF-3: Table 4.2.4.1-2 (XDSRepositoryMetadataError).
    """
    code = {Code.XDSRegistryMetadataError: Code.XDSRepositoryMetadataError}
    return [replace(mistake, code=code.get(mistake.code, mistake.code)) for mistake in mistakes]


def each_once(issues: Iterable[Issue]) -> list[Issue]:
    """The issues of the repository and then the registry, without what the registry says again."""
    seen: set[tuple[str, str]] = set()
    found = []
    for issue in issues:
        again = (_AT_REPOSITORY.get(issue.code), issue.location) in seen
        seen.add((issue.code, issue.location))
        if not again:
            found.append(issue)
    return found


def metadata_error(context: str, location: str, section: str = _ERRORS) -> Issue:
    """An error in metadata that the repository found."""
    return Issue(Code.XDSRepositoryMetadataError, context, location, section=section)


def _comparable(entry_id: str) -> str:
    """An id as entries have it: UUIDs in lower case. Source: ITI TF-3: 4.2.3.1.3."""
    entry_id = entry_id.strip()
    return entry_id if is_symbolic(entry_id) else entry_id.lower()


def _check_documents(submission: Submission, documents: Sequence[Provided]) -> Iterator[Issue]:
    entry_ids = {entry.entry_uuid for entry in submission.entries}
    for entry_id, count in Counter(document.entry_id for document in documents).items():
        if not entry_id:
            yield Issue(Code.XDSMissingDocumentMetadata, "a Document has no id", "", section="ITI TF-2: 3.41.4.1.2")
        elif entry_id not in entry_ids:
            yield Issue(
                Code.XDSMissingDocumentMetadata, "a Document has an id that is not the id of any DocumentEntry",
                entry_id, section=_ERRORS,
            )  # fmt: skip
        if entry_id and count > 1:
            yield metadata_error(f"{count} Documents have the same id", entry_id, "ITI TF-2: 3.41.4.1.2")


def _check_unique_ids(submission: Submission) -> Iterator[Issue]:
    identified = (*submission.submission_sets, *submission.entries, *submission.folders)
    for unique_id, count in Counter(item.unique_id for item in identified if item.unique_id).items():
        if count > 1:
            yield Issue(
                Code.XDSRepositoryDuplicateUniqueIdInMessage, f"{count} objects have the uniqueId {unique_id}",
                unique_id, section=_ERRORS,
            )  # fmt: skip


def _check_entry(entry: DocumentEntry, provided: dict[str, Staged | None]) -> Iterator[Issue]:
    if entry.object_type == EntryType.ON_DEMAND:
        yield metadata_error(
            "an On-Demand DocumentEntry can't be provided with its document", entry.entry_uuid, "ITI TF-3: 4.2.5.2"
        )
        return
    if entry.entry_uuid not in provided:
        yield Issue(
            Code.XDSMissingDocument, "the submission has no Document for this DocumentEntry", entry.entry_uuid,
            section=_ERRORS,
        )  # fmt: skip
        return
    content = provided[entry.entry_uuid]
    if content is None:
        return
    if entry.hash and entry.hash.lower() != content.hash:
        yield metadata_error(
            "DocumentEntry.hash is not the SHA-1 hash of the document", entry.entry_uuid, "ITI TF-3: 4.2.3.2.10"
        )
    if entry.size and (entry.size.lstrip("0") or "0") != str(content.size):
        yield metadata_error(
            f"DocumentEntry.size is not the size of the document, {content.size} bytes", entry.entry_uuid,
            "ITI TF-3: 4.2.3.2.21",
        )  # fmt: skip
