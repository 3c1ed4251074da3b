"""The 11-proef."""

from __future__ import annotations

import pytest

from xds.model.bsn import holds_bsn, is_valid_bsn


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


@pytest.mark.parametrize("text", ["999911120", "Over 9999 11 120.", "zie 9999.11.120, map 3", "123456789 en 999911120"])
def test_a_number_is_found_in_what_somebody_wrote(text: str) -> None:
    assert holds_bsn(text)


@pytest.mark.parametrize("text", ["", "123456789", "op 25-11-2026 om 9:00", "1999911120", "99991112"])
def test_other_numbers_may_be_written(text: str) -> None:
    assert not holds_bsn(text)
