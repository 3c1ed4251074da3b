"""The codes.xml form of an affinity domain: Codes/CodeType/@name with Code/@code, @codingScheme and @display, and
Codes/AssigningAuthority/@id.

It has no validity dates. What it says about other things than the attributes that we check is left aside.
"""

from __future__ import annotations

from lxml.etree import _Element

from xds.affinity.draft import ATTRIBUTES, WITHOUT_SCHEME, Draft
from xds.errors import Misconfigured
from xds.model.affinity_domain import Concept
from xds.model.hl7 import is_oid
from xds.xmlio import Malformed, parse


def read_codes_xml(content: bytes, file: str) -> Draft:
    """Read one file; Misconfigured names the line and the attribute."""
    try:
        root = parse(content)
    except Malformed as error:
        raise Misconfigured(f"{file}: {error}") from None
    if root.tag != "Codes":
        raise Misconfigured(f"{file}:{root.sourceline}: the root is {root.tag}; expected Codes")
    draft = Draft()
    for element in root.iterchildren("CodeType"):
        name = _attribute(element, "name", file)
        if name in ATTRIBUTES:
            _add_value_set(draft, name, element, file)
    for element in root.iterchildren("AssigningAuthority"):
        text = _attribute(element, "id", file)
        oid = text.removeprefix("&").removesuffix("&ISO")
        if not is_oid(oid):
            raise Misconfigured(f"{file}:{element.sourceline}: AssigningAuthority/@id: expected &OID&ISO or an OID")
        draft.assigning_authorities[oid] = element.get("display", "")
    return draft


def _add_value_set(draft: Draft, name: str, element: _Element, file: str) -> None:
    concepts = draft.value_sets.setdefault(name, {})
    for child in element.iterchildren("Code"):
        code = _attribute(child, "code", file)
        scheme = "" if name in WITHOUT_SCHEME else _attribute(child, "codingScheme", file)
        # Published files list some codes twice, once by a synonym: the first name is kept.
        concepts.setdefault((code, scheme), Concept(code, scheme, child.get("display", "")))
    if not concepts:
        raise Misconfigured(f"{file}:{element.sourceline}: CodeType {name} has no Code; leave it out to allow any")


def _attribute(element: _Element, name: str, file: str) -> str:
    value = (element.get(name) or "").strip()
    if not value:
        raise Misconfigured(f"{file}:{element.sourceline}: {element.tag}/@{name} is missing or empty")
    return value
