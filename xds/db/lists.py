"""Lists of values in a statement, as each database takes them."""

from __future__ import annotations

import json
from typing import Any, Protocol

from sqlalchemy import ARRAY, ColumnElement, Text, any_, bindparam, func, select


class Lists(Protocol):
    """How a list of values is handed to a database."""

    def length_class(self, length: int) -> int: ...

    def parameters(self, values: list[Any], length_class: int) -> list[Any]:
        """What fills in the clause that `among` makes, in order."""

    def among(self, column: ColumnElement, length_class: int) -> ColumnElement[bool]: ...


class InlineLists:
    """SQLite: short lists as so many variables, padded to a power of two; long ones as one JSON array.

    Binary values travel as hex in JSON; the connection has the function `hex_bytes` to read them.
    """

    _LONG = 0
    _MOST = 64

    def length_class(self, length: int) -> int:
        return self._LONG if length > self._MOST else 1 << (length - 1).bit_length()

    def parameters(self, values: list[Any], length_class: int) -> list[Any]:
        if length_class:
            return values + values[-1:] * (length_class - len(values))
        if isinstance(values[0], bytes):
            return [json.dumps([value.hex() for value in values])]
        return [json.dumps(values)]

    def among(self, column: ColumnElement, length_class: int) -> ColumnElement[bool]:
        if length_class == 1:
            return column == bindparam(None, type_=column.type)
        if length_class:
            return column.in_([bindparam(None, type_=column.type) for _ in range(length_class)])
        value = func.json_each(bindparam(None, type_=Text)).table_valued("value").c.value
        return column.in_(select(func.hex_bytes(value) if _is_binary(column) else value))


class ArrayLists:
    """PostgreSQL: a list of any length is one array."""

    def length_class(self, length: int) -> int:
        return 1

    def parameters(self, values: list[Any], length_class: int) -> list[Any]:
        return [values]

    def among(self, column: ColumnElement, length_class: int) -> ColumnElement[bool]:
        return column == any_(bindparam(None, type_=ARRAY(column.type)))


def _is_binary(column: ColumnElement) -> bool:
    return column.type.python_type is bytes
