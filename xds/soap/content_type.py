"""The Content-Type header, as leniently as the SOAP stacks write it.

Source: RFC 2045: 5.1; RFC 2387; XOP 1.0: 4 and 5.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

# A quoted value ends at the quote before ";" or the end, so that quotes that were not escaped inside it, as older
# stacks write start-info="application/soap+xml; action="urn:x"", belong to the value.
_PARAMETER = re.compile(
    r"""\s*;+\s*(?P<name>[^\s=;"]+)\s*=\s*
    (?: "(?P<double>(?:\\.|[^\\])*?)"(?=\s*(?:;|$)) | '(?P<single>[^']*)'(?=\s*(?:;|$)) | (?P<token>[^;]*) )""",
    re.VERBOSE | re.DOTALL,
)
# A quote that is never closed is sought to the end, so a hostile header costs the square of its length.
_MAX_LENGTH = 2048
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class ContentType(NamedTuple):
    """A media type in lower case, and its parameters by their names in lower case."""

    media_type: str
    parameters: dict[str, str]

    @property
    def action(self) -> str:
        """The action parameter, also where it stands inside start-info or type; "" when there is none."""
        action = self.parameters.get("action")
        for name in ("start-info", "type"):
            if action is None and name in self.parameters:
                action = parse_content_type(self.parameters[name]).parameters.get("action")
        return action or ""


@lru_cache(maxsize=256)
def parse_content_type(text: str) -> ContentType:
    """Take a Content-Type apart; what is no parameter is skipped, and of two with one name the first counts."""
    media_type, semicolon, rest = text[:_MAX_LENGTH].partition(";")
    parameters: dict[str, str] = {}
    for match in _PARAMETER.finditer(semicolon + rest):
        value = match["double"]
        if value is not None:
            value = _ESCAPED.sub(r"\1", value)
        else:
            value = match["single"] if match["single"] is not None else match["token"].strip()
        parameters.setdefault(match["name"].lower(), value)
    return ContentType(media_type.strip().lower(), parameters)
