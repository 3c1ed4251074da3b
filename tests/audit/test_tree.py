"""The tree is RFC 6962's: compared with its recursive definition."""

from __future__ import annotations

from hashlib import sha256

import pytest

from xds.audit.tree import grown, inclusion_proofs, leaf_hash, root, root_of_inclusion
from xds.model.audit import Leaf

LEAVES = [sha256(bytes([0, number])).digest() for number in range(70)]


def defined(leaves: list[bytes]) -> bytes:
    """MTH of leaves that are hashed already. Source: RFC 6962: 2.1."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\1" + defined(leaves[:split]) + defined(leaves[split:])).digest()


@pytest.mark.parametrize("size", range(len(LEAVES)))
def test_the_root_is_that_of_the_definition_however_the_tree_grew(size: int) -> None:
    at_once = grown((), 0, LEAVES[:size])
    in_two = grown(grown((), 0, LEAVES[: size // 3]), size // 3, LEAVES[size // 3 : size])
    assert at_once == in_two and len(at_once) == size.bit_count()
    assert root(at_once) == defined(LEAVES[:size])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 64, 70])
def test_every_leaf_is_proven_and_nothing_else(size: int) -> None:
    proofs = inclusion_proofs(LEAVES[:size], range(size))
    expected = defined(LEAVES[:size])
    for seq, path in proofs.items():
        assert root_of_inclusion(LEAVES[seq], seq, size, path) == expected
        assert root_of_inclusion(LEAVES[seq], (seq + 1) % (size + 1), size, path) != expected
        assert root_of_inclusion(LEAVES[(seq + 1) % 70], seq, size, path) != expected
        assert root_of_inclusion(LEAVES[seq], seq, size, [*path, LEAVES[0]]) is None
        assert not path or root_of_inclusion(LEAVES[seq], seq, size, path[:-1]) != expected


def test_a_leaf_hash_is_what_its_description_says() -> None:
    leaf = Leaf(7, 1741784700000000, "abc-1", 2, bytes(32))
    assert leaf_hash(leaf) == sha256(b"\x007 1741784700000000 abc-1 2 " + b"0" * 64).digest()
