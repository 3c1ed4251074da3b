from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds.model.like import like


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("Jansen", "Jansen", True),
        ("Jansen", "Jansens", False),
        ("Jansen", "jansen", False),
        ("%", "", True),
        ("", "", True),
        ("", "x", False),
        ("_", "", False),
        ("J%n", "Jansen", True),
        ("%sen%", "Jansen", True),
        ("J_nsen", "Jansen", True),
        ("%a%b%", "xbxa", False),
        ("100\\%", "100%", True),
        ("100\\%", "1000", False),
        ("a\\_b", "axb", False),
        ("a\\\\b", "a\\b", True),
        ("a\\", "a\\", True),
        ("%é_", "caféx", True),
        (".*", "anything", False),
        ("a\nb%", "a\nbc", True),
    ],
)
def test_wildcards(pattern: str, text: str, expected: bool) -> None:
    assert like([pattern])(text) is expected


def test_no_pattern_matches_nothing() -> None:
    assert like([])("") is False


def test_one_of_several_is_enough_and_they_do_not_run_into_each_other() -> None:
    matches = like(["ab", "cd%", "_"])
    assert [text for text in ("ab", "cd", "cdx", "x", "abcd", "b", "d", "bcd", "") if matches(text)] == [
        "ab",
        "cd",
        "cdx",
        "x",
        "b",
        "d",
    ]


@given(st.lists(st.text("ab%_\\", max_size=8), max_size=3), st.text("ab%_\\", max_size=10))
def test_the_same_as_regular_expressions(patterns: list[str], text: str) -> None:
    def regular(pattern: str) -> str:
        pieces = re.findall(r"\\.|.", pattern)
        return "".join({"%": ".*", "_": "."}.get(p) or re.escape(p[-1]) for p in pieces)

    assert like(patterns)(text) is any(re.fullmatch(regular(pattern), text) for pattern in patterns)


def test_patterns_that_would_make_a_backtracking_matcher_run_for_ever() -> None:
    assert like(["%a" * 500 + "%c"])("a" * 1_000 + "b") is False
    assert like([f"%x{number}_%a%b%" for number in range(10_000)])("a" * 100) is False
