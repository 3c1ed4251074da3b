"""A random sample that anybody can draw again."""

from __future__ import annotations

from hashlib import sha256


def drawn(seed: str, total: int, count: int) -> list[int]:
    """At most `count` different places below `total`, in order, which follow from the seed alone.

    Each is the first eight bytes of the SHA-256 of the seed, a colon and 0, 1, 2…, modulo `total`; one that was drawn
    already is passed over.
    """
    found: set[int] = set()
    number = 0
    while len(found) < min(count, total):
        digest = sha256(f"{seed}:{number}".encode()).digest()
        found.add(int.from_bytes(digest[:8], "big") % total)
        number += 1
    return sorted(found)
