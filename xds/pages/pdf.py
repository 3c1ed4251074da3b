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
from itertools import pairwise
from pathlib import Path
from typing import Any

from xds.model.dutch_time import dutch_time
from xds.pages.listing import Listing, shown

_DOCUMENT = Path(__file__).with_name("list.typ")
_LACKING = re.compile("[^ -~\xa0-\u024f\u0370-\u0373\u0386-\u03ce\u0400-\u045f\u1e00-\u1eff\u2010-\u2022\u2026\u20ac]")
_LINE = 175
"""Signs on a line of the page, with what is left open between columns."""
_GAP = 2
_LONGEST_WORD = 18
"""Signs of a word that stay together; one that is longer may go on at the next line."""
_WIDEST = 60
_LOOKED_AT = 200
"""Rows by which the widths of the columns are chosen."""
_WORD = re.compile(r"\S+")
_PIECE = 3
"""Signs of a long word between two places where it may break. No sign marks those: it would be copied along."""


def to_pdf(title: str, lines: Sequence[str], listing: Listing, made: datetime) -> bytes:
    """A document with a heading, some lines beneath it, and the list."""
    import typst  # takes long to load, and few pages need it

    local = dutch_time(made)
    head = [column.label for column in listing.columns]
    rows = [[_plain(shown(column.value(row))) for column in listing.columns] for row in listing.rows]
    data = {
        "title": _plain(title),
        "lines": [_pieces(_plain(line)) for line in lines],
        "made": {"year": local.year, "month": local.month, "day": local.day},
        "made_at": f"gemaakt op {local:%d-%m-%Y} om {local:%H:%M} uur",
        "head": head,
        "widths": _widths(head, rows[:_LOOKED_AT]),
        "rows": [[_pieces(text) for text in row] for row in rows],
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


def _pieces(text: str) -> list[str]:
    """A text as pieces between which a line may end, besides at spaces."""
    found, at = [], 0
    for word in _WORD.finditer(text):
        if _signs(word[0]) > _LONGEST_WORD:
            cuts = [at, *range(word.start() + _PIECE, word.end(), _PIECE)]
            found += [text[begin:end] for begin, end in pairwise(cuts)]
            at = cuts[-1]
    return [*found, text[at:]]


def _signs(text: str) -> float:
    """How long a text is on paper, where capitals are wider."""
    return len(text) + sum(map(str.isupper, text)) / 2


def _widths(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[float]:
    """The part of a line for each column, in signs: its longest word fits, and its longest text for what is left."""
    columns = list(zip(head, *rows, strict=True))
    words = [max(_signs(word) for text in texts for word in [*text.split(), ""]) for texts in columns]
    needed = [min(longest, _LONGEST_WORD) for longest in words]
    wanted = [min(max(map(_signs, texts)), _WIDEST) for texts in columns]
    more = [max(want - need, 0) + 1 for want, need in zip(wanted, needed, strict=True)]
    left = max(_LINE - _GAP * len(head) - sum(needed), 0)
    return [need + _GAP + left * each / sum(more) for need, each in zip(needed, more, strict=True)]
