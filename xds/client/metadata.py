"""Attributes as a person writes them: TOML, or the options of a command; into the model.

    [submission_set]
    source_id = "1.2.3"
    content_type_code = "code^display name^scheme"

    [document]                        # holds for every document
    class_code = "code^display name^scheme"
    confidentiality_code = ["N^normal^2.16.840.1.113883.5.25"]
    authors = [{ person = ["^Jansen^Anna"], institution = ["Praktijk^^^^^&1.2.3&ISO^^^^4"] }]

    [files."echo.pdf"]                # holds for this file, and goes before
    title = "Echo"

The names are those of the model; `title` and `comments` stand for the first of names and descriptions.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xds.errors import Misconfigured
from xds.model.coded import Author, Coded, LocalizedString
from xds.model.objects import DocumentEntry, SubmissionSet

Table = Mapping[str, Any]

_TABLES = ("submission_set", "document", "files")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file of metadata says: attributes by name, not yet converted."""

    submission_set: Table = field(default_factory=dict)
    document: Table = field(default_factory=dict)
    files: Mapping[str, Table] = field(default_factory=dict)

    def entry(self, file: str, options: Table) -> DocumentEntry:
        """The entry of a file, by its name without folders; `options` go before what is written here."""
        own = self.files.get(file, {})
        table = {**self.document, **own, **options}
        return DocumentEntry(entry_uuid="", **_converted(f'files."{file}"' if own else "document", table, _ENTRY))

    def submitted_as(self, options: Table) -> SubmissionSet:
        """The submission set; `options` go before what is written here."""
        return SubmissionSet(entry_uuid="", **_converted("submission_set", {**self.submission_set, **options}, _SET))


def read_metadata(path: Path) -> Metadata:
    """Read a file of metadata; Misconfigured says what is wrong with it."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Misconfigured(f"the metadata file {path} can't be read: {error.strerror}") from None
    except ValueError as error:
        raise Misconfigured(f"the metadata file {path} is not TOML: {error}") from None
    wrong = [name for name, table in tables.items() if name not in _TABLES or not isinstance(table, dict)]
    if not wrong:
        wrong = [f'files."{name}"' for name, table in tables.get("files", {}).items() if not isinstance(table, dict)]
    if wrong:
        raise Misconfigured(f"{wrong[0]}: expected the tables submission_set, document and files.NAME")
    return Metadata(**tables)


def read_coded(text: object) -> Coded:
    """Read "code^display name^scheme"; "code^^scheme" has no display name. ValueError says what is expected."""
    parts = text.split("^") if isinstance(text, str) else []
    if len(parts) != 3 or not parts[0] or not parts[2]:
        raise ValueError('expected "code^display name^scheme"')
    return Coded(parts[0], parts[2], parts[1] or None)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("expected a text")
    return value


def _several(read: Callable[[object], Any]) -> Callable[[object], tuple[Any, ...]]:
    return lambda value: tuple(read(item) for item in (value if isinstance(value, list | tuple) else [value]))


def _localized(value: object) -> tuple[LocalizedString, ...]:
    return (LocalizedString(_text(value)),)


def _author(value: object) -> Author:
    if not isinstance(value, dict):
        raise ValueError("expected tables with person, institution, role, specialty, telecommunication")
    return Author(**_converted("authors", value, _AUTHOR))


_AUTHOR = dict.fromkeys(("person", "institution", "role", "specialty", "telecommunication"), _several(_text))
_SET = {
    "title": _localized,
    "comments": _localized,
    "authors": _several(_author),
    "content_type_code": read_coded,
    "intended_recipient": _several(_text),
    "patient_id": _text,
    "source_id": _text,
    "submission_time": _text,
    "unique_id": _text,
}
_ENTRY = {
    "title": _localized,
    "comments": _localized,
    "authors": _several(_author),
    **dict.fromkeys(
        (
            "class_code",
            "type_code",
            "format_code",
            "practice_setting_code",
            "healthcare_facility_type_code",
        ),
        read_coded,
    ),
    "confidentiality_code": _several(read_coded),
    "event_code_list": _several(read_coded),
    **dict.fromkeys(
        (
            "creation_time",
            "language_code",
            "legal_authenticator",
            "mime_type",
            "service_start_time",
            "service_stop_time",
            "source_patient_id",
            "unique_id",
        ),
        _text,
    ),
    "reference_id_list": _several(_text),
    "source_patient_info": _several(_text),
}
_FIELDS = {"title": "names", "comments": "descriptions"}


def _converted(place: str, table: Table, readers: Mapping[str, Callable[[object], Any]]) -> dict[str, Any]:
    values = {}
    for name, value in table.items():
        if name not in readers:
            near = difflib.get_close_matches(name, readers, 1)
            raise Misconfigured(
                f"{place}.{name}: no such attribute; "
                + (f"did you mean {near[0]}?" if near else f"expected one of {', '.join(readers)}")
            )
        try:
            values[_FIELDS.get(name, name)] = readers[name](value)
        except ValueError as error:
            raise Misconfigured(f"{place}.{name}: {error}") from None
    return values
