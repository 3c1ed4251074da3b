"""The deployment's rules: roles, classes of documents, categories, and what is confidential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import NamedTuple

from xds.model.consent import Candidate

Code = tuple[str, str]
"""(code, scheme)."""

_REMEMBERED = 4096


class Form(StrEnum):
    """What a permit must say at least. GENERIC: for all organisations; SPECIFIED: which categories of them may see.

    Source: Wabvpz 15a(1) and 15a(2).
    """

    GENERIC = "generic"
    SPECIFIED = "specified"


class Level(IntEnum):
    """How confidential a document is. Source: HL7 v3 Confidentiality 2.16.840.1.113883.5.25 (N, R, V)."""

    NORMAL = 0
    RESTRICTED = 1
    VERY_RESTRICTED = 2


@dataclass(frozen=True, slots=True)
class Role:
    """What a role may do. `involved`: it takes part in the treatment itself, and may see what is restricted."""

    display: str
    classes: frozenset[str]
    involved: bool
    emergency: bool


@dataclass(frozen=True, slots=True)
class DocumentClass:
    """A row of the authorisation matrix, with the category of data that its documents are of."""

    display: str
    category: str


@dataclass(frozen=True, slots=True)
class OrganisationCategory:
    """Kinds of organisations that a client can speak of together."""

    display: str
    kinds: frozenset[str]


class Bearing(NamedTuple):
    """What the rules make of a document: all of it that bears on who may see it."""

    holders: tuple[str, ...]
    kind: str | None
    classes: tuple[str, ...]
    level: Level


@dataclass(frozen=True)
class Policy:
    """One version of the rules.

    `by_type`, `by_event` and `by_class` give the document class of a code; the first of them that knows a document
    decides, else `default_class`. `content` is that of the file.
    """

    version: str
    form: Form
    roles: Mapping[Code, Role]
    treatment_purposes: frozenset[str]
    emergency_purposes: frozenset[str]
    emergency_duration: timedelta
    publication_counts: timedelta
    classes: Mapping[str, DocumentClass]
    default_class: str
    data_categories: Mapping[str, str]
    organisation_categories: Mapping[str, OrganisationCategory]
    levels: Mapping[Code, Level]
    by_type: Mapping[Code, str] = field(default_factory=dict)
    by_event: Mapping[Code, str] = field(default_factory=dict)
    by_class: Mapping[Code, str] = field(default_factory=dict)
    content: bytes = field(default=b"", repr=False)

    def classes_of(self, candidate: Candidate) -> tuple[str, ...]:
        """The classes of a document; more than one when its event codes are of several."""
        if candidate.type_code in self.by_type:
            return (self.by_type[candidate.type_code],)
        events = {self.by_event[code] for code in candidate.event_codes if code in self.by_event}
        if events:
            return tuple(sorted(events))
        if candidate.class_code in self.by_class:
            return (self.by_class[candidate.class_code],)
        return (self.default_class,)

    def level_of(self, candidate: Candidate) -> Level:
        """The strictest level of a document's codes; a code without a level counts as the strictest."""
        found = [self.levels.get(code, Level.VERY_RESTRICTED) for code in candidate.confidentiality_codes]
        return max(found, default=Level.VERY_RESTRICTED)

    def bearing_of(self, candidate: Candidate) -> Bearing:
        """What these rules make of a document; the same object for those that are alike to them, mostly.

        A candidate is known by its identity, which is sooner than by what is in it.
        """
        known = self._bearings.get(id(candidate))
        if known is not None:
            return known[1]
        bearing = Bearing(candidate.holders, candidate.kind, self.classes_of(candidate), self.level_of(candidate))
        if len(self._bearings) >= _REMEMBERED:
            self._bearings.clear()
            self._alike.clear()
        bearing = self._alike.setdefault(bearing, bearing)
        self._bearings[id(candidate)] = candidate, bearing
        return bearing

    def categories_of(self, kind: str | None) -> tuple[str, ...]:
        """The categories of a kind of organisation, the narrowest first."""
        return self._categories_by_kind.get(kind, ())

    @cached_property
    def _bearings(self) -> dict[int, tuple[Candidate, Bearing]]:
        """By the candidate's id, which is no other's as long as the candidate is held here."""
        return {}

    @cached_property
    def _alike(self) -> dict[Bearing, Bearing]:
        return {}

    @cached_property
    def _categories_by_kind(self) -> dict[str | None, tuple[str, ...]]:
        narrow_first = sorted(self.organisation_categories.items(), key=lambda item: (len(item[1].kinds), item[0]))
        found: dict[str | None, list[str]] = {}
        for code, category in narrow_first:
            for kind in category.kinds:
                found.setdefault(kind, []).append(code)
        return {kind: tuple(codes) for kind, codes in found.items()}
