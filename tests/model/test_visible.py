"""What a terminal would obey, or show out of order, is written out and reads back as it was."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from xds.model.visible import in_json, in_line, in_xml

UNSEEN = ("\x7f", "\x9b", "\u202e", "\u2066", "\u2028", "\u200b", "\ufeff", "\U000e0041")


@pytest.mark.parametrize("character", UNSEEN)
def test_it_reads_back_as_it_was(character):
    text = f"a{character}b"
    assert character not in in_json(json.dumps(text, ensure_ascii=False))
    assert json.loads(in_json(json.dumps(text, ensure_ascii=False))) == text
    assert character not in in_xml(f"<x>{text}</x>")
    assert ElementTree.fromstring(in_xml(f"<x>{text}</x>")).text == text


def test_a_line_stays_one_and_what_can_be_seen_stays_as_it_is():
    assert in_line("één\r\n\ttwee\x1b[2J ✓") == r"één\u000d\u000a\u0009twee\u001b[2J ✓"
