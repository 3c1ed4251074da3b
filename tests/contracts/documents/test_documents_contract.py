"""What every implementation of the port `Documents` does."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from xds.errors import Unavailable
from xds.ports import Documents, Staged
from xds.store.files import FileDocuments

KIB = 1024
MIB = 1024 * KIB
SIZES = [0, 1, 10 * KIB, 64 * KIB, 64 * KIB + 1, 512 * KIB, MIB, MIB + 1, 4 * MIB, 4 * MIB + 1, 9 * MIB + 12345]


@pytest.fixture(params=["files"])
def documents(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Documents]:
    store = {"files": FileDocuments}[request.param](tmp_path / "store")
    yield store
    store.close()


def content_of(size: int) -> bytes:
    return (hashlib.sha256(b"%d" % size).digest() * (size // 32 + 1))[:size]


async def stage(documents: Documents, content: bytes, step: int = 100_000) -> Staged:
    staging = documents.stage()
    for start in range(0, len(content), step):
        await staging.write(content[start : start + step])
    return await staging.finish()


async def read(documents: Documents, address: str, size: int) -> bytes:
    return b"".join([chunk async for chunk in documents.read(address, size)])


async def readable(documents: Documents, content: bytes) -> bool:
    try:
        return await read(documents, hashlib.sha256(content).hexdigest(), len(content)) == content
    except Unavailable:
        return False


@pytest.mark.parametrize("size", SIZES)
def test_what_was_committed_is_read_back_with_its_hashes(documents: Documents, size: int) -> None:
    async def go() -> None:
        content = content_of(size)
        staged = await stage(documents, content)
        assert staged.size == size
        assert staged.hash == hashlib.sha1(content).hexdigest()
        assert staged.address == hashlib.sha256(content).hexdigest()
        await documents.commit([staged])
        chunks = [chunk async for chunk in documents.read(staged.address, size)]
        assert b"".join(chunks) == content
        assert all(0 < len(chunk) <= MIB for chunk in chunks)

    asyncio.run(go())


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("step", [1, 7, 8191, 8192, 70_000, MIB])
def test_chunks_of_any_kind_and_cut_make_the_same_document(documents: Documents, kind: type, step: int) -> None:
    async def go() -> None:
        content = content_of(20_000 if step < 10 else 2 * MIB + 1)
        staging = documents.stage()
        for start in range(0, len(content), step):
            await staging.write(kind(content[start : start + step]))
        staged = await staging.finish()
        await documents.commit([staged])
        assert await read(documents, staged.address, staged.size) == content

    asyncio.run(go())


def test_the_caller_may_reuse_its_buffer(documents: Documents) -> None:
    async def go() -> None:
        buffer = bytearray(64 * KIB)
        staging = documents.stage()
        expected = b""
        for number in range(40):
            buffer[:] = bytes([number]) * len(buffer)
            expected += buffer
            await staging.write(memoryview(buffer))
        buffer[:] = bytes(len(buffer))
        staged = await staging.finish()
        await documents.commit([staged])
        assert await read(documents, staged.address, staged.size) == expected

    asyncio.run(go())


@pytest.mark.parametrize("size", [0, 10 * KIB, 2 * MIB, 5 * MIB])
def test_a_document_is_not_readable_before_commit_nor_after_discard(documents: Documents, size: int) -> None:
    async def go() -> None:
        content = content_of(size)
        staged = await stage(documents, content)
        assert not await readable(documents, content)
        documents.discard([staged])
        assert not await readable(documents, content)

    asyncio.run(go())


@pytest.mark.parametrize("size", [10 * KIB, 2 * MIB])
def test_discard_is_harmless_after_commit(documents: Documents, size: int) -> None:
    async def go() -> None:
        staging = documents.stage()
        content = content_of(size)
        await staging.write(content)
        staged = await staging.finish()
        await documents.commit([staged])
        documents.discard([staged])
        staging.discard()
        again = await stage(documents, b"another")
        await documents.commit([again])
        assert await readable(documents, content)

    asyncio.run(go())


def test_several_documents_are_committed_at_once_also_equal_ones(documents: Documents) -> None:
    async def go() -> None:
        contents = [content_of(size) for size in (0, 10, 10, 2 * MIB, 2 * MIB, 100 * KIB)]
        staged = [await stage(documents, content) for content in contents]
        await documents.commit(staged)
        for content in contents:
            assert await readable(documents, content)

    asyncio.run(go())


@pytest.mark.parametrize("size", [10 * KIB, 2 * MIB])
def test_a_document_is_committed_again(documents: Documents, size: int) -> None:
    async def go() -> None:
        content = content_of(size)
        for _ in range(2):
            await documents.commit([await stage(documents, content)])
        assert await readable(documents, content)

    asyncio.run(go())


@pytest.mark.parametrize("size", [10, 2 * MIB])
def test_a_committed_document_can_be_withdrawn(documents: Documents, size: int) -> None:
    async def go() -> None:
        content = content_of(size)
        first = await stage(documents, content)
        await documents.commit([first])
        await documents.withdraw([first])
        assert not await readable(documents, content)
        await documents.withdraw([first])
        await documents.commit([await stage(documents, content)])
        await documents.withdraw([first])
        assert await readable(documents, content)

    asyncio.run(go())


@pytest.mark.parametrize("size", [10, 2 * MIB])
def test_what_another_committed_too_is_not_withdrawn(documents: Documents, size: int) -> None:
    async def go() -> None:
        content = content_of(size)
        for order in (1, -1):
            both = [await stage(documents, content) for _ in range(2)]
            for one in both:
                await documents.commit([one])
            await documents.withdraw(both[::order])
            assert await readable(documents, content)

    asyncio.run(go())


def test_discarding_one_copy_leaves_the_committed_one(documents: Documents) -> None:
    async def go() -> None:
        content = content_of(2 * MIB)
        await documents.commit([await stage(documents, content)])
        documents.discard([await stage(documents, content)])
        assert await readable(documents, content)

    asyncio.run(go())


@pytest.mark.parametrize("address", ["0" * 64, "../../../../etc/passwd", "", "A" * 64, "0" * 63 + "\0", "é" * 64])
@pytest.mark.parametrize("size", [0, 10, 9 * MIB])
def test_what_is_not_there_is_unavailable(documents: Documents, address: str, size: int) -> None:
    async def go() -> None:
        with pytest.raises(Unavailable):
            await anext(aiter(documents.read(address, size)))
        with pytest.raises(Unavailable):
            await documents.check(address, size)

    asyncio.run(go())


@pytest.mark.parametrize(("size", "asked"), [(10, 11), (10, 0), (0, 10), (5 * MIB, 5 * MIB - 1), (5 * MIB, 10)])
def test_another_size_is_unavailable_before_the_first_chunk(documents: Documents, size: int, asked: int) -> None:
    async def go() -> None:
        staged = await stage(documents, content_of(size))
        await documents.commit([staged])
        got = []
        with pytest.raises(Unavailable):
            async for chunk in documents.read(staged.address, asked):
                got.append(chunk)
        assert got == []
        with pytest.raises(Unavailable):
            await documents.check(staged.address, asked)
        await documents.check(staged.address, size)

    asyncio.run(go())


def test_many_uploads_and_reads_at_once(documents: Documents) -> None:
    async def one(number: int) -> None:
        content = content_of(number * 50_021)
        staged = await stage(documents, content, step=9_973)
        await documents.commit([staged])
        assert await read(documents, staged.address, staged.size) == content

    async def go() -> None:
        await asyncio.gather(*(one(number) for number in range(60)))

    asyncio.run(go())


def test_a_reader_may_stop_early(documents: Documents) -> None:
    async def go() -> None:
        content = content_of(9 * MIB)
        staged = await stage(documents, content)
        await documents.commit([staged])
        for _ in range(20):
            chunks = documents.read(staged.address, staged.size)
            assert await anext(aiter(chunks)) == content[:MIB]
            await chunks.aclose()  # type: ignore[attr-defined]
        assert await readable(documents, content)

    asyncio.run(go())
