"""Packed fragments: they read back, small, from any thread, and old dictionaries stay."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from samples import association, entry, folder, submission_set
from zstandard import ZstdError

import xds.ebrim.fragment
from xds.ebrim.encode import encode
from xds.ebrim.fragment import pack, unpack


@given(st.binary(max_size=70_000))
def test_any_bytes_read_back(fragment):
    assert unpack(pack(fragment)) == fragment


def test_fragments_are_small():
    sizes = {kind.__name__: len(pack(encode(kind()))) for kind in (entry, submission_set, folder)}
    assert sizes["entry"] < 500
    assert sizes["submission_set"] < 350
    assert len(pack(encode(association("a", "b")))) < 200


def test_damage_is_noticed():
    fragment = encode(entry())
    packed = pack(fragment)
    unnoticed = []
    for at in range(1, len(packed)):
        damaged = packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]
        with suppress(ZstdError):
            unnoticed.append(unpack(damaged))
    # A bit or two are padding, which says nothing.
    assert len(unnoticed) <= 2
    assert set(unnoticed) <= {fragment}


def test_threads_don_t_disturb_each_other():
    fragments = [encode(entry(f"Document{n}")) for n in range(200)]
    with ThreadPoolExecutor(4) as pool:
        packed = list(pool.map(pack, fragments))
        assert list(pool.map(unpack, packed)) == fragments


def test_a_dictionary_in_use_is_never_changed():
    folder_ = Path(xds.ebrim.fragment.__file__).parent / "dictionaries"
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder_.glob("*.bin")}
    assert digests == {"1.bin": "a85b2c6fc1c0d6a3fe76d8672303bff4919783c7210fec706583b8a128b93e9c"}
