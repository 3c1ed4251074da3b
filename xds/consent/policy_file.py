"""Reading a policy from its TOML file; fixtures/policies/geboortezorg.toml is one, with comments."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from xds.consent.policy import (
    Code,
    DocumentClass,
    Form,
    Level,
    OrganisationCategory,
    Policy,
    Role,
)
from xds.errors import Misconfigured

ALL = "*"

Text = Annotated[str, Meta(min_length=1)]
CodesByScheme = dict[str, list[Text]]


class _Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Unknown keys are mistakes."""


class _Purposes(_Struct):
    treatment: list[Text]
    emergency: list[Text]


class _Emergency(_Struct):
    minutes: Annotated[int, Meta(ge=1)]


class _TreatmentRelation(_Struct):
    published_days: Annotated[int, Meta(ge=0)]


class _DocumentClass(_Struct):
    display: Text
    category: Text
    type_codes: CodesByScheme = {}
    event_codes: CodesByScheme = {}
    class_codes: CodesByScheme = {}
    default: bool = False


class _OrganisationCategory(_Struct):
    display: Text
    kinds: Annotated[list[Text], Meta(min_length=1)]


class _Role(_Struct):
    display: Text
    classes: list[Text]
    involved: bool = False
    emergency: bool = False


class _File(_Struct):
    version: Text
    form: Form
    purposes: _Purposes
    emergency: _Emergency
    treatment_relation: _TreatmentRelation
    data_categories: dict[str, Text]
    document_classes: dict[str, _DocumentClass]
    organisation_categories: dict[str, _OrganisationCategory]
    confidentiality: dict[str, dict[str, Literal["normal", "restricted", "very restricted"]]]
    roles: dict[str, dict[str, _Role]]


def load_policy(path: Path) -> Policy:
    """Read a policy from its file; Misconfigured names the file and the key that is wrong."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path}: the policy can't be read: {error.strerror}") from None
    return read_policy(content, str(path))


def read_policy(content: bytes, file: str) -> Policy:
    """Like `load_policy`, of what was read; Misconfigured names the file and the key that is wrong."""
    try:
        root = tomllib.loads(content.decode("utf-8-sig"))
    except ValueError as error:
        raise Misconfigured(f"{file}: not TOML in UTF-8: {error}") from None
    try:
        found = msgspec.convert(root, _File)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"{file}: {error}") from None
    mistakes = list(_mistakes(found))
    if mistakes:
        raise Misconfigured("\n".join(f"{file}: {mistake}" for mistake in mistakes))
    return _policy(found, content)


def _mistakes(found: _File) -> Iterator[str]:
    for name, each in found.document_classes.items():
        if each.category not in found.data_categories:
            yield f"document_classes.{name}.category: {each.category!r} is not one of data_categories"
    defaults = [name for name, each in found.document_classes.items() if each.default]
    if len(defaults) != 1:
        yield "document_classes: expected default = true at exactly one"
    for attribute in ("type_codes", "event_codes", "class_codes"):
        seen: dict[Code, str] = {}
        for code, name in _codes(found, attribute):
            if seen.setdefault(code, name) != name:
                yield f"document_classes.{name}.{attribute}: {code[0]!r} is of {seen[code]} already"
    for scheme, roles in found.roles.items():
        for code, role in roles.items():
            unknown = set(role.classes) - {ALL, *found.document_classes}
            if unknown:
                yield f"roles.{scheme!r}.{code!r}.classes: no such document class: {', '.join(sorted(unknown))}"
    both = set(found.purposes.treatment) & set(found.purposes.emergency)
    if both:
        yield f"purposes: {', '.join(sorted(both))} can't be of treatment and of emergency"


def _policy(found: _File, content: bytes) -> Policy:
    return Policy(
        version=found.version,
        form=found.form,
        roles={
            (code, scheme): Role(role.display, _classes(role.classes, found), role.involved, role.emergency)
            for scheme, roles in found.roles.items()
            for code, role in roles.items()
        },
        treatment_purposes=frozenset(found.purposes.treatment),
        emergency_purposes=frozenset(found.purposes.emergency),
        emergency_duration=timedelta(minutes=found.emergency.minutes),
        publication_counts=timedelta(days=found.treatment_relation.published_days),
        classes={name: DocumentClass(each.display, each.category) for name, each in found.document_classes.items()},
        default_class=next(name for name, each in found.document_classes.items() if each.default),
        data_categories=found.data_categories,
        organisation_categories={
            code: OrganisationCategory(each.display, frozenset(each.kinds))
            for code, each in found.organisation_categories.items()
        },
        levels={
            (code, scheme): Level[level.upper().replace(" ", "_")]
            for scheme, levels in found.confidentiality.items()
            for code, level in levels.items()
        },
        by_type=dict(_codes(found, "type_codes")),
        by_event=dict(_codes(found, "event_codes")),
        by_class=dict(_codes(found, "class_codes")),
        content=content,
    )


def _classes(names: Iterable[str], found: _File) -> frozenset[str]:
    return frozenset(found.document_classes if ALL in names else names)


def _codes(found: _File, attribute: str) -> Iterator[tuple[Code, str]]:
    for name, each in found.document_classes.items():
        for scheme, codes in getattr(each, attribute).items():
            for code in codes:
                yield (code, scheme), name
