"""The 11-proef."""

from __future__ import annotations

import pytest

from xds.model.bsn import is_valid_bsn


@pytest.mark.parametrize("number", ["999911120", "999900006", "999990019", "123456782", "111222333", "010000008"])
def test_valid(number: str) -> None:
    assert is_valid_bsn(number)


@pytest.mark.parametrize(
    "number",
    ["123456789", "900214186", "000000000", "", "99991112", "9999111200", "99991112x", " 99911120", "-99911120"],
)
def test_invalid(number: str) -> None:
    assert not is_valid_bsn(number)


def test_digits_of_another_script_are_no_bsn() -> None:
    assert not is_valid_bsn("\N{FULLWIDTH DIGIT NINE}99911120")
