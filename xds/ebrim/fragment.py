"""Fragments packed for the index: zlib over a preset dictionary of what all fragments share.

The first byte of a packed fragment names its dictionary, dictionaries/<number>.bin. A dictionary that was ever used
is never changed or dropped: without it its fragments can't be read. scripts/fragment-dictionary makes a new one.
"""

from __future__ import annotations

import zlib
from pathlib import Path

_FOLDER = Path(__file__).parent / "dictionaries"
_DICTIONARIES = {int(path.stem): path.read_bytes() for path in _FOLDER.glob("*.bin")}
_NEWEST = max(_DICTIONARIES)
_MARK = bytes([_NEWEST])
_LEVEL = 1
_RAW = -15
"""Raw deflate with the largest window: no header, no checksum."""
_MEMORY = 7
"""As small a state as packs equally well: it is copied for every fragment, far faster than the dictionary is read."""
_PACKER = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, _DICTIONARIES[_NEWEST])


def pack(fragment: bytes) -> bytes:
    """Compress a fragment."""
    packer = _PACKER.copy()
    return _MARK + packer.compress(fragment) + packer.flush()


def unpack(packed: bytes) -> bytes:
    """The fragment that was packed; KeyError when its dictionary is missing, zlib.error when it is damaged."""
    return zlib.decompressobj(_RAW, _DICTIONARIES[packed[0]]).decompress(memoryview(packed)[1:])
