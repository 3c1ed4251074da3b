"""Registry objects from XML to the model, with an Issue for each structural mistake.

Source: ebRIM 3.0; ITI TF-3: 4.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from lxml.etree import _Element

from xds import xmlio
from xds.ebrim.vocabulary import (
    ASSOCIATION,
    AUTHOR_SLOTS,
    DOCUMENT_ENTRY,
    FOLDER,
    FOLDER_NODE,
    RIM,
    SUBMISSION_SET,
    SUBMISSION_SET_NODE,
    XML_LANG,
    Kind,
)
from xds.errors import Code, Issue, Severity
from xds.model.coded import Author, Coded, ExtraClassification, ExtraIdentifier, LocalizedString
from xds.model.objects import AnyObject, Association, DocumentEntry, Folder, Status, Submission, SubmissionSet

_SLOT = f"{{{RIM}}}Slot"
_NAME = f"{{{RIM}}}Name"
_DESCRIPTION = f"{{{RIM}}}Description"
_VERSION_INFO = f"{{{RIM}}}VersionInfo"
_CONTENT_VERSION_INFO = f"{{{RIM}}}ContentVersionInfo"
_CLASSIFICATION = f"{{{RIM}}}Classification"
_EXTERNAL_IDENTIFIER = f"{{{RIM}}}ExternalIdentifier"
_EXTRINSIC_OBJECT = f"{{{RIM}}}ExtrinsicObject"
_REGISTRY_PACKAGE = f"{{{RIM}}}RegistryPackage"
_ASSOCIATION = f"{{{RIM}}}Association"
_OBJECT_REF = f"{{{RIM}}}ObjectRef"

_STATUS = {status.urn: status for status in Status}
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
MAX_VALUE = 256
"""Characters in a slot value or identifier: rim:LongName. Source: ebRIM 3.0 (rim.xsd)."""
MAX_TEXT = 1024
"""Characters in a LocalizedString: rim:FreeFormText. Source: ebRIM 3.0 (rim.xsd)."""


def metadata_error(context: str, location: str, section: str = "ITI TF-3: 4.2.3") -> Issue:
    return Issue(Code.XDSRegistryMetadataError, context, location, section=section)


def decode_objects(object_list: _Element) -> tuple[Submission, list[Issue]]:
    """Read a rim:RegistryObjectList. Source: ITI TF-3: 4.2.1."""
    issues: list[Issue] = []
    outside: dict[str, list[_Element]] = {}
    for child in object_list:
        if child.tag == _CLASSIFICATION:
            outside.setdefault(_reference(child.get("classifiedObject", "")), []).append(child)
    found: dict[type, list[AnyObject]] = {DocumentEntry: [], SubmissionSet: [], Folder: [], Association: []}
    refs: list[str] = []
    for child in object_list:
        if child.tag == _OBJECT_REF:
            refs.append(_reference(child.get("id", "")))
        elif child.tag != _CLASSIFICATION:
            item = _decode(child, outside.pop(_reference(child.get("id", "")), ()), issues)
            if item is not None:
                found[type(item)].append(item)
    for classified in outside:
        issues.append(metadata_error("a Classification classifies an object that is not in the submission", classified))
    return Submission(
        tuple(found[SubmissionSet]), tuple(found[DocumentEntry]), tuple(found[Folder]), tuple(found[Association]),
        tuple(refs),
    ), issues  # fmt: skip


def decode_fragment(fragment: bytes) -> AnyObject:
    """Read back one object from what `encode` wrote."""
    root = xmlio.parse(b'<rim:RegistryObjectList xmlns:rim="%s">%s</rim:RegistryObjectList>' % (RIM.encode(), fragment))
    issues: list[Issue] = []
    item = _decode(root[0], (), issues)
    if item is None or issues:
        raise ValueError("not a fragment of ours")
    return item


def _decode(element: _Element, outside: Iterable[_Element], issues: list[Issue]) -> AnyObject | None:
    kind = _kind(element, outside)
    entry_uuid = _reference(element.get("id", ""))
    if kind is None:
        name = element.tag.rpartition("}")[2]
        issues.append(
            metadata_error(
                f"{name} is neither a DocumentEntry, SubmissionSet, Folder nor Association: its classification "
                "node is missing or unknown", entry_uuid, "ITI TF-3: 4.2.1",
            )
        )  # fmt: skip
        return None
    if not entry_uuid:
        issues.append(metadata_error(f"{kind.name} has no id", entry_uuid, "ITI TF-3: 4.2.3.1.3"))
    reading = _Reading(kind, entry_uuid, issues)
    # Slices, here and below: lxml makes all children at once in half the time that it takes to walk over them.
    for child in element[:]:
        reading.take(child)
    for child in outside:
        reading.take(child)
    values = reading.values
    values["entry_uuid"] = entry_uuid
    if lid := element.get("lid"):
        values["logical_id"] = _reference(lid)
    if status := _STATUS.get(element.get("status", "")):
        values["availability_status"] = status
    if home := element.get("home"):
        values["home_community_id"] = home
    if kind is DOCUMENT_ENTRY:
        values["object_type"] = element.get("objectType", "").lower()
        values["mime_type"] = element.get("mimeType") or None
    elif kind is ASSOCIATION:
        values["association_type"] = element.get("associationType", "")
        values["source_object"] = _reference(element.get("sourceObject", ""))
        values["target_object"] = _reference(element.get("targetObject", ""))
    return reading.finish()


def _kind(element: _Element, outside: Iterable[_Element]) -> Kind | None:
    if element.tag == _EXTRINSIC_OBJECT:
        return DOCUMENT_ENTRY
    if element.tag == _ASSOCIATION:
        return ASSOCIATION
    if element.tag != _REGISTRY_PACKAGE:
        return None
    classifications = (*element.iterchildren(_CLASSIFICATION), *outside)
    nodes = {_reference(child.get("classificationNode", "")) for child in classifications}
    is_set, is_folder = SUBMISSION_SET_NODE in nodes, FOLDER_NODE in nodes
    if is_set == is_folder:
        return None
    return SUBMISSION_SET if is_set else FOLDER


def _reference(text: str) -> str:
    """An id as we compare it: UUIDs in lower case. Source: ITI TF-3: 4.2.3.1.3."""
    return text.lower() if text[:9].lower() == "urn:uuid:" else text


def _optional_reference(text: str | None) -> str | None:
    return None if text is None else _reference(text)


def read_slot(element: _Element) -> tuple[str, tuple[str, ...]]:
    """The name and the non-empty values of a rim:Slot, without the blanks around them."""
    return element.get("name", ""), _values(element)


def _values(slot: _Element) -> tuple[str, ...]:
    if len(slot) == 1 and len(slot[0]) == 1:  # as nearly all are, and in half the time
        text = (slot[0][0].text or "").strip()
        return (text,) if text else ()
    return tuple([text for values in slot[:] for value in values[:] if (text := (value.text or "").strip())])


def _localized(element: _Element) -> tuple[LocalizedString, ...]:
    return tuple([LocalizedString(string.get("value", ""), string.get(XML_LANG)) for string in element[:]])


class _Reading:
    """The attributes of one object, while its children go by."""

    def __init__(self, kind: Kind, location: str, issues: list[Issue]):
        self.kind = kind
        self.location = location
        self.issues = issues
        self.values: dict[str, Any] = {}
        self.lists: dict[str, list[Any]] = {}
        self.seen: set[str] = set()

    def take(self, child: _Element) -> None:
        tag = child.tag
        if tag == _CLASSIFICATION:
            self._classification(child)
        elif tag == _SLOT:
            self._slot(child)
        elif tag == _EXTERNAL_IDENTIFIER:
            self._identifier(child)
        elif tag == _NAME:
            self._text("names", "title", child)
        elif tag == _DESCRIPTION:
            self._text("descriptions", "comments", child)
        elif tag == _VERSION_INFO:
            self.values["version"] = child.get("versionName") or None
        elif tag == _CONTENT_VERSION_INFO:
            self._leave_out(["ContentVersionInfo"])
        else:
            self._reject(f"{self.kind.name} contains an unexpected element {tag.rpartition('}')[2]}")

    def finish(self) -> AnyObject:
        lists = {field: tuple(values) for field, values in self.lists.items()}
        return self.kind.type(**self.values, **lists)

    def _add(self, field: str, value: Any) -> None:
        self.lists.setdefault(field, []).append(value)

    def _reject(self, context: str) -> None:
        self.issues.append(metadata_error(context, self.location))

    def _leave_out(self, names: Iterable[str]) -> None:
        """Warn of what the standard gives no meaning and is not stored. Source: ITI TF-3: 4.2.3.1.6."""
        for name in names:
            context = f"{self.kind.name}: {name[:MAX_VALUE]} is not stored"
            self.issues.append(
                Issue(Code.XDSExtraMetadataNotSaved, context, self.location, Severity.WARNING, "ITI TF-3: 4.2.3.1.6")
            )

    def _text(self, field: str, attribute: str, child: _Element) -> None:
        strings = tuple([string for string in _localized(child) if string.value])
        self._check(attribute, (), strings)
        self.values[field] = strings

    def _check(self, attribute: str, texts: Iterable[str], strings: Iterable[LocalizedString]) -> None:
        """Reject what ebRIM has no room for, and would make our answers invalid. Source: ebRIM 3.0 (rim.xsd)."""
        if any(len(text) > MAX_VALUE for text in texts):
            self._reject(f"{self.kind.name}.{attribute} is longer than {MAX_VALUE} characters")
        for string in strings:
            if len(string.value) > MAX_TEXT:
                self._reject(f"{self.kind.name}.{attribute} is longer than {MAX_TEXT} characters")
            if string.lang and not _LANGUAGE.fullmatch(string.lang):
                self._reject(f"{self.kind.name}.{attribute} has an xml:lang that is no language tag")

    def _slot(self, child: _Element) -> None:
        name, values = read_slot(child)
        if name in self.seen:
            self._reject(f"{self.kind.name} has the slot {name[:MAX_VALUE]} more than once")
            return
        self.seen.add(name)
        for value in values:
            if len(value) > MAX_VALUE:
                self._reject(f"{self.kind.name}: a value of the slot {name[:MAX_VALUE]} is longer than {MAX_VALUE}")
        spelling = self.kind.slots.get(name)
        if spelling is None:
            if not name:
                self._reject(f"{self.kind.name} has a slot without a name")
            self._check("slot name", (name,), ())
            self._add("extra_slots", (name, values))
        elif spelling.several:
            self.values[spelling.field] = values
        elif values:
            self.values[spelling.field] = values[0]
            if len(values) > 1:
                self._reject(f"{self.kind.name}.{spelling.attribute} has more than one value")

    def _classification(self, child: _Element) -> None:
        kind = self.kind
        classified = child.get("classifiedObject")
        if classified and _reference(classified) != self.location:
            self._reject(f"{kind.name}: the classifiedObject of a Classification is not the object that contains it")
        node = _optional_reference(child.get("classificationNode"))
        scheme = _optional_reference(child.get("classificationScheme"))
        if node is not None and node == kind.node:
            return
        if node is not None and node == kind.limited_metadata_node:
            self.values["limited_metadata"] = True
        elif scheme is not None and scheme == kind.author_scheme:
            author, unknown = _author(child)
            self._add("authors", author)
            self._leave_out(unknown)
        elif scheme is not None and (spelling := kind.classifications.get(scheme)):
            coded, unknown = _coded(child)
            self._leave_out(unknown)
            if spelling.several:
                self._add(spelling.field, coded)
            elif spelling.field in self.values:
                self._reject(f"{kind.name}.{spelling.attribute} is given more than once")
            else:
                self.values[spelling.field] = coded
        elif scheme is None and node is None:
            self._reject(f"{kind.name} has a Classification without a scheme or node")
        else:
            slots = tuple([read_slot(slot) for slot in child.iterchildren(_SLOT)])
            name = tuple([s for part in child.iterchildren(_NAME) for s in _localized(part)])
            extra = ExtraClassification(scheme, node, child.get("nodeRepresentation"), slots, name)
            texts = [text for slot_name, values in slots for text in (slot_name, *values)]
            self._check("extra classification", (*texts, extra.node_representation or ""), name)
            self._add("extra_classifications", extra)

    def _identifier(self, child: _Element) -> None:
        scheme, value = _reference(child.get("identificationScheme", "")), child.get("value", "").strip()
        owner = child.get("registryObject")
        if owner and _reference(owner) != self.location:
            self._reject(f"{self.kind.name}: the registryObject of an ExternalIdentifier is not the object around it")
        spelling = self.kind.identifiers.get(scheme)
        attribute = spelling.attribute if spelling else "external identifier"
        if len(value) > MAX_VALUE:
            self._reject(f"{self.kind.name}.{attribute} is longer than {MAX_VALUE} characters")
        if spelling is None:
            name = tuple([s for part in child.iterchildren(_NAME) for s in _localized(part)])
            self._check("external identifier", (), name)
            self._add("extra_identifiers", ExtraIdentifier(scheme, value, name))
        elif spelling.field in self.values:
            self._reject(f"{self.kind.name}.{attribute} is given more than once")
        else:
            self.values[spelling.field] = value or None


def _coded(element: _Element) -> tuple[Coded, list[str]]:
    """A code, and the names of the slots that it has besides its scheme."""
    scheme, display, unknown = "", None, []
    for child in element[:]:
        tag = child.tag
        if tag == _SLOT:
            if child.get("name") != "codingScheme":
                unknown.append(child.get("name", ""))
            elif values := _values(child):
                scheme = values[0]
        elif tag == _NAME:
            display = child[0].get("value", "") if len(child) else None
    return Coded(element.get("nodeRepresentation", ""), scheme, display), unknown


def _author(element: _Element) -> tuple[Author, list[str]]:
    """An author, and the names of the slots that the standard gives no meaning."""
    values: dict[str, tuple[str, ...]] = {}
    unknown = []
    for child in element[:]:
        if child.tag == _SLOT:
            field = AUTHOR_SLOTS.get(child.get("name"))
            if field is None:
                unknown.append(child.get("name", ""))
            else:
                values[field] = values.get(field, ()) + _values(child)
    return Author(**values), unknown
