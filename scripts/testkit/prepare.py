"""Prepare a request from the testkit's metadata: ids, patients, and ebRIM 2.1 turned into 3.0."""

from __future__ import annotations

import copy
import itertools
import time
import uuid
from dataclasses import dataclass, field

from lxml import etree

RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
LCM = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
UNIQUE_IDS = {
    "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab",
    "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8",
    "urn:uuid:75df8f67-9973-4fbe-a900-df66cefecc5a",
}
PATIENT_IDS = {
    "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427",
    "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446",
    "urn:uuid:f64ffdf0-4b97-4e06-b79f-a52b38ec2f8a",
}
SOURCE_ID = "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832"
OUR_SOURCE = "1.3.6.1.4.1.21367.4"
OBJECTS = ("ExtrinsicObject", "RegistryPackage", "Association")
ORDER = {name: place for place, name in enumerate(
    ("Slot", "Name", "Description", "VersionInfo", "Classification", "ExternalIdentifier"))}  # fmt: skip
STATUS = "urn:oasis:names:tc:ebxml-regrep:StatusType:"
HAS_MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
_counter = itertools.count(int(time.time() * 1000) % 10**9)


@dataclass
class Assigned:
    """What a submission was given, by the symbolic id of its objects."""

    uids: dict[str, str] = field(default_factory=dict)
    uuids: dict[str, str] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)


def local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def fresh_uid() -> str:
    return f"1.2.42.20260101.{next(_counter)}"


def replace_texts(root: etree._Element, values: dict[str, str]) -> None:
    """Put values for symbols in every attribute and text."""
    for element in root.iter():
        for name, text in element.attrib.items():
            element.set(name, _replaced(text, values))
        if element.text:
            element.text = _replaced(element.text, values)


def _replaced(text: str, values: dict[str, str]) -> str:
    for symbol, value in values.items():
        if symbol and symbol in text:
            text = text.replace(symbol, value)
    return text


def to_version_3(root: etree._Element) -> etree._Element:
    """A SubmitObjectsRequest in ebRIM 3.0, from 2.1 or 3.0; other documents as they are."""
    found = root if local(root) in ("SubmitObjectsRequest",) else None
    found = next((each for each in root.iter() if local(each) == "SubmitObjectsRequest"), found)
    if found is None:
        return root
    request = etree.Element(f"{{{LCM}}}SubmitObjectsRequest", nsmap={"lcm": LCM, "rim": RIM})
    listed = etree.SubElement(request, f"{{{RIM}}}RegistryObjectList")
    source = next(each for each in found.iter() if local(each) in ("LeafRegistryObjectList", "RegistryObjectList"))
    for child in source:
        if local(child) and local(child) != "ObjectRef":
            listed.append(_version_3(child))
    return request


def _version_3(element: etree._Element) -> etree._Element:
    name = local(element)
    made = etree.Element(f"{{{RIM}}}{name}")
    for key, value in element.attrib.items():
        made.set(key, value)
    made.text = element.text
    if name in OBJECTS and made.get("status") and ":" not in made.get("status", ""):
        made.set("status", STATUS + made.get("status", ""))
    if name == "Association":
        kind = made.get("associationType", "")
        if ":" not in kind:
            made.set(
                "associationType", HAS_MEMBER if kind == "HasMember" else f"urn:ihe:iti:2007:AssociationType:{kind}"
            )
    if name in ("Classification", "ExternalIdentifier", *OBJECTS) and not made.get("id"):
        made.set("id", f"id_{next(_counter)}")
    children = [_version_3(child) for child in element if local(child)]
    for child in children:
        if local(child) == "ExternalIdentifier" and not child.get("registryObject"):
            child.set("registryObject", made.get("id", ""))
        if local(child) == "Classification" and not child.get("classifiedObject"):
            child.set("classifiedObject", made.get("id", ""))
    if name in (*OBJECTS, "Classification", "ExternalIdentifier"):
        children.sort(key=lambda child: ORDER.get(local(child), len(ORDER)))
    made.extend(children)
    return made


def assign(request: etree._Element, plan: etree._Element, patient: str, keep_patient: bool) -> Assigned:
    """Overwrite patient ids, unique ids and the source id as the plan says, and UUIDs when it asks for them."""
    assigned = Assigned()
    kept = {each.get("id") for each in plan if local(each) == "NoAssignUids"}
    for item in (each for each in request.iter() if local(each) in OBJECTS):
        name = item.get("id", "")
        for identifier in (child for child in item if local(child) == "ExternalIdentifier"):
            scheme = identifier.get("identificationScheme")
            if scheme in PATIENT_IDS:
                if not keep_patient:
                    identifier.set("value", patient)
                assigned.patients[name] = identifier.get("value", "")
            elif scheme in UNIQUE_IDS:
                if None not in kept and name not in kept:
                    identifier.set("value", fresh_uid())
                assigned.uids[name] = identifier.get("value", "")
            elif scheme == SOURCE_ID:
                identifier.set("value", OUR_SOURCE)
    if any(local(each) == "AssignUuids" for each in plan):
        _assign_uuids(request, assigned)
    for item in (each for each in request.iter() if local(each) in OBJECTS):
        assigned.uuids.setdefault(item.get("id", ""), item.get("id", ""))
    return assigned


def _assign_uuids(request: etree._Element, assigned: Assigned) -> None:
    for item in (each for each in request.iter() if local(each) in OBJECTS):
        name = item.get("id", "")
        if not name.startswith("urn:uuid:"):
            assigned.uuids[name] = f"urn:uuid:{uuid.uuid4()}"
    for element in request.iter():
        for key, value in element.attrib.items():
            if key in ("id", "classifiedObject", "registryObject", "sourceObject", "targetObject", "lid"):
                element.set(key, assigned.uuids.get(value, value))


def provide(request: etree._Element, documents: dict[str, bytes]) -> tuple[etree._Element, dict[str, bytes]]:
    """A ProvideAndRegisterDocumentSetRequest whose documents are XOP parts."""
    xdsb, xop = "urn:ihe:iti:xds-b:2007", "http://www.w3.org/2004/08/xop/include"
    root = etree.Element(f"{{{xdsb}}}ProvideAndRegisterDocumentSetRequest", nsmap={"xdsb": xdsb})
    root.append(copy.deepcopy(request))
    parts = {}
    for number, (name, content) in enumerate(documents.items()):
        document = etree.SubElement(root, f"{{{xdsb}}}Document", id=name)
        etree.SubElement(document, f"{{{xop}}}Include", href=f"cid:doc{number}@testkit", nsmap={"xop": xop})
        parts[f"doc{number}@testkit"] = content
    return root, parts
