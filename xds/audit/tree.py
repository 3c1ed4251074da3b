"""The Merkle tree over the log, and the chain beside it. Source: RFC 6962: 2.1; RFC 9162: 2.1.3.2."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from xds.model.audit import Head, Kept, Leaf

SUBTREE = 1024
"""Leaves of a subtree whose root is kept: a power of two, so that it is a node of the tree."""


def commitment(salt: bytes, payload: bytes) -> bytes:
    """What stands for a payload in its leaf."""
    return sha256(salt + payload).digest()


def leaf_hash(leaf: Leaf | tuple[int, int, str, int, bytes]) -> bytes:
    """The hash of a leaf: 0x00 and its fields in decimal, text and hex, with a blank between."""
    seq, time, request_id, number, committed = leaf
    return sha256(f"\0{seq} {time} {request_id} {number} {committed.hex()}".encode()).digest()


def link(chain: bytes, leaf: bytes) -> bytes:
    """The chain after one more leaf hash."""
    return sha256(chain + leaf).digest()


def first_broken(chain: bytes, lines: Iterable[Kept]) -> int | None:
    """The first seq of these lines that is not what was written; None when all are.

    They follow each other, and `chain` is the one before them. Of a payload that was deleted only the leaf is known.
    """
    for line in lines:
        chain = link(chain, leaf_hash(line.leaf))
        if not _says(line) or chain != line.chain:
            return line.leaf.seq
    return None


def _says(line: Kept) -> bool:
    """Whether a payload is what the leaf stands for. SQLite keeps what was meddled with as text, if it is that."""
    if line.salt is None or line.payload is None:
        return True
    are_bytes = isinstance(line.salt, bytes) and isinstance(line.payload, bytes)
    return are_bytes and commitment(line.salt, line.payload) == line.leaf.commitment


def grown(edge: Sequence[bytes], size: int, leaves: Iterable[bytes]) -> tuple[bytes, ...]:
    """The right edge of a tree of `size` leaves after these leaf hashes were added.

    The edge has the root of each perfect subtree, largest first: one for each bit that is set in the size.
    """
    stack = list(edge)
    for node in leaves:
        place = size
        while place & 1:
            node = sha256(b"\1" + stack.pop() + node).digest()
            place >>= 1
        stack.append(node)
        size += 1
    return tuple(stack)


def root(edge: Sequence[bytes]) -> bytes:
    """The root hash of the tree with this right edge."""
    if not edge:
        return sha256(b"").digest()
    *rest, node = edge
    for left in reversed(rest):
        node = sha256(b"\1" + left + node).digest()
    return node


def extended(head: Head, time: int, chain: bytes, leaves: Sequence[bytes]) -> Head:
    """The head after these leaf hashes, which were written at `time` and lead to this chain."""
    return Head(head.size + len(leaves), time, chain, grown(head.edge, head.size, leaves))


def inclusion_proofs(hashes: Sequence[bytes], wanted: Iterable[int]) -> dict[int, list[bytes]]:
    """The audit path of each wanted leaf in the tree over all these leaf hashes."""
    proofs: dict[int, list[bytes]] = {seq: [] for seq in wanted}
    level = list(hashes)
    height = 0
    while len(level) > 1:
        for seq, path in proofs.items():
            sibling = (seq >> height) ^ 1
            if sibling < len(level):
                path.append(level[sibling])
        # A node without a sibling goes up as it is: so the subtrees are RFC 6962's.
        paired = [sha256(b"\1" + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)]
        level = paired + ([level[-1]] if len(level) % 2 else [])
        height += 1
    return proofs


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes."""
    return root(grown((), 0, hashes))


def proofs_by_subtrees(
    seqs: Iterable[int], size: int, subtrees: Sequence[bytes], leaves: Callable[[int, int], Sequence[bytes]]
) -> dict[int, list[bytes]]:
    """The audit paths of leaves in the tree of `size` leaves.

    `subtrees` are the roots over each SUBTREE leaves, as far as they are known; `leaves` gives the leaf hashes from a
    seq to below another.
    """
    whole = size // SUBTREE
    nodes = list(subtrees[:whole])
    for at in range(len(nodes), whole):
        nodes.append(subtree_root(leaves(at * SUBTREE, (at + 1) * SUBTREE)))
    if size % SUBTREE:
        nodes.append(subtree_root(leaves(whole * SUBTREE, size)))
    by_subtree: dict[int, list[int]] = {}
    for seq in seqs:
        by_subtree.setdefault(seq // SUBTREE, []).append(seq)
    above = inclusion_proofs(nodes, by_subtree)
    proofs = {}
    for own, those in by_subtree.items():
        begin = own * SUBTREE
        below = inclusion_proofs(leaves(begin, min(begin + SUBTREE, size)), [seq - begin for seq in those])
        proofs |= {seq: below[seq - begin] + above[own] for seq in those}
    return proofs


def root_of_inclusion(leaf: bytes, seq: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that this audit path leads to; None when it has a wrong length. Source: RFC 9162: 2.1.3.2."""
    if not 0 <= seq < size:
        return None
    node, at, last = leaf, seq, size - 1
    for sibling in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            node = sha256(b"\1" + sibling + node).digest()
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            node = sha256(b"\1" + node + sibling).digest()
        at >>= 1
        last >>= 1
    return node if last == 0 else None
