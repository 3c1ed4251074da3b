"""Our own form of an affinity domain file.

    dutch = true                                        # optional

    [assigning_authorities]
    "2.16.840.1.113883.2.4.6.3" = "BSN"                 # a bare OID and a name for it

    [value_sets.classCode."2.16.840.1.113883.6.96"]     # an attribute, and a coding scheme
    "9491000146107" = "Beeldvormend onderzoek"          # a code and its display name
    "371531000" = { display = "Verslag", since = 2020-01-01, until = 2026-01-01 }

    [value_sets.mimeType]                               # mimeType and languageCode have no coding scheme
    "application/pdf" = "PDF"

`since` is the first day that a code may be used, `until` the first day that it may not any more.
"""

from __future__ import annotations

import tomllib
from datetime import date, datetime

from xds.affinity.draft import ATTRIBUTES, WITHOUT_SCHEME, Draft
from xds.errors import Misconfigured
from xds.model.affinity_domain import Concept
from xds.model.hl7 import is_oid

_KEYS = {"assigning_authorities", "dutch", "value_sets"}
_CONCEPT_KEYS = {"display", "since", "until"}


def read_toml(content: bytes, file: str) -> Draft:
    """Read one file; Misconfigured names the key, or the line when it is no TOML."""
    try:
        root = tomllib.loads(content.decode("utf-8-sig"))
    except ValueError as error:
        raise Misconfigured(f"{file}: not TOML in UTF-8: {error}") from None
    _only(root, _KEYS, file, "the file")
    dutch = root.get("dutch")
    if dutch is not None and not isinstance(dutch, bool):
        raise Misconfigured(f"{file}: dutch: expected true or false")
    draft = Draft(dutch=dutch)
    for oid, name in _table(root.get("assigning_authorities", {}), file, "assigning_authorities").items():
        if not is_oid(oid) or not isinstance(name, str):
            raise Misconfigured(f"{file}: assigning_authorities.{oid!r}: expected a bare OID in quotes = a name")
        draft.assigning_authorities[oid] = name
    for attribute, value_set in _table(root.get("value_sets", {}), file, "value_sets").items():
        where = f"value_sets.{attribute}"
        if attribute not in ATTRIBUTES:
            raise Misconfigured(f"{file}: {where}: no such attribute; expected one of {', '.join(sorted(ATTRIBUTES))}")
        draft.value_sets[attribute] = _value_set(attribute, _table(value_set, file, where), file, where)
    return draft


def _value_set(attribute: str, table: dict, file: str, where: str) -> dict[tuple[str, str], Concept]:
    schemes = {"": table} if attribute in WITHOUT_SCHEME else table
    concepts = {}
    for scheme, codes in schemes.items():
        place = f"{where}.{scheme!r}" if scheme else where
        if not isinstance(codes, dict) or (attribute not in WITHOUT_SCHEME and not scheme.strip()):
            raise Misconfigured(f'{file}: {place}: expected a coding scheme: [{where}."OID"] and codes below it')
        for code, meaning in codes.items():
            concepts[code, scheme] = _concept(code, scheme, meaning, file, f"{place}.{code!r}")
    if not concepts:
        raise Misconfigured(f"{file}: {where}: no codes; leave the table out when any code is allowed")
    return concepts


def _concept(code: str, scheme: str, meaning: object, file: str, where: str) -> Concept:
    if not code or code.strip() != code:
        raise Misconfigured(f"{file}: {where}: a code is not empty and has no blanks around it")
    if isinstance(meaning, str):
        return Concept(code, scheme, meaning)
    if not isinstance(meaning, dict) or not isinstance(meaning.get("display"), str):
        raise Misconfigured(f'{file}: {where}: expected a display name, or {{ display = "…", since = …, until = … }}')
    _only(meaning, _CONCEPT_KEYS, file, where)
    since, until = (_day(meaning.get(key), file, f"{where}.{key}") for key in ("since", "until"))
    if since is not None and until is not None and since >= until:
        raise Misconfigured(f"{file}: {where}: since must be before until")
    return Concept(code, scheme, meaning["display"], since, until)


def _day(value: object, file: str, where: str) -> date | None:
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    raise Misconfigured(f"{file}: {where}: expected a date, like 2026-01-31, without quotes")


def _table(value: object, file: str, where: str) -> dict:
    if not isinstance(value, dict):
        raise Misconfigured(f"{file}: {where}: expected a table")
    return value


def _only(table: dict, keys: set[str], file: str, where: str) -> None:
    for key in table:
        if key not in keys:
            raise Misconfigured(f"{file}: {key!r} is unknown in {where}; expected {', '.join(sorted(keys))}")
