"""Every rule that can decide has words for the client, and no words are for a rule that can't."""

from __future__ import annotations

import ast
from pathlib import Path

import xds.consent
from xds.consent.plain import PLAIN

_ROOM = Path(xds.consent.__file__).parent


def decided() -> set[tuple[str, bool]]:
    """The rules of all verdicts and refusals that the room makes, each with whether it permits."""
    found = set()
    for source in _ROOM.glob("*.py"):
        for call in ast.walk(ast.parse(source.read_text())):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            if call.func.id == "_Refusal" and isinstance(call.args[0], ast.Constant):
                found.add((call.args[0].value, False))
            if call.func.id == "Verdict" and isinstance(call.args[1], ast.Constant):
                permits = call.args[0]
                assert isinstance(permits, ast.Constant), "a verdict of which the source doesn't say whether it permits"
                found.add((call.args[1].value, permits.value))
    return found


def test_no_rule_lacks_words() -> None:
    worded = {(rule, True) for rule, plain in PLAIN.items() if plain.permits}
    worded |= {(rule, False) for rule, plain in PLAIN.items() if plain.refuses}

    assert decided() == worded
