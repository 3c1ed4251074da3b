"""The request of ITI-18: which stored query, and its parameters in the coding of the standard.

Source: ITI TF-2: 3.18.4.1.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lxml import etree
from lxml.etree import QName, _Element

from xds.ebrim.vocabulary import QUERY, RIM
from xds.registry.stored_query import discover_queries

_QUERIES = {query.name: query for query in discover_queries().values()}
QUERIES = {name: query.id for name, query in _QUERIES.items()}
"""The ids of the stored queries by name. Source: ITI TF-2: 3.18.4.1.2.4."""


class Verbatim(tuple[str, ...]):
    """Values in the coding of the standard already, each for a slot of its own."""


Value = str | int | Sequence[str] | Sequence[Sequence[str]] | Verbatim
"""One text or number; several texts, of which any matches; or several such lists, which must all match."""


def query_request(name: str, parameters: Mapping[str, Value], return_type: str) -> _Element:
    """The AdhocQueryRequest of a stored query by its name, or by its id; ValueError when there is no such name."""
    identifier = name if name.startswith("urn:uuid:") else QUERIES.get(name)
    if identifier is None:
        raise ValueError(f"there is no stored query {name}; there are: {', '.join(QUERIES)}")
    request = etree.Element(QName(QUERY, "AdhocQueryRequest"), nsmap={"query": QUERY, "rim": RIM})
    option = etree.SubElement(request, QName(QUERY, "ResponseOption"))
    option.set("returnComposedObjects", "true")
    option.set("returnType", return_type)
    query = etree.SubElement(request, QName(RIM, "AdhocQuery"), id=identifier)
    for parameter, value in parameters.items():
        for coded in coded_values(parameter, value):
            slot = etree.SubElement(query, QName(RIM, "Slot"), name=parameter)
            values = etree.SubElement(slot, QName(RIM, "ValueList"))
            etree.SubElement(values, QName(RIM, "Value")).text = coded
    return request


def takes_list(name: str, parameter: str) -> bool:
    """Whether a parameter of this stored query is a list, which has parentheses even around one value.

    Source: ITI TF-2: 3.18.4.1.2.3.7.
    """
    if parameter == "$MetadataLevel":
        return False
    queries = [query for query in _QUERIES.values() if name in (query.name, query.id)] or _QUERIES.values()
    declared = [each for query in queries for each in query.parameters if each.name == parameter]
    return not declared or any(each.several for each in declared)


def coded_values(parameter: str, value: Value) -> list[str]:
    """A parameter's value as the standard writes it: one text for each slot of that name.

    Source: ITI TF-2: 3.18.4.1.2.3.5.
    """
    if isinstance(value, Verbatim):
        return list(value)
    if isinstance(value, int):
        return [str(value)]
    if isinstance(value, str):
        # A time is a number.
        return [value if _is_time(parameter, value) else _quoted(value)]
    lists = [value] if all(isinstance(item, str) for item in value) else value
    return [f"({','.join(_quoted(item) for item in items)})" for items in lists]


def _is_time(parameter: str, value: str) -> bool:
    return parameter.endswith(("From", "To")) and re.fullmatch("[0-9]+", value) is not None


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
