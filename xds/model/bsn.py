"""The Dutch citizen service number (burgerservicenummer, BSN)."""

from __future__ import annotations

import re

_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)
_WRITTEN = re.compile(r"(?<!\d)\d(?:[ .]?\d){8}(?!\d)", re.ASCII)


def is_valid_bsn(number: str) -> bool:
    """Whether `number` is nine digits, not all zero, that pass the 11-proef.

    The proof: 9a + 8b + 7c + 6d + 5e + 4f + 3g + 2h - i is a multiple of 11. A number of eight digits is not
    padded: as the id of a CX, two spellings of one number would be two patients.
    """
    if len(number) != 9 or not (number.isascii() and number.isdigit()) or number == "000000000":
        return False
    return sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=True)) % 11 == 0


def holds_bsn(text: str) -> bool:
    """Whether what somebody wrote has a valid number in it, in one piece or in groups."""
    return any(is_valid_bsn(re.sub("[ .]", "", found)) for found in _WRITTEN.findall(text))
