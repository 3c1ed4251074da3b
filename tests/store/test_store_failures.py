"""What a failing disk, a sudden end and a lack of descriptors leave of the store."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from store_kit import MIB, path_of, read, staged_files, submit

from xds.errors import Unavailable
from xds.store.files import FileDocuments

CALLS = ("open", "writev", "fsync", "fdatasync", "rename", "mkdir", "stat", "utime", "close")


class Calls:
    """The calls to the operating system that change or sync files: recorded, and one of them made to fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...] = CALLS, fatal: bool = False):
        self.log: list[tuple[str, str]] = []
        self.fail_at = 0
        self.error = errno.EIO
        self.fatal = fatal
        self._names: dict[int, str] = {}
        for name in names:
            monkeypatch.setattr(os, name, self._wrap(name, getattr(os, name)))

    def _wrap(self, name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            subject = args[0]
            label = self._names.get(subject, "?") if isinstance(subject, int) else os.fspath(subject)  # type: ignore
            self.log.append((name, str(args[1]) if name == "rename" else label))
            if len(self.log) == self.fail_at:
                if self.fatal:
                    os._exit(9)
                if name == "close":
                    real(*args, **options)
                raise OSError(self.error, os.strerror(self.error))
            result = real(*args, **options)
            if name == "open":
                self._names[result] = label  # type: ignore[index]
            return result

        return call


@pytest.mark.parametrize("content", [b"small", b"large" * MIB])
def test_bytes_then_name_then_folders_are_made_durable_before_commit_returns(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = FileDocuments(tmp_path)
    path = path_of(tmp_path, content)
    with monkeypatch.context() as patch:
        calls = Calls(patch)
        asyncio.run(submit(documents, content))
    documents.close()
    log = calls.log
    renamed = log.index(("rename", str(path)))
    drafts = f"{tmp_path}/tmp/"
    draft_synced = max(i for i, (name, what) in enumerate(log) if name == "fsync" and what.startswith(drafts))
    last_written = max(i for i, (name, _) in enumerate(log) if name == "writev")
    assert last_written < draft_synced < renamed
    for folder, after in (
        (path.parent, renamed),
        (path.parent.parent, log.index(("mkdir", str(path.parent)))),
        (tmp_path, log.index(("mkdir", str(path.parent.parent)))),
    ):
        assert ("fsync", str(folder)) in log[after:]


def test_a_folder_that_another_process_made_is_made_durable_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = FileDocuments(tmp_path)
    path = path_of(tmp_path, b"small")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"small")
    with monkeypatch.context() as patch:
        calls = Calls(patch)
        asyncio.run(submit(documents, b"small"))
    documents.close()
    synced = {what for name, what in calls.log if name == "fsync"}
    assert {str(tmp_path), str(path.parent.parent), str(path.parent)} <= synced


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EMFILE])
@pytest.mark.parametrize("contents", [(b"small",), (b"one", b"two" * MIB)])
def test_whichever_call_fails_nothing_half_is_there_and_nothing_is_left(
    tmp_path: Path, contents: tuple[bytes, ...], error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, failed = 0, True
    while failed:
        number += 1
        root = tmp_path / str(number)
        documents = FileDocuments(root)
        with monkeypatch.context() as patch:
            calls = Calls(patch)
            calls.fail_at, calls.error = number, error
            try:
                asyncio.run(_submit_or_discard(documents, *contents))
                failed = len(calls.log) >= number
            except Unavailable as unavailable:
                assert errno.errorcode[error] in str(unavailable)
            documents.close()
        assert staged_files(root) == []
        documents = FileDocuments(root)
        for content in contents:
            assert not path_of(root, content).exists() or asyncio.run(read(documents, content)) == content
        asyncio.run(submit(documents, *contents))
        assert [asyncio.run(read(documents, content)) for content in contents] == list(contents)
        documents.close()
    assert number > 10


async def _submit_or_discard(documents: FileDocuments, *contents: bytes) -> None:
    """What a request does: whatever fails, what it had staged is discarded."""
    stagings = []
    try:
        staged = []
        for content in contents:
            staging = documents.stage()
            stagings.append(staging)
            await staging.write(content)
            staged.append(await staging.finish())
        await documents.commit(staged)
    except Unavailable:
        for staging in stagings:
            staging.discard()
        raise


def test_a_sync_that_fails_in_the_middle_of_an_upload_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = FileDocuments(tmp_path)

    async def go() -> None:
        staging = documents.stage()
        with pytest.raises(Unavailable, match="EIO"):
            for _ in range(100):
                await staging.write(bytes(MIB))

    with monkeypatch.context() as patch:
        calls = Calls(patch, ("open", "fdatasync"))
        calls.fail_at = 2
        asyncio.run(go())
    assert [name for name, _ in calls.log] == ["open", "fdatasync"]
    documents.close()
    assert staged_files(tmp_path) == []


def test_an_fsync_that_failed_is_not_repeated_on_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = FileDocuments(tmp_path)

    async def go() -> None:
        staging = documents.stage()
        await staging.write(bytes(MIB))
        with monkeypatch.context() as patch:
            calls = Calls(patch, ("fsync",))
            calls.fail_at = 1
            with pytest.raises(Unavailable):
                await staging.finish()
        with pytest.raises(Unavailable):
            await staging.write(bytes(MIB))
        with pytest.raises(Unavailable):
            await staging.finish()
        assert [name for name, _ in calls.log] == ["fsync"]

    asyncio.run(go())
    documents.close()
    assert staged_files(tmp_path) == []


@pytest.mark.parametrize("content", [b"small", b"large" * MIB])
def test_killed_at_any_call_the_document_is_whole_or_absent(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, code = 0, 9
    while code == 9:
        number += 1
        root = tmp_path / str(number)
        child = os.fork()
        if child == 0:
            try:
                documents = FileDocuments(root)
                Calls(monkeypatch, fatal=True).fail_at = number
                asyncio.run(submit(documents, content))
                os._exit(0)
            finally:
                os._exit(1)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        documents = FileDocuments(root)
        if code == 0 or path_of(root, content).exists():
            assert asyncio.run(read(documents, content)) == content
        documents.close()
    assert code == 0
    assert number > 10


def test_without_descriptors_the_store_is_unavailable_and_recovers(tmp_path: Path) -> None:
    documents = FileDocuments(tmp_path)
    asyncio.run(submit(documents, b"before"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []

    async def go() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        try:
            with pytest.raises(OSError, match="Too many open files"):
                while True:
                    taken.append(os.open("/", os.O_RDONLY))
            with pytest.raises(Unavailable, match="EMFILE"):
                await submit(documents, b"meanwhile")
            with pytest.raises(Unavailable, match="EMFILE"):
                await read(documents, b"before")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for fd in taken:
                os.close(fd)
        await submit(documents, b"meanwhile")
        assert await read(documents, b"meanwhile") == b"meanwhile"

    asyncio.run(go())
    documents.close()
    assert staged_files(tmp_path) == []
