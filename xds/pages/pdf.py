"""Lists as PDF/A-2a: for keeping, and read aloud as they are on screen. Source: ISO 19005-2.

What is written travels as data beside the document, never as its markup. The fonts are the library's own: they have
Latin, Greek and Cyrillic; what they lack becomes a question mark, because PDF/A wants every sign to be shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from xds.model.dutch_time import dutch_time
from xds.pages.listing import Listing, shown

_DOCUMENT = Path(__file__).with_name("list.typ")
_LACKING = re.compile("[^ -~\xa0-\u024f\u0370-\u0373\u0386-\u03ce\u0400-\u045f\u1e00-\u1eff\u2010-\u2022\u2026\u20ac]")
_NARROWEST, _WIDEST = 5, 40
_LOOKED_AT = 200
"""Rows by which the widths of the columns are chosen."""


def to_pdf(title: str, lines: Sequence[str], listing: Listing, made: datetime) -> bytes:
    """A document with a heading, some lines beneath it, and the list."""
    import typst  # takes long to load, and few pages need it

    local = dutch_time(made)
    head = [column.label for column in listing.columns]
    rows = [[_plain(shown(column.value(row))) for column in listing.columns] for row in listing.rows]
    data = {
        "title": _plain(title),
        "lines": [_plain(line) for line in lines],
        "made": {"year": local.year, "month": local.month, "day": local.day},
        "made_at": local.strftime("%d-%m-%Y %H:%M"),
        "head": head,
        "widths": _widths(head, rows[:_LOOKED_AT]),
        "rows": rows,
        "empty": "" if rows else listing.empty,
    }
    return typst.compile(
        _DOCUMENT.read_bytes(),
        format="pdf",
        pdf_standards=["a-2a"],
        font_paths=_fonts(),
        sys_inputs={"list": json.dumps(data)},
    )


@lru_cache(1)
def _fonts() -> Any:
    import typst

    return typst.Fonts(include_system_fonts=False)


def _plain(text: str) -> str:
    return _LACKING.sub("?", text.replace("\n", " "))


def _widths(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """A share of the page for each column, by its longest text within bounds."""
    longest = [max(map(len, texts)) for texts in zip(head, *rows, strict=True)]
    return [min(max(length, _NARROWEST), _WIDEST) for length in longest]
