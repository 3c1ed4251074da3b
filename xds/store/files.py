"""`FileDocuments`: the port `Documents` on a disk."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

from xds.errors import Unavailable
from xds.ports import Staged
from xds.store.disk import Disk, disk_errors, is_address
from xds.store.staging import FileStaging, StagedDocument

CHUNK = 1024 * 1024
CHECKED_FIRST = 4 * 1024 * 1024
_IN_MEMORY = 16 * 1024 * 1024
_THREADS = 8
_FLUSHES = 2

_log = logging.getLogger(__name__)


class FileDocuments:
    """Documents under one root; several processes may share it. See the package's docstring."""

    def __init__(self, root: Path):
        """Open or make the store; Misconfigured when `root` is something else."""
        self._disk = Disk(root)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="documents")
        self._flushes = ThreadPoolExecutor(_FLUSHES, thread_name_prefix="flushes")
        self._in_memory = 0

    def close(self) -> None:
        """Wait until all file work is done; nothing can be staged or read afterwards."""
        self._threads.shutdown()
        self._flushes.shutdown()

    def belong_to(self, repository: str) -> None:
        """Be the store of this repositoryUniqueId, for good; Misconfigured when it is another repository's."""
        self._disk.belong_to(repository)

    def stage(self) -> FileStaging:
        """Begin to receive a document."""
        return FileStaging(self._disk, self._threads, self._flushes, self._may_keep)

    async def commit(self, staged: Sequence[Staged]) -> None:
        """Make these durable under their addresses, all in one visit to a thread.

        Unavailable when the disk is full or failing: no staged file is left, and what had its address by then is
        an orphan.
        """
        documents = cast(Sequence[StagedDocument], staged)
        work = [(document, document.content) for document in documents]
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._commit, work)
        finally:
            self._forget(documents)

    def discard(self, staged: Sequence[Staged]) -> None:
        """Remove staged documents, in a thread; harmless after commit."""
        documents = cast(Sequence[StagedDocument], staged)
        self._forget(documents)
        drafts = [document.draft for document in documents if document.draft is not None]
        if drafts:
            self._threads.submit(_unlink, drafts)

    async def withdraw(self, staged: Sequence[Staged]) -> None:
        """Remove committed documents of a submission that was refused.

        One that was there before, or was committed again since, stays. What fails here is left to the sweep.
        """
        new = [document for document in cast(Sequence[StagedDocument], staged) if document.mark is not None]
        if new:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._withdraw, new)

    async def read(self, address: str, size: int) -> AsyncIterator[bytes]:
        """Yield the document in chunks of at most 1 MiB, checked against its address.

        Unavailable, before the first chunk, when it is missing, has another size or, up to 4 MiB, other bytes;
        before the last chunk when a larger one has other bytes.
        """
        reading = _Reading(self._disk, address, size)
        if size <= CHECKED_FIRST:
            content = await asyncio.get_running_loop().run_in_executor(self._threads, reading.whole)
            for start in range(0, size, CHUNK):
                yield content[start : start + CHUNK]
            return
        ahead = self._threads.submit(reading.next)
        try:
            while chunk := await asyncio.wrap_future(ahead):
                ahead = self._threads.submit(reading.next)
                yield chunk
        finally:
            ahead.add_done_callback(lambda _: reading.close())

    async def check(self, address: str, size: int) -> None:
        """Unavailable when a document is missing or has another size."""
        reading = _Reading(self._disk, address, size)
        await asyncio.get_running_loop().run_in_executor(self._threads, reading.check)

    def _may_keep(self, size: int) -> bool:
        if self._in_memory + size > _IN_MEMORY:
            return False
        self._in_memory += size
        return True

    def _forget(self, documents: Sequence[StagedDocument]) -> None:
        for document in documents:
            if document.content is not None:
                self._in_memory -= document.size
                document.content = None

    def _withdraw(self, documents: Sequence[StagedDocument]) -> None:
        for document in documents:
            assert document.mark is not None
            with contextlib.suppress(OSError):
                self._disk.withdraw(document.address, document.mark)

    def _commit(self, work: Sequence[tuple[StagedDocument, bytes | None]]) -> None:
        drafts = [document.draft for document, _ in work if document.draft is not None]
        try:
            with disk_errors():
                ready = []
                for document, content in work:
                    if content is None:
                        assert document.draft is not None
                        ready.append((document, document.draft))
                    elif not self._disk.keep(document.address, document.size):
                        draft = self._disk.write_draft(content, drafts)
                        ready.append((document, draft))
                for document, draft in ready:
                    document.mark = self._disk.install(draft, document.address, document.size)
                self._disk.settle(document.address for document, _ in work)
        except BaseException:
            _unlink(drafts)
            raise


class _Reading:
    """A document being read and checked, in threads, one call at a time."""

    def __init__(self, disk: Disk, address: str, size: int):
        self._disk = disk
        self._address = address
        self._left = self._size = size
        self._sha256 = hashlib.sha256()
        self._fd: int | None = None

    def whole(self) -> bytes:
        """All of it; for small documents."""
        try:
            chunks = []
            while chunk := self.next():
                chunks.append(chunk)
            return b"".join(chunks)
        finally:
            self.close()

    def check(self) -> None:
        """Find out what can be known without reading."""
        try:
            with disk_errors():
                self._open()
        finally:
            self.close()

    def next(self) -> bytes:
        """The next chunk, or b"" at the end; the last one is given only when all bytes are right."""
        with disk_errors():
            if self._fd is None:
                self._open()
            chunk = os.read(cast(int, self._fd), min(CHUNK, self._left))
        self._left -= len(chunk)
        self._sha256.update(chunk)
        if (self._left == 0 or not chunk) and self._sha256.hexdigest() != self._address:
            _log.error("document %s does not match its address and was not served", self._address)
            raise Unavailable("a stored document is damaged")
        return chunk

    def close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def _open(self) -> None:
        if not is_address(self._address):
            raise Unavailable("the document store has no such document")
        try:
            self._fd = os.open(self._disk.path(self._address), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            _log.error("document %s is missing", self._address)
            raise Unavailable("a stored document is missing") from None
        if os.fstat(self._fd).st_size != self._size:
            _log.error("document %s has another size and was not served", self._address)
            raise Unavailable("a stored document is damaged")


def _unlink(drafts: Sequence[Path]) -> None:
    for draft in drafts:
        with contextlib.suppress(OSError):
            os.unlink(draft)
