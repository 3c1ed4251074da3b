"""A stored query as a declaration: its parameters, read and checked in one place, and what it answers.

Source: ITI TF-2: 3.18.4.1.2.3.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from xds.errors import Code, Issue
from xds.model.hl7 import dtm_moment
from xds.model.objects import EntryType, Status
from xds.model.stored import Found
from xds.ports import Reader

_STATUS = {status.urn: status for status in Status}
_TYPES = {entry_type.value: entry_type for entry_type in EntryType}


def text(value: str) -> str:
    """A value as it is."""
    return value


def reference(value: str) -> str:
    """An entryUUID; UUIDs compare in lower case."""
    return value.lower() if value[:9].lower() == "urn:uuid:" else value


def code(value: str) -> tuple[str, str]:
    """code^^scheme. Source: ITI TF-2: 3.18.4.1.2.3.4."""
    parts = value.split("^")
    if len(parts) != 3 or not parts[0] or parts[1] or not parts[2]:
        raise ValueError("expected code^^codingScheme")
    return parts[0], parts[2]


def status(value: str) -> Status | None:
    """An availabilityStatus; None for one that no object here has."""
    if not value.startswith("urn:oasis:names:tc:ebxml-regrep:StatusType:"):
        raise ValueError("expected urn:oasis:names:tc:ebxml-regrep:StatusType:…")
    return _STATUS.get(value)


def entry_type(value: str) -> EntryType:
    """The objectType of document entries."""
    found = _TYPES.get(value.lower())
    if found is None:
        raise ValueError("expected the UUID of stable or on-demand document entries")
    return found


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name in the standard, our field, and how a value reads.

    `several` allows a list of values, which are alternatives; `all_of` also allows the parameter itself to be
    repeated, and every repetition must match. Source: ITI TF-2: 3.18.4.1.2.3.5.
    """

    name: str
    field: str
    read: Callable[[str], Any] = text
    several: bool = True
    all_of: bool = False
    required: bool = False


@dataclass(frozen=True)
class StoredQuery:
    """A stored query. `one_of` are groups of parameters of which exactly one must be given.

    `answer` gets the values by field (a tuple, or one value where `several` is False), the index, and the greatest
    number of objects that it need return of each kind.
    """

    id: str
    name: str
    section: str
    parameters: tuple[Parameter, ...]
    answer: Callable[[dict[str, Any], Reader, int], Found]
    one_of: tuple[tuple[str, ...], ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Parameter]:
        return {parameter.name: parameter for parameter in self.parameters}

    @cached_property
    def required(self) -> list[str]:
        return [parameter.name for parameter in self.parameters if parameter.required]


def read_parameters(
    query: StoredQuery, given: Mapping[str, list[list[str]]], unreadable: Collection[str] = ()
) -> tuple[dict[str, Any], list[Issue]]:
    """The values by field, and every mistake in them. Parameters that the query doesn't have are ignored.

    `unreadable` are the names of those whose values were given, but not coded well: nothing is said of them here.
    """
    values: dict[str, Any] = {}
    issues: list[Issue] = []

    def wrong(code: Code, name: str, what: str) -> None:
        issues.append(Issue(code, f"{query.name}: {name} {what}", name, section=query.section))

    for name, groups in given.items():
        parameter = query.by_name.get(name)
        groups = [group for group in groups if group]
        if parameter is None or not groups or name in unreadable:
            continue
        if len(groups) > 1 and not parameter.all_of:
            wrong(Code.XDSStoredQueryParamNumber, name, "may be given once only")
        elif len(groups[0]) > 1 and not parameter.several:
            wrong(Code.XDSStoredQueryParamNumber, name, "takes a single value")
        else:
            try:
                read = tuple([tuple([parameter.read(value) for value in group]) for group in groups])
            except ValueError as error:
                wrong(Code.XDSRegistryError, name, f"is not valid: {error}")
            else:
                values[parameter.field] = read if parameter.all_of else read[0] if parameter.several else read[0][0]
    for name in query.required:
        if name not in unreadable and not any(given.get(name, ())):
            wrong(Code.XDSStoredQueryMissingParam, name, "is missing")
    for group in query.one_of:
        present = [name for name in group if name in unreadable or any(given.get(name, ()))]
        if not present:
            wrong(Code.XDSStoredQueryMissingParam, " or ".join(group), "is missing")
        elif len(present) > 1:
            wrong(Code.XDSStoredQueryParamNumber, " and ".join(present), "may not be given together")
    return values, issues


PATIENT_ENTRY = Parameter("$XDSDocumentEntryPatientId", "patient", several=False, required=True)
ENTRY_STATUS = Parameter("$XDSDocumentEntryStatus", "statuses", status, required=True)
ENTRY_TYPE = Parameter("$XDSDocumentEntryType", "types", entry_type)
FORMAT_CODE = Parameter("$XDSDocumentEntryFormatCode", "format_codes", code)
CONFIDENTIALITY_CODE = Parameter("$XDSDocumentEntryConfidentialityCode", "confidentiality_codes", code, all_of=True)
ENTRY_UUID = Parameter("$XDSDocumentEntryEntryUUID", "uuids", reference)
ENTRY_UNIQUE_ID = Parameter("$XDSDocumentEntryUniqueId", "unique_ids")
ENTRY_LOGICAL_ID = Parameter("$XDSDocumentEntryLogicalID", "logical_ids", reference)
FOLDER_UUID = Parameter("$XDSFolderEntryUUID", "uuids", reference)
FOLDER_UNIQUE_ID = Parameter("$XDSFolderUniqueId", "unique_ids")
FOLDER_LOGICAL_ID = Parameter("$XDSFolderLogicalID", "logical_ids", reference)
HOME = Parameter("$homeCommunityId", "home", several=False)
"""Checked beside AdhocQuery.home; a query is not given it."""


def one(parameter: Parameter) -> Parameter:
    """The same parameter where the query takes a single value."""
    return Parameter(parameter.name, parameter.field, parameter.read, several=False, required=parameter.required)


def times(name: str, field: str) -> tuple[Parameter, Parameter]:
    """$…From and $…To of one time: from ≤ value < to."""
    return (
        Parameter(f"{name}From", f"{field}_from", dtm_moment, several=False),
        Parameter(f"{name}To", f"{field}_to", dtm_moment, several=False),
    )


ENTRY_FILTERS = (
    ENTRY_TYPE,
    Parameter("$XDSDocumentEntryClassCode", "class_codes", code),
    Parameter("$XDSDocumentEntryTypeCode", "type_codes", code),
    Parameter("$XDSDocumentEntryPracticeSettingCode", "practice_setting_codes", code),
    Parameter("$XDSDocumentEntryHealthcareFacilityTypeCode", "healthcare_facility_type_codes", code),
    Parameter("$XDSDocumentEntryEventCodeList", "event_codes", code, all_of=True),
    CONFIDENTIALITY_CODE,
    FORMAT_CODE,
    Parameter("$XDSDocumentEntryAuthorPerson", "author_persons"),
    *times("$XDSDocumentEntryCreationTime", "creation_time"),
    *times("$XDSDocumentEntryServiceStartTime", "service_start_time"),
    *times("$XDSDocumentEntryServiceStopTime", "service_stop_time"),
)
"""The filters of FindDocuments. Source: ITI TF-2: 3.18.4.1.2.3.7.1."""


def discover_queries() -> dict[str, StoredQuery]:
    """The QUERY of every module of registry.queries, by id."""
    package = importlib.import_module("xds.registry.queries")
    queries = [
        importlib.import_module(f"{package.__name__}.{module.name}").QUERY
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.startswith("_")
    ]
    return {query.id: query for query in queries}
