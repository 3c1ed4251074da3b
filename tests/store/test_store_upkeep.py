"""Sweeping and verifying."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from xds.errors import Unavailable
from xds.model.stored import Holding
from xds.store.files import FileDocuments
from xds.store.sweep import sweep
from xds.store.verify import verify

DAY = 24 * 3600
LARGE = b"large" * 1024 * 1024


def address_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def path_of(root: Path, content: bytes) -> Path:
    address = address_of(content)
    return root / address[:2] / address[2:4] / address


async def submit(documents: FileDocuments, content: bytes) -> None:
    staging = documents.stage()
    await staging.write(content)
    await documents.commit([await staging.finish()])


def store_with(root: Path, *contents: bytes, age: float = 0) -> None:
    documents = FileDocuments(root)
    for content in contents:
        asyncio.run(submit(documents, content))
        path = path_of(root, content)
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    documents.close()


class Holdings(dict[str, int]):
    """What an index holds; how often it was asked."""

    def __init__(self, *contents: bytes):
        super().__init__({address_of(content): len(content) for content in contents})
        self.asked = 0

    async def __call__(self, after: str, limit: int) -> Sequence[Holding]:
        self.asked += 1
        return [Holding(address, address, "", size, "") for address, size in sorted(self.items()) if address > after]


def test_only_orphans_older_than_the_grace_are_swept(tmp_path: Path) -> None:
    store_with(tmp_path, b"held", b"orphan", LARGE, age=DAY + 60)
    store_with(tmp_path, b"young orphan", age=DAY - 60)
    swept = asyncio.run(sweep(tmp_path, Holdings(b"held", LARGE)))
    assert (swept.orphans, swept.leftovers, swept.size) == (1, 0, len(b"orphan"))
    assert not path_of(tmp_path, b"orphan").exists()
    assert all(path_of(tmp_path, content).exists() for content in (b"held", b"young orphan", LARGE))


def test_staged_leftovers_older_than_the_grace_are_swept(tmp_path: Path) -> None:
    store_with(tmp_path)
    for name, age in (("old", 3700), ("young", 3500)):
        path = tmp_path / "tmp" / name
        path.write_bytes(b"12345")
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    swept = asyncio.run(sweep(tmp_path, Holdings(), grace=timedelta(hours=1)))
    assert (swept.orphans, swept.leftovers, swept.size) == (0, 1, 5)
    assert os.listdir(tmp_path / "tmp") == ["young"]


def test_an_orphan_that_is_submitted_again_while_the_sweep_runs_is_spared(tmp_path: Path) -> None:
    store_with(tmp_path, b"document", age=2 * DAY)
    documents = FileDocuments(tmp_path)

    async def page(after: str, limit: int) -> Sequence[Holding]:
        await submit(documents, b"document")
        return []

    swept = asyncio.run(sweep(tmp_path, page))
    documents.close()
    assert swept.orphans == 0
    assert path_of(tmp_path, b"document").read_bytes() == b"document"


def test_submissions_and_sweeps_at_once_lose_nothing(tmp_path: Path) -> None:
    contents = [b"a", b"b", LARGE]
    documents = FileDocuments(tmp_path)

    async def go() -> None:
        for _ in range(4):
            for content in contents:
                await submit(documents, content)
                os.utime(path_of(tmp_path, content), (1, 1))
            sweeping = asyncio.create_task(sweep(tmp_path, Holdings()))
            while not sweeping.done():
                for content in contents:
                    await submit(documents, content)
                    assert path_of(tmp_path, content).exists()
            await sweeping
            assert all(path_of(tmp_path, content).exists() for content in contents)

    asyncio.run(go())
    documents.close()


def test_verify_names_what_is_missing_mismatched_or_an_orphan(tmp_path: Path) -> None:
    store_with(tmp_path, b"right", b"flipped", b"torn", b"orphan", LARGE)
    path_of(tmp_path, b"flipped").write_bytes(b"FLIPPED")
    path_of(tmp_path, b"torn").write_bytes(b"to")
    findings = asyncio.run(verify(tmp_path, Holdings(b"right", b"flipped", b"torn", b"gone", LARGE)))
    assert findings.checked == 5
    assert findings.missing == [address_of(b"gone")]
    assert sorted(findings.mismatched) == sorted(map(address_of, (b"flipped", b"torn")))
    assert findings.orphans == [address_of(b"orphan")]
    assert findings.quarantined == []
    assert not findings.sound


def test_the_index_is_walked_through_once(tmp_path: Path) -> None:
    contents = [b"%d" % number for number in range(100)]
    store_with(tmp_path, *contents, age=2 * DAY)
    held = Holdings(*contents, b"gone")
    assert asyncio.run(sweep(tmp_path, held)).orphans == 0
    assert held.asked == 2
    assert asyncio.run(verify(tmp_path, held)).missing == [address_of(b"gone")]
    assert held.asked == 4


def test_pages_of_an_index_are_put_together(tmp_path: Path) -> None:
    store_with(tmp_path, b"one", b"two", b"three", age=2 * DAY)
    whole = Holdings(b"one", b"two")

    async def page(after: str, limit: int) -> Sequence[Holding]:
        return (await whole(after, limit))[:1]

    assert asyncio.run(verify(tmp_path, page)).orphans == [address_of(b"three")]
    assert asyncio.run(sweep(tmp_path, page)).orphans == 1


def test_verify_of_a_sound_store(tmp_path: Path) -> None:
    store_with(tmp_path, b"one", b"", LARGE)
    steps = []
    held = Holdings(b"one", b"", LARGE)
    findings = asyncio.run(verify(tmp_path, held, quarantine=True, progress=lambda found: steps.append(found.checked)))
    assert findings.sound
    assert (findings.checked, findings.size) == (3, 3 + len(LARGE))
    assert steps[-1] == 3


def test_a_recorded_size_that_differs_is_a_mismatch(tmp_path: Path) -> None:
    store_with(tmp_path, b"document")
    held = Holdings()
    held[address_of(b"document")] = 9
    assert asyncio.run(verify(tmp_path, held)).mismatched == [address_of(b"document")]


def test_quarantine_takes_a_damaged_document_away_until_it_is_submitted_again(tmp_path: Path) -> None:
    store_with(tmp_path, b"document")
    for number in (1, 2):
        path_of(tmp_path, b"document").write_bytes(b"DAMAGED!")
        findings = asyncio.run(verify(tmp_path, Holdings(b"document"), quarantine=True))
        assert findings.quarantined == [address_of(b"document")]
        assert (tmp_path / "quarantine" / f"{address_of(b'document')}.{number}").read_bytes() == b"DAMAGED!"
        documents = FileDocuments(tmp_path)
        with pytest.raises(Unavailable, match="missing"):
            asyncio.run(anext(aiter(documents.read(address_of(b"document"), 8))))  # type: ignore[arg-type]
        asyncio.run(submit(documents, b"document"))
        documents.close()
        assert asyncio.run(verify(tmp_path, Holdings(b"document"))).sound
