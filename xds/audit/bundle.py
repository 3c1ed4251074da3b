"""An export of the log: what a stranger needs to verify it, and nothing else.

A folder with `log.ndjson` (a header, then a record on each line), `checkpoints` (signed notes, one after another),
`manifest` (a signed note of which records there are) and perhaps `key` (the log's public key, which the reader should
have from elsewhere too). A part of the log from a seq on has the
right edge of the tree before it; a selection has for each record its proof of inclusion under the last checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from xds.audit.tree import commitment, inclusion_proofs, leaf_hash
from xds.model.audit import Head, Kept, Leaf

RECORDS, CHECKPOINTS, MANIFEST, KEY = "log.ndjson", "checkpoints", "manifest", "key"
FORMAT = 1

_encode = msgspec.json.Encoder().encode


class Header(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The first line. `size` is that of the tree before the first record; `edge` and `chain` are its state.

    `selected` says that the lines are a selection with proofs: then the rest means nothing.
    """

    xds_log: int
    origin: str
    size: int
    edge: tuple[str, ...]
    chain: str
    selected: bool = False


class Line(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A record: bytes are in lower-case hex, the payload is its text.

    After the payload was deleted its commitment stands in its place. `proof` is the audit path, in a selection.
    """

    seq: int
    time: int
    request_id: str
    number: int
    chain: str | None = None
    salt: str | None = None
    payload: str | None = None
    commitment: str | None = None
    proof: tuple[str, ...] | None = None

    @property
    def leaf(self) -> Leaf:
        """What the tree commits to; ValueError when the line has neither its payload nor a commitment."""
        if self.payload is not None and self.salt is not None:
            committed = commitment(bytes.fromhex(self.salt), self.payload.encode())
        elif self.payload is None and self.salt is None and self.commitment is not None:
            committed = bytes.fromhex(self.commitment)
        else:
            raise ValueError("it has neither a payload with its salt nor a commitment")
        return Leaf(self.seq, self.time, self.request_id, self.number, committed)


_header = msgspec.json.Decoder(Header).decode
_read = msgspec.json.Decoder(Line).decode


def read_header(text: bytes) -> Header:
    """Read the first line; ValueError unless it is exactly as it would be written."""
    header = _header(text)
    if header.xds_log != FORMAT or _encode(header) + b"\n" != text:
        raise ValueError("it is no header of an export")
    return header


def read_line(text: bytes) -> Line:
    """Read a record's line; ValueError unless it is exactly as it would be written."""
    line = _read(text)
    in_hex = (line.chain, line.salt, line.commitment, *(line.proof or ()))
    if _encode(line) + b"\n" != text or not all(each is None or bytes.fromhex(each).hex() == each for each in in_hex):
        raise ValueError("it is no record of an export")
    return line


def export(origin: str, before: Head, lines: Iterable[Kept]) -> Iterator[bytes]:
    """The lines of an export that goes on from the state `before`."""
    yield _encode(
        Header(FORMAT, origin, before.size, tuple(node.hex() for node in before.edge), before.chain.hex())
    ) + b"\n"  # fmt: skip
    for kept in lines:
        yield _line(kept, kept.chain.hex(), None)


def export_selection(origin: str, lines: Sequence[Kept], leaves: Iterable[Leaf]) -> Iterator[bytes]:
    """The lines of an export of some records; `leaves` are all leaves under the checkpoint that goes with it."""
    proofs = inclusion_proofs([leaf_hash(leaf) for leaf in leaves], [kept.leaf.seq for kept in lines])
    yield selection_header(origin)
    for kept in lines:
        yield proven(kept, proofs[kept.leaf.seq])


def selection_header(origin: str) -> bytes:
    """The first line of an export of some records."""
    return _encode(Header(FORMAT, origin, 0, (), bytes(32).hex(), True)) + b"\n"


def proven(kept: Kept, path: Sequence[bytes]) -> bytes:
    """The line of a record with its audit path."""
    return _line(kept, None, tuple(node.hex() for node in path))


def _line(kept: Kept, chain: str | None, proof: tuple[str, ...] | None) -> bytes:
    leaf, payload, salt = kept.leaf, kept.payload, kept.salt
    line = Line(
        leaf.seq,
        leaf.time,
        leaf.request_id,
        leaf.number,
        chain,
        None if salt is None else salt.hex(),
        None if payload is None else payload.decode(),
        leaf.commitment.hex() if payload is None else None,
        proof,
    )
    return _encode(line) + b"\n"
