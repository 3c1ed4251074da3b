"""The affinity domain: the value sets that coded attributes are checked against, and the domains of its patients.

Source: ITI TF-1: 10.1.2 and ITI TF-3: 4.2.3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

BSN_OID = "2.16.840.1.113883.2.4.6.3"


@dataclass(frozen=True, slots=True)
class Concept:
    """A code of a value set; `since` and `until` (the first day that it no longer holds) bound its validity."""

    code: str
    scheme: str
    display: str
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class AffinityDomain:
    """Value sets by the attribute's name in the standard ("classCode", "eventCodeList", "mimeType", …).

    An attribute that has no value set here is not checked. The concepts of a value set are keyed by
    (code, scheme); mimeType has the media type as code and "" as scheme. `assigning_authorities` are the bare
    OIDs under which patients may be known; empty means any. `dutch` asks for the Dutch rules on top:
    a BSN passes the 11-proef, an XON has no namespace name.
    """

    value_sets: dict[str, dict[tuple[str, str], Concept]] = field(default_factory=dict)
    assigning_authorities: frozenset[str] = frozenset()
    dutch: bool = False

    def allows(self, attribute: str, code: str, scheme: str, on: date) -> bool:
        """Whether a code may be used for an attribute on a day; True when the attribute has no value set."""
        value_set = self.value_sets.get(attribute)
        if value_set is None:
            return True
        concept = value_set.get((code, scheme))
        if concept is None:
            return False
        return (concept.since is None or concept.since <= on) and (concept.until is None or on < concept.until)
