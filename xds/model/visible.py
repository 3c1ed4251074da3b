"""Text from elsewhere made fit to be looked at: what is not seen, or moves what is seen, is written out.

A control character can command a terminal or begin a line of its own, and a bidirectional one turn the order of a name
and a number around. In JSON and XML what is written out reads back as it was.
Source: Unicode 15: 23.1, 23.2; CVE-2021-42574.
"""

from __future__ import annotations

import re

_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
_IN_TEXT = re.compile(f"[{_UNSEEN}]")
_IN_LINE = re.compile(f"[\t\n{_UNSEEN}]")


def in_line(text: str) -> str:
    """Text within a line, for a person: each such character as \\uXXXX."""
    return _IN_LINE.sub(_as_json, text)


def in_text(text: str) -> str:
    """Text of several lines, for a person."""
    return _IN_TEXT.sub(_as_json, text)


def in_json(text: str) -> str:
    """JSON, with such characters in its strings escaped."""
    return _IN_TEXT.sub(_as_json, text)


def in_xml(text: str) -> str:
    """XML, with such characters as character references. Those that XML can't have must not be there."""
    return _IN_TEXT.sub(lambda found: f"&#x{ord(found[0]):X};", text)


def _as_json(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
