"""What the transactions answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xds.errors import Issue
from xds.model.objects import Submission


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """The answer to ITI-41. `status` is "Success" or "Failure"; a Success may have warnings."""

    status: str
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The answer to ITI-18. `status` is "Success", "PartialSuccess" or "Failure".

    `objects` holds what was found; an ObjectRef answer has only `objects.object_refs`.
    """

    status: str
    objects: Submission
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A document as it was received. `hash` is the SHA-1 of the bytes in `path`, lower-case hex."""

    repository_unique_id: str
    unique_id: str
    mime_type: str
    path: Path
    size: int
    hash: str


@dataclass(frozen=True, slots=True)
class RetrieveResult:
    """The answer to ITI-43. `status` is "Success", "PartialSuccess" or "Failure"."""

    status: str
    documents: tuple[Retrieved, ...]
    issues: tuple[Issue, ...]
