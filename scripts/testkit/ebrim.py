"""ebRIM as the testkit writes it (2.1 or 3.0), turned into the 3.0 that is sent."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from lxml import etree

RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
LCM = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
OBJECTS = ("ExtrinsicObject", "RegistryPackage", "Association")
UNIQUE_IDS = frozenset(
    (
        "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab",
        "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8",
        "urn:uuid:75df8f67-9973-4fbe-a900-df66cefecc5a",
    )
)
PATIENT_IDS = frozenset(
    (
        "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427",
        "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446",
        "urn:uuid:f64ffdf0-4b97-4e06-b79f-a52b38ec2f8a",
    )
)
SOURCE_ID = "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832"
SET_NODE = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
DEPRECATED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"

_STATUS = "urn:oasis:names:tc:ebxml-regrep:StatusType:"
_OBJECT_TYPE = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:"
_EBXML_ASSOCIATION = "urn:oasis:names:tc:ebxml-regrep:AssociationType:"
_IHE_ASSOCIATION = "urn:ihe:iti:2007:AssociationType:"
_IDENTIFIED = (*OBJECTS, "Classification", "ExternalIdentifier")
_ORDER = ("Slot", "Name", "Description", "VersionInfo", "Classification", "ExternalIdentifier")
_LISTS = ("LeafRegistryObjectList", "RegistryObjectList")


def local(element: etree._Element) -> str:
    """The name without namespace; empty for a comment or processing instruction."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def elements(parent: etree._Element, *names: str) -> Iterator[etree._Element]:
    """The children with one of these names, or all that are elements."""
    return (child for child in parent if local(child) and (not names or local(child) in names))


def objects(root: etree._Element) -> Iterator[etree._Element]:
    """The entries, packages and associations anywhere below."""
    return (each for each in root.iter() if local(each) in OBJECTS)


def slot_values(item: etree._Element) -> dict[str, str]:
    """The first value of each Slot of an object."""
    found = {}
    for slot in elements(item, "Slot"):
        value = next((each for each in slot.iter() if local(each) == "Value"), None)
        found[slot.get("name", "")] = (value.text or "").strip() if value is not None else ""
    return found


def identifier(item: etree._Element, schemes: frozenset[str]) -> str | None:
    """The value of the first ExternalIdentifier of these schemes."""
    found = elements(item, "ExternalIdentifier")
    return next((each.get("value") for each in found if each.get("identificationScheme") in schemes), None)


def to_version_3(root: etree._Element) -> etree._Element | None:
    """Return the SubmitObjectsRequest below `root` in ebRIM 3.0, or None where there is none."""
    source = next((each for each in root.iter() if local(each) == "SubmitObjectsRequest"), None)
    listed = next(elements(source, *_LISTS), None) if source is not None else None
    if listed is None:
        return None
    request = etree.Element(f"{{{LCM}}}SubmitObjectsRequest", nsmap={"lcm": LCM, "rim": RIM})
    made = etree.SubElement(request, f"{{{RIM}}}RegistryObjectList")
    numbers = count(1)
    made.extend(_convert(child, numbers) for child in elements(listed) if local(child) != "ObjectRef")
    return request


def _convert(element: etree._Element, numbers: Iterator[int]) -> etree._Element:
    name = local(element)
    made = etree.Element(f"{{{RIM}}}{name}", dict(element.attrib))
    made.text = element.text
    if name in _IDENTIFIED:
        if not made.get("id"):
            made.set("id", f"id_{next(numbers)}")
        if name != "ExtrinsicObject":
            made.set("objectType", made.get("objectType", _OBJECT_TYPE + name))
    if made.get("status") and ":" not in made.get("status", ""):
        made.set("status", _STATUS + made.get("status", ""))
    kind = made.get("associationType", "")
    if kind and ":" not in kind:
        made.set("associationType", (_EBXML_ASSOCIATION if kind == "HasMember" else _IHE_ASSOCIATION) + kind)
    children = [_convert(child, numbers) for child in elements(element)]
    for child in children:
        if local(child) == "ExternalIdentifier":
            child.set("registryObject", child.get("registryObject", made.get("id", "")))
        elif local(child) == "Classification":
            child.set("classifiedObject", child.get("classifiedObject", made.get("id", "")))
    if name in _IDENTIFIED:
        children.sort(key=lambda child: _ORDER.index(local(child)) if local(child) in _ORDER else len(_ORDER))
    made.extend(children)
    return made


def _default(element: etree._Element, key: str, value: str) -> None:
    if not element.get(key):
        element.set(key, value)
