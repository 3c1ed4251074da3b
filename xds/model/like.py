"""SQL LIKE patterns, in time bounded by the length of the text times that of all patterns, whatever the patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterable

_ESCAPE, _ANY, _GAP = "\\", "_", "%"


def like(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Make a test whether a text as a whole matches at least one of these patterns.

    % stands for any characters, _ for one, and \\ takes the next character literally. Case-sensitive.
    All patterns are followed at once, as bits of one integer (Shift-And), so there is no backtracking.
    Source: ITI TF-2: 3.18.4.1.2.3.7.1 ($XDSDocumentEntryAuthorPerson).
    """
    starts = ends = gaps = wild = 0
    literal: dict[str, int] = {}
    bit = 1
    for pattern in patterns:
        starts |= bit
        for character, escaped in _elements(pattern):
            if character == _GAP and not escaped:
                gaps |= bit
                continue
            bit <<= 1
            if character == _ANY and not escaped:
                wild |= bit
            else:
                literal[character] = literal.get(character, 0) | bit
        ends |= bit
        bit <<= 1
    steps = {character: bits | wild for character, bits in literal.items()}

    def matches(text: str) -> bool:
        state = starts
        for character in text:
            state = ((state << 1) & steps.get(character, wild)) | (state & gaps)
            if not state:
                return False
        return state & ends != 0

    return matches


def _elements(pattern: str) -> Iterable[tuple[str, bool]]:
    """The characters of a pattern, each with whether it was escaped; a \\ at the very end is itself."""
    characters = iter(pattern)
    for character in characters:
        if character == _ESCAPE:
            yield next(characters, _ESCAPE), True
        else:
            yield character, False
