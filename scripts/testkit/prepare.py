"""Give a submission its ids and patients, as a plan asks, and pack it for ITI-41."""

from __future__ import annotations

import copy
import itertools
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from testkit.ebrim import PATIENT_IDS, SOURCE_ID, UNIQUE_IDS, elements, local, objects

XDSB = "urn:ihe:iti:xds-b:2007"
XOP = "http://www.w3.org/2004/08/xop/include"
OUR_SOURCE = "1.3.6.1.4.1.21367.4"
_REFERENCES = ("id", "lid", "classifiedObject", "registryObject", "sourceObject", "targetObject")
# Unique ids are never used twice, not even on a server that a former run has filled.
_numbers = itertools.count(time.time_ns())


@dataclass
class Assigned:
    """What a submission was given, by the symbolic id of its objects."""

    uids: dict[str, str] = field(default_factory=dict)
    uuids: dict[str, str] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)


def replace_symbols(root: etree._Element, values: Mapping[str, str]) -> None:
    """Put values for symbols in every attribute and text; a longer symbol goes before one that it begins with."""
    symbols = sorted(filter(None, values), key=len, reverse=True)

    def replaced(text: str) -> str:
        for symbol in symbols:
            text = text.replace(symbol, values[symbol])
        return text

    for element in root.iter():
        if local(element):
            for name, text in element.attrib.items():
                element.set(name, replaced(text))
            if element.text:
                element.text = replaced(element.text)


def assign(request: etree._Element, transaction: etree._Element, patient_id: str | None) -> Assigned:
    """Overwrite patient ids (None: leave them), unique ids and the source id, and UUIDs where AssignUuids asks it."""
    assigned = Assigned()
    kept = {each.get("id") for each in elements(transaction, "NoAssignUids")}
    for item in objects(request):
        name = item.get("id", "")
        for identifier in elements(item, "ExternalIdentifier"):
            scheme = identifier.get("identificationScheme")
            if scheme in PATIENT_IDS:
                if patient_id is not None:
                    identifier.set("value", patient_id)
                assigned.patients[name] = identifier.get("value", "")
            elif scheme in UNIQUE_IDS:
                if None not in kept and name not in kept:
                    identifier.set("value", f"1.3.6.1.4.1.21367.2005.3.9999.{next(_numbers)}")
                assigned.uids[name] = identifier.get("value", "")
            elif scheme == SOURCE_ID:
                identifier.set("value", OUR_SOURCE)
    fresh = next(elements(transaction, "AssignUuids"), None) is not None
    for item in objects(request):
        name = item.get("id", "")
        assigned.uuids[name] = f"urn:uuid:{uuid.uuid4()}" if fresh and not name.startswith("urn:") else name
    if fresh:
        for element in request.iter():
            for key in _REFERENCES:
                if element.get(key) in assigned.uuids:
                    element.set(key, assigned.uuids[element.get(key, "")])
    return assigned


def provide(
    request: etree._Element, documents: Mapping[str, bytes], uuids: Mapping[str, str]
) -> tuple[etree._Element, dict[str, bytes]]:
    """Make a ProvideAndRegisterDocumentSetRequest whose documents are XOP parts, by the id of their entries."""
    root = etree.Element(f"{{{XDSB}}}ProvideAndRegisterDocumentSetRequest", nsmap={"xdsb": XDSB})
    root.append(copy.deepcopy(request))
    parts = {}
    for number, (name, content) in enumerate(documents.items()):
        document = etree.SubElement(root, f"{{{XDSB}}}Document", id=uuids.get(name, name))
        part = f"document{number}@testkit"
        etree.SubElement(document, f"{{{XOP}}}Include", href=f"cid:{part}", nsmap={"xop": XOP})
        parts[part] = content
    return root, parts
