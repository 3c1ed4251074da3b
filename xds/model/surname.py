"""Surnames, made alike so that they can be compared: without prefixes, accents and capitals, and each half by itself.

Source: HL7 2.5: 2.A.86 (XPN), 2.A.30 (FN); NEN 1888 (prefixes, the name of a partner).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_PREFIXES = frozenset({
    "'t", "'s", "aan", "af", "al", "bij", "d", "da", "de", "degli", "dei", "del", "della", "den", "der", "des",
    "di", "do", "dos", "du", "el", "het", "in", "l", "la", "las", "le", "les", "lo", "los", "onder", "op",
    "over", "s", "t", "te", "ten", "ter", "tot", "uit", "van", "vande", "vanden", "vander", "vom", "von",
    "voor", "zu", "zum", "zur",
})  # fmt: skip
_TITLES = frozenset({"arts", "dr", "drs", "ing", "ir", "mr", "mw", "prof", "bc", "bsc", "ma", "msc", "phd", "rm"})
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})
_SHORTEST = 2
_HYPHEN = re.compile(r"\s*[-\u2010-\u2014]\s*")
_MOST = 200


def surnames_of_xpn(xpn: str) -> frozenset[str]:
    """The surnames in a name as PID-5 has it: one's own, and a partner's."""
    found: set[str] = set()
    for repetition in xpn[:_MOST].split("~"):
        whole, _, own, _, partner = [*repetition.partition("^")[0].split("&"), "", "", "", ""][:5]
        found.update(*map(_halves, (whole, own, partner)))
    return frozenset(found)


def surnames_of_person(name: str) -> frozenset[str]:
    """The surnames in a name as people write it: "A. van der Berg-de Vries", "Jansen, Anna"; of one without a prefix it
    is the last word.
    """
    text = _HYPHEN.sub("-", name[:_MOST])
    before, comma, _ = text.partition(",")
    words = [word for word in before.split() if word.strip(".").casefold() not in _TITLES]
    words = [word for word in words if not word.endswith(".")] or words
    if comma and not _is_title(text.partition(",")[2]):
        return _halves(" ".join(words))
    place = next((at for at, word in enumerate(words) if at and word.casefold() in _PREFIXES), len(words) - 1)
    return _halves(" ".join(words[place:]))


def _is_title(text: str) -> bool:
    return all(word.strip(".,").casefold() in _TITLES for word in text.split())


def _halves(text: str) -> frozenset[str]:
    return frozenset(found for half in _HYPHEN.split(text) if len(found := _folded(half.split())) >= _SHORTEST)


def _folded(words: Iterable[str]) -> str:
    lower = [word.casefold().replace("\u2019", "'") for word in words]
    rest = lower
    while rest and rest[0] in _PREFIXES:
        rest = rest[1:]
    letters = unicodedata.normalize("NFKD", "".join(rest or lower)).translate(_LETTERS)
    return "".join(letter for letter in letters if letter.isalpha())
