"""query:AdhocQueryRequest: a stored query's id and the values of its parameters.

Source: ITI TF-2: 3.18.4.1.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lxml.etree import _Element

from xds.ebrim.encode import slot as encode_slot
from xds.ebrim.vocabulary import QUERY, RIM
from xds.errors import Code, Issue

ADHOC_QUERY_REQUEST = f"{{{QUERY}}}AdhocQueryRequest"
_RESPONSE_OPTION = f"{{{QUERY}}}ResponseOption"
_ADHOC_QUERY = f"{{{RIM}}}AdhocQuery"
_SLOT = f"{{{RIM}}}Slot"
_CODING = "ITI TF-2: 3.18.4.1.2.3.5"

_LITERAL = r"\s*(?:'([^']*(?:''[^']*)*)'|([0-9]+(?:\.[0-9]+)?))\s*"
_ONE = re.compile(_LITERAL)
_NEXT = re.compile(_LITERAL + r"(,|\))")


class AdhocQuery(NamedTuple):
    """`parameters` has for each slot name a list of values for every time that the slot is given."""

    query_id: str
    return_type: str
    home: str | None
    parameters: Mapping[str, list[list[str]]]


def decode_adhoc_query(request: _Element) -> tuple[AdhocQuery, list[Issue]]:
    """Read a query:AdhocQueryRequest; values that are not coded by the rules are issues."""
    option = next(request.iterchildren(_RESPONSE_OPTION), None)
    query = next(request.iterchildren(_ADHOC_QUERY), None)
    return_type = option.get("returnType", "") if option is not None else ""
    if query is None:
        issue = Issue(Code.XDSRegistryError, "the request has no rim:AdhocQuery", section="ITI TF-2: 3.18.4.1.2.3")
        return AdhocQuery("", return_type, None, {}), [issue]
    issues: list[Issue] = []
    parameters: dict[str, list[list[str]]] = {}
    for slot in query.iterchildren(_SLOT):
        name = slot.get("name", "")
        values: list[str] = []
        for value_list in slot:
            for value in value_list:
                try:
                    values += parse_values(value.text or "")
                except ValueError as error:
                    issues.append(Issue(Code.XDSRegistryError, f"{name[:128]}: {error}", name[:128], section=_CODING))
        parameters.setdefault(name, []).append(values)
    return AdhocQuery(query.get("id", ""), return_type, query.get("home"), parameters), issues


def encode_adhoc_query(query_id: str, parameters: Mapping[str, str | Sequence[str]]) -> bytes:
    """A query:AdhocQueryRequest for LeafClass, with its namespaces; each parameter has one text, or several."""
    slots = "".join(
        encode_slot(name, [_coded(given)] if isinstance(given, str) else [f"({_coded(each)})" for each in given])
        for name, given in parameters.items()
    )
    return (
        f'<query:AdhocQueryRequest xmlns:query="{QUERY}" xmlns:rim="{RIM}"><query:ResponseOption '
        f'returnComposedObjects="true" returnType="LeafClass"/><rim:AdhocQuery id="{query_id}">{slots}'
        "</rim:AdhocQuery></query:AdhocQueryRequest>"
    ).encode()


def _coded(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def parse_values(text: str) -> list[str]:
    """The values of one rim:Value: 'text', a number, or a list ('a','b'); '' stands for a quote inside a text.

    ValueError when quotes or parentheses don't match. Source: ITI TF-2: 3.18.4.1.2.3.5.
    """
    text = text.strip()
    if text.count("'") == 2:  # as nearly all are: one value, with nothing to take apart
        if text[0] == text[-1] == "'":
            return [text[1:-1]]
        if text[:2] == "('" and text[-2:] == "')":
            return [text[2:-2]]
    if not text.startswith("("):
        match = _ONE.fullmatch(text)
        if match is None:
            raise ValueError("expected a number, 'a text in quotes' or a ('list','of','them')")
        return [_value(match)]
    values, position = [], 1
    while True:
        match = _NEXT.match(text, position)
        if match is None:
            raise ValueError("quotes or parentheses don't match in the list")
        values.append(_value(match))
        position = match.end()
        if match[3] == ")":
            break
    if position != len(text):
        raise ValueError("there is more after the list's closing parenthesis")
    return values


def _value(match: re.Match[str]) -> str:
    return match[2] if match[1] is None else match[1].replace("''", "'")
