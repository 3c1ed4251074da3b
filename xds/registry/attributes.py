"""Which attributes each kind of object must have, and what a valid value is.

Source: ITI TF-3: Tables 4.2.3.2-1, 4.2.3.3-1, 4.2.3.4-1 and 4.2.3.1.7-2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from xds.ebrim.objects import MAX_TEXT, MAX_VALUE, metadata_error
from xds.ebrim.vocabulary import AUTHOR_SLOTS, KINDS, Kind, Spelling
from xds.errors import Issue
from xds.model.affinity_domain import BSN_OID, AffinityDomain
from xds.model.bsn import is_valid_bsn
from xds.model.coded import Author, Coded
from xds.model.hl7 import (
    check_reference_id,
    check_xcn,
    check_xon,
    check_xtn,
    dtm_moment,
    is_oid,
    parse_cx,
)
from xds.model.ids import check_unique_id
from xds.model.objects import AnyObject, Association, DocumentEntry, EntryType, Folder, SubmissionSet

_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_SHA1 = re.compile(r"[0-9A-Fa-f]{40}")
_SIZE = re.compile(r"[0-9]{1,19}")
_MIME = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(\s*;.*)?")
_ENTRY_TYPES = frozenset(EntryType)
MAX_TITLE = 128
"""Characters. Source: ITI TF-3: 4.2.3.2.22."""


def _matches(pattern: re.Pattern[str], expected: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        if pattern.fullmatch(text) is None:
            raise ValueError(expected)

    return check


def _oid(text: str) -> None:
    if not is_oid(text):
        raise ValueError("expected an OID")


def _recipient(text: str) -> None:
    """Source: ITI TF-3: 4.2.3.3.7."""
    organisation, _, rest = text.partition("|")
    person, _, address = rest.partition("|")
    if organisation:
        check_xon(organisation)
    if person:
        check_xcn(person)
    if address:
        check_xtn(address)
    if not organisation and not person and not address:
        raise ValueError("expected XON|XCN|XTN with at least one of them")


def _source_patient_info(text: str) -> None:
    """Source: ITI TF-3: 4.2.3.2.23."""
    field, bar, _ = text.partition("|")
    if not bar or re.fullmatch(r"PID-\d+", field) is None:
        raise ValueError("expected PID-n|value")


CHECKS: dict[str, Callable[[str], object]] = {
    "creation_time": dtm_moment,
    "service_start_time": dtm_moment,
    "service_stop_time": dtm_moment,
    "submission_time": dtm_moment,
    "last_update_time": dtm_moment,
    "hash": _matches(_SHA1, "expected 40 hexadecimal digits (SHA-1)"),
    "size": _matches(_SIZE, "expected a number of bytes"),
    "language_code": _matches(_LANGUAGE, "expected a language tag such as nl-NL (RFC 5646)"),
    "mime_type": _matches(_MIME, "expected a media type such as application/pdf"),
    "legal_authenticator": check_xcn,
    "patient_id": parse_cx,
    "source_patient_id": parse_cx,
    "source_patient_info": _source_patient_info,
    "repository_unique_id": _oid,
    "source_id": _oid,
    "unique_id": check_unique_id,
    "reference_id_list": check_reference_id,
    "intended_recipient": _recipient,
}
_AUTHOR_CHECKS = {"person": check_xcn, "institution": check_xon, "telecommunication": check_xtn}


@dataclass(frozen=True, slots=True)
class Demand:
    """The attributes that must be present: always, only for a stable entry, only when the registry receives it."""

    always: frozenset[str]
    stable: frozenset[str] = frozenset()
    at_registry: frozenset[str] = frozenset()


_CODES_OF_ENTRY = ("class_code", "confidentiality_code", "format_code", "healthcare_facility_type_code",
                   "practice_setting_code", "type_code")  # fmt: skip
DEMANDS: dict[type, Demand] = {
    DocumentEntry: Demand(
        frozenset({*_CODES_OF_ENTRY, "language_code", "mime_type", "patient_id", "source_patient_id", "unique_id"}),
        stable=frozenset({"creation_time"}),
        at_registry=frozenset({"hash", "size", "repository_unique_id"}),
    ),
    SubmissionSet: Demand(frozenset({"content_type_code", "patient_id", "source_id", "submission_time", "unique_id"})),
    Folder: Demand(frozenset({"patient_id", "unique_id"})),
    Association: Demand(frozenset()),
}


@dataclass(frozen=True, slots=True)
class _Rule:
    """What is checked of an attribute that is there: `check` its text, or its codes when `is_coded`."""

    attribute: str
    field: str
    several: bool
    is_coded: bool
    check: Callable[[str], object] | None


def _rules(kind: Kind) -> tuple[_Rule, ...]:
    texts = [*kind.identifiers.values(), *kind.slots.values()]
    if kind.type is DocumentEntry:
        texts.append(Spelling("mimeType", "mime_type"))
    codes = kind.classifications.values()
    checks = CHECKS if kind.type is DocumentEntry else CHECKS | {"unique_id": _oid}
    return (
        *(_Rule(each.attribute, each.field, each.several, False, checks.get(each.field)) for each in texts),
        *(_Rule(each.attribute, each.field, each.several, True, None) for each in codes),
    )


_RULES = {kind.type: _rules(kind) for kind in KINDS.values()}


def check_attributes(item: AnyObject, domain: AffinityDomain, today: date, *, at_registry: bool) -> Iterator[Issue]:
    """Every attribute of one object that is missing, malformed or has a code outside its value set."""
    kind = KINDS[type(item)]
    if kind.type is DocumentEntry:
        yield from _check_entry(item, domain, today, at_registry)
    stable = kind.type is DocumentEntry and item.object_type != EntryType.ON_DEMAND
    required = _required(kind.type, stable, at_registry)
    for rule in _RULES[kind.type]:
        value = getattr(item, rule.field)
        if not value:
            if rule.field in required:
                yield _wrong(item, rule.attribute, "is missing")
        elif rule.is_coded:
            value_set = "folderCodeList" if kind.type is Folder else rule.attribute
            for coded in value if rule.several else (value,):
                for what, section in _code_problems(coded, value_set, domain, today):
                    yield _wrong(item, rule.attribute, what, section)
        elif rule.check is not None:
            for text in value if rule.several else (value,):
                if problem := _problem(rule.check, text):
                    yield _wrong(item, rule.attribute, problem)
    if kind.author_scheme:
        for author in item.authors:
            for attribute, what in _author_problems(author, domain.dutch):
                yield _wrong(item, attribute, what, "ITI TF-3: 4.2.3.1.4")
    if domain.dutch and kind.identifiers:
        yield from _check_bsn(item)


@lru_cache
def _required(kind: type, stable: bool, at_registry: bool) -> frozenset[str]:
    """What the object must have; to be marked as limited relaxes nothing in a registry. Source: ITI TF-3: 4.2.3."""
    demand = DEMANDS[kind]
    required = demand.always
    if stable:
        required = required | demand.stable | (demand.at_registry if at_registry else frozenset())
    elif at_registry and demand.at_registry:
        required = required | {"repository_unique_id"}
    return required


def _problem(check: Callable[[str], object], text: str) -> str | None:
    try:
        check(text)
    except ValueError as error:
        return f"is not valid: {error}"
    return None


def _wrong(item: AnyObject, attribute: str, what: str, section: str = "ITI TF-3: 4.2.3") -> Issue:
    return metadata_error(f"{type(item).__name__}.{attribute} {what}", item.entry_uuid, section)


def _code_problems(coded: Coded, value_set: str, domain: AffinityDomain, today: date) -> Sequence[tuple[str, str]]:
    """What is wrong with a code, each with its source."""
    section = "ITI TF-3: 4.2.3.1.2"
    if not coded.code:
        return [("has no code (nodeRepresentation)", section)]
    if not coded.scheme:
        return [("has no codingScheme", section)]
    problems = []
    if len(coded.code) > MAX_VALUE or len(coded.scheme) > MAX_VALUE:
        problems.append((f"has a code or a codingScheme longer than {MAX_VALUE} characters", "ebRIM 3.0: LongName"))
    if coded.display is None:
        problems.append(("has no display name", section))
    elif len(coded.display) > MAX_TEXT:
        problems.append((f"has a display name longer than {MAX_TEXT} characters", "ebRIM 3.0: FreeFormText"))
    if not domain.allows(value_set, coded.code, coded.scheme, today):
        what = f"{coded.code[:64]} of {coded.scheme[:64]} is not in the affinity domain's value set"
        problems.append((what, "ITI TF-3: 4.2.3.1"))
    return problems


def _check_entry(entry: DocumentEntry, domain: AffinityDomain, today: date, at_registry: bool) -> Iterator[Issue]:
    if entry.object_type not in _ENTRY_TYPES:
        yield _wrong(entry, "objectType", "is neither a stable nor an on-demand document entry", "ITI TF-3: 4.2.5.2")
    if entry.object_type == EntryType.ON_DEMAND:
        for attribute in ("creation_time", "hash", "size"):
            if getattr(entry, attribute):
                yield _wrong(entry, attribute, "is not allowed on an on-demand entry", "ITI TF-3: Table 4.2.3.2-1")
    if entry.title and len(entry.title) > MAX_TITLE:
        yield _wrong(entry, "title", f"is longer than {MAX_TITLE} characters", "ITI TF-3: 4.2.3.2.22")
    if entry.mime_type and len(entry.mime_type) > MAX_VALUE:
        yield _wrong(entry, "mimeType", f"is longer than {MAX_VALUE} characters", "ebRIM 3.0: LongName")
    if entry.mime_type and not domain.allows("mimeType", entry.mime_type, "", today):
        yield _wrong(entry, "mimeType", f"{entry.mime_type[:64]} is not in the affinity domain's value set")
    languages = domain.value_sets.get("languageCode")
    if entry.language_code and languages and all(code != entry.language_code for code, _ in languages):
        yield _wrong(entry, "languageCode", "is not in the affinity domain's value set")
    if entry.service_start_time and entry.service_stop_time:
        try:
            reversed_ = dtm_moment(entry.service_start_time) > dtm_moment(entry.service_stop_time)
        except ValueError:
            return
        if reversed_:
            yield _wrong(entry, "serviceStartTime", "is after serviceStopTime", "ITI TF-3: 4.2.3.2.19")


@lru_cache(maxsize=4096)  # few authors submit many documents
def _author_problems(author: Author, dutch: bool) -> tuple[tuple[str, str], ...]:
    """What is wrong with an author, each with the attribute. Source: ITI TF-3: 4.2.3.1.4."""
    problems = []
    if not (author.person or author.institution or author.role or author.specialty or author.telecommunication):
        problems.append(("author", "is empty"))
    for field in AUTHOR_SLOTS.values():
        check = _AUTHOR_CHECKS.get(field)
        for text in getattr(author, field):
            if len(text) > MAX_VALUE:
                problems.append((f"author.{field}", f"is longer than {MAX_VALUE} characters"))
            elif check is not None and (problem := _problem(check, text)):
                problems.append((f"author.{field}", problem))
    if dutch:
        for text in author.institution:
            authority = (text.split("^") + [""] * 6)[5]
            if authority and not authority.startswith("&"):
                problems.append(("author.institution", "must not have a namespace name in component 6"))
    return tuple(problems)


def _check_bsn(item: DocumentEntry | SubmissionSet | Folder) -> Iterator[Issue]:
    given = {"patientId": item.patient_id}
    if isinstance(item, DocumentEntry):
        given["sourcePatientId"] = item.source_patient_id
    for attribute, text in given.items():
        try:
            cx = parse_cx(text or "")
        except ValueError:
            continue
        if cx.authority == BSN_OID and not is_valid_bsn(cx.number):
            yield _wrong(item, attribute, "is no BSN: it fails the 11-proef", "Besluit BSN: 11-proef")
