"""Lists, in the three forms in which an address gives them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import msgspec

from xds.model.dutch_time import dutch_time
from xds.model.visible import in_json, in_line

Value = str | int | bool | date | datetime | None | Sequence[str]
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "=", "+", "-", "@")


class Column(NamedTuple):
    """A column: its key in JSON, its heading in Dutch, and what a row has in it.

    `link` is where a cell leads; `mark` colours it: "good", "notice" or "bad". `number` columns are aligned right.
    """

    name: str
    label: str
    value: Callable[[Any], Value]
    link: Callable[[Any], str | None] | None = None
    mark: Callable[[Any], str | None] | None = None
    number: bool = False


class Listing(NamedTuple):
    """`name` is that of the downloaded file. `more` are the words of the query that lead to the next rows."""

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Any]
    more: Mapping[str, str] | None = None
    total: int | None = None
    empty: str = "Er is niets gevonden."


def shown(value: Value) -> str:
    """A value as people read it: dd-mm-jjjj, by Dutch clocks."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "ja" if value else "nee"
    if isinstance(value, datetime):
        return dutch_time(value).strftime("%d-%m-%Y %H:%M:%S")
    if isinstance(value, date):
        return value.strftime("%d-%m-%Y")
    if isinstance(value, (str, int)):
        return in_line(str(value))
    return ", ".join(in_line(each) for each in value)


def grouped(number: int) -> str:
    """1.234.567."""
    return f"{number:,}".replace(",", ".")


def to_json(listing: Listing, next_url: str | None) -> bytes:
    """`rows` by the names of the columns; moments are UTC in ISO 8601."""
    rows = [{column.name: _exact(column.value(row)) for column in listing.columns} for row in listing.rows]
    said = {"title": listing.caption, "total": listing.total, "next": next_url, "rows": rows}
    return in_json(msgspec.json.encode(said).decode()).encode()


def to_csv(listing: Listing) -> bytes:
    """For spreadsheets set to Dutch: separated by semicolons, in UTF-8 with its mark, and without formulas.

    Source: OWASP, CSV Injection; RFC 4180.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([column.label for column in listing.columns])
    writer.writerows([_cell(column.value(row)) for column in listing.columns] for row in listing.rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8", "replace")


def _cell(value: Value) -> str:
    text = shown(value)
    if isinstance(value, int) or not text.lstrip(" ").startswith(_FORMULA):
        return text
    return f"'{text}"


def _exact(value: Value) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, (str, bool, int, date)) or value is None:
        return value
    return list(value)
