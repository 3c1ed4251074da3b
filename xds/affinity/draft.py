"""An affinity domain while its files are read."""

from __future__ import annotations

from dataclasses import dataclass, field

from xds.errors import Misconfigured
from xds.model.affinity_domain import AffinityDomain, Concept

WITHOUT_SCHEME = frozenset({"mimeType", "languageCode"})
"""Attributes whose values are not codes of a coding scheme; their scheme is ""."""

ATTRIBUTES = WITHOUT_SCHEME | {
    "associationDocumentation",
    "classCode",
    "confidentialityCode",
    "contentTypeCode",
    "eventCodeList",
    "folderCodeList",
    "formatCode",
    "healthcareFacilityTypeCode",
    "practiceSettingCode",
    "typeCode",
}
"""The attributes that can have a value set. folderCodeList is Folder.codeList, by the name that codes.xml gave it."""


@dataclass(slots=True)
class Draft:
    """The value sets of one file, or of several, merged."""

    value_sets: dict[str, dict[tuple[str, str], Concept]] = field(default_factory=dict)
    assigning_authorities: dict[str, str] = field(default_factory=dict)
    dutch: bool | None = None

    def merge(self, other: Draft, file: str) -> None:
        """Add what another file says; Misconfigured where it contradicts what was read before."""
        for attribute, concepts in other.value_sets.items():
            value_set = self.value_sets.setdefault(attribute, {})
            for key, concept in concepts.items():
                if value_set.setdefault(key, concept) != concept:
                    code, scheme = key
                    raise Misconfigured(
                        f"{file}: {attribute}: code {code!r} of scheme {scheme!r} has another display name or validity "
                        "in an earlier file; give it the same, or leave it out of one"
                    )
        for oid, name in other.assigning_authorities.items():
            if self.assigning_authorities.setdefault(oid, name) != name:
                raise Misconfigured(f"{file}: the assigning authority {oid} has another name in an earlier file")
        if other.dutch is not None:
            if self.dutch not in (None, other.dutch):
                raise Misconfigured(f"{file}: dutch: an earlier file says the opposite")
            self.dutch = other.dutch

    def domain(self) -> AffinityDomain:
        """The finished value."""
        return AffinityDomain(self.value_sets, frozenset(self.assigning_authorities), bool(self.dutch))
