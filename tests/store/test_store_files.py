"""The files of the store: what is on disk, and when."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from pathlib import Path

import pytest
from store_kit import KIB, MIB, path_of, read, staged_files, submit

from xds.errors import Misconfigured, Unavailable
from xds.store.files import FileDocuments


def test_layout_and_permissions(tmp_path: Path) -> None:
    root = tmp_path / "store"
    documents = FileDocuments(root)
    contents = b"small", b"large" * MIB
    asyncio.run(submit(documents, *contents))
    documents.close()
    for content in contents:
        path = path_of(root, content)
        assert path.read_bytes() == content
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert staged_files(root) == []


def test_staged_files_have_random_names_that_only_the_owner_may_read(tmp_path: Path) -> None:
    documents = FileDocuments(tmp_path)

    async def go() -> None:
        stagings = [documents.stage() for _ in range(3)]
        for staging in stagings:
            await staging.write(bytes(MIB))
            await staging.finish()
        names = staged_files(tmp_path)
        assert len(set(names)) == 3
        assert all(len(name) == 32 for name in names)
        assert all(stat.S_IMODE((tmp_path / "tmp" / name).stat().st_mode) == 0o600 for name in names)
        for staging in stagings:
            staging.discard()

    asyncio.run(go())
    documents.close()
    assert staged_files(tmp_path) == []


@pytest.mark.parametrize("size", [10 * KIB, 400 * KIB, 3 * MIB])
def test_discarding_an_upload_at_any_moment_leaves_nothing(tmp_path: Path, size: int) -> None:
    documents = FileDocuments(tmp_path)

    async def go() -> None:
        staging = documents.stage()
        await staging.write(bytes(size))
        staging.discard()

    asyncio.run(go())
    documents.close()
    assert staged_files(tmp_path) == []


def test_a_cancelled_upload_leaves_nothing(tmp_path: Path) -> None:
    documents = FileDocuments(tmp_path)

    async def upload() -> None:
        staging = documents.stage()
        try:
            while True:
                await staging.write(bytes(MIB))
        finally:
            staging.discard()

    async def go() -> None:
        for turns in range(20):
            task = asyncio.create_task(upload())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(go())
    documents.close()
    assert staged_files(tmp_path) == []


@pytest.mark.parametrize("content", [b"small", b"large" * MIB])
def test_a_document_that_is_there_is_kept_and_made_young(tmp_path: Path, content: bytes) -> None:
    documents = FileDocuments(tmp_path)
    asyncio.run(submit(documents, content))
    path = path_of(tmp_path, content)
    inode = path.stat().st_ino
    os.utime(path, (1, 1))
    asyncio.run(submit(documents, content))
    documents.close()
    assert path.stat().st_ino == inode
    assert path.stat().st_mtime > 1_000_000_000
    assert staged_files(tmp_path) == []


@pytest.mark.parametrize("content", [b"small", b"large" * MIB])
def test_a_file_of_another_size_is_replaced(tmp_path: Path, content: bytes) -> None:
    documents = FileDocuments(tmp_path)
    asyncio.run(submit(documents, content))
    path_of(tmp_path, content).write_bytes(b"torn")
    asyncio.run(submit(documents, content))
    assert asyncio.run(read(documents, content)) == content
    documents.close()


@pytest.mark.parametrize("size", [10, MIB + 1, 4 * MIB, 4 * MIB + 1, 9 * MIB])
@pytest.mark.parametrize("where", ["first", "last"])
def test_damaged_bytes_are_never_served_as_complete(tmp_path: Path, size: int, where: str) -> None:
    documents = FileDocuments(tmp_path)
    content = bytes(size)
    asyncio.run(submit(documents, content))
    with path_of(tmp_path, content).open("r+b") as file:
        file.seek(0 if where == "first" else size - 1)
        file.write(b"\x01")
    got: list[bytes] = []

    async def go() -> None:
        async for chunk in documents.read(hashlib.sha256(content).hexdigest(), size):
            got.append(chunk)

    with pytest.raises(Unavailable):
        asyncio.run(go())
    documents.close()
    assert len(b"".join(got)) == 0 if size <= 4 * MIB else len(b"".join(got)) < size


def test_memory_for_small_documents_is_bounded(tmp_path: Path) -> None:
    documents = FileDocuments(tmp_path)

    async def go() -> None:
        staged = []
        for number in range(400):
            staging = documents.stage()
            await staging.write(b"%3d" % number + bytes(60 * KIB))
            staged.append(await staging.finish())
        assert 0 < len(staged_files(tmp_path)) < 400
        await documents.commit(staged)
        assert staged_files(tmp_path) == []
        for number in range(200):
            staging = documents.stage()
            await staging.write(b"%3d" % number + bytes(60 * KIB))
            documents.discard([await staging.finish()])
        assert staged_files(tmp_path) == []

    asyncio.run(go())
    documents.close()


def test_several_processes_share_a_root(tmp_path: Path) -> None:
    first, second = FileDocuments(tmp_path), FileDocuments(tmp_path)
    asyncio.run(submit(first, b"document"))
    assert asyncio.run(read(second, b"document")) == b"document"
    first.close()
    second.close()


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"")
    with pytest.raises(Misconfigured, match=r"store\.toml is missing"):
        FileDocuments(tmp_path)


@pytest.mark.parametrize("marker", ["version = 2", "version = '1'", "", "version ="])
def test_a_store_of_another_format_is_refused(tmp_path: Path, marker: str) -> None:
    FileDocuments(tmp_path).close()
    (tmp_path / "store.toml").write_text(marker)
    with pytest.raises(Misconfigured, match=r"store\.toml"):
        FileDocuments(tmp_path)


def test_a_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Misconfigured):
        FileDocuments(tmp_path / "file")


def test_a_store_belongs_to_one_repository_for_good(tmp_path: Path) -> None:
    def opened(repository: str) -> None:
        documents = FileDocuments(tmp_path / "store")
        try:
            documents.belong_to(repository)
        finally:
            documents.close()

    opened("2.999.1")
    opened("2.999.1")
    with pytest.raises(Misconfigured, match="is the store of"):
        opened("2.999.2")
