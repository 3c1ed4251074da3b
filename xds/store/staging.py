"""A document being received: hashed and written in batches, off the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

from xds.errors import Unavailable
from xds.store.disk import Disk, disk_errors, write_all

SMALL = 64 * 1024
BATCH = 512 * 1024
_WHOLE = 8 * 1024
_FLUSH = 32 * 1024 * 1024


@dataclass(slots=True)
class StagedDocument:
    """A received document: in a staged and fsynced file (`draft`), or in memory (`content`) when small.

    `content` is dropped when the document is committed or discarded. `mark` is set when its commit made a new file.
    """

    hash: str
    address: str
    size: int
    draft: Path | None
    content: bytes | None
    mark: int | None = None


class FileStaging:
    """The port `Staging`. One batch is at work in a thread while the next one is collected.

    What was written before is flushed meanwhile by `flushes`, an executor of its own: the others wait for it.
    """

    def __init__(self, disk: Disk, threads: Executor, flushes: Executor, may_keep: Callable[[int], bool]):
        self._disk = disk
        self._threads = threads
        self._flushes = flushes
        self._may_keep = may_keep
        self._chunks: list[bytes | bytearray] = []
        self._waiting = 0
        self._size = 0
        self._unsynced = 0
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._fd: int | None = None
        self._draft: Path | None = None
        self._batch: Future[None] | None = None
        self._flush: Future[None] | None = None
        self._closed = False

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take bytes; Unavailable when the disk failed, now or at an earlier batch."""
        length = len(chunk)
        if type(chunk) is bytes and length >= _WHOLE:
            self._chunks.append(chunk)
        elif self._chunks and isinstance(self._chunks[-1], bytearray):
            self._chunks[-1] += chunk
        else:
            self._chunks.append(bytearray(chunk))
        self._waiting += length
        self._size += length
        if self._waiting >= BATCH:
            await self._hand_over(last=False)

    async def finish(self) -> StagedDocument:
        """Hash and, unless small, write and fsync what is left; Unavailable when the disk failed."""
        if self._fd is None and self._batch is None and self._size <= SMALL and self._may_keep(self._size):
            content = b"".join(self._chunks)
            self._chunks = []
            sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
            return StagedDocument(sha1, hashlib.sha256(content).hexdigest(), self._size, None, content)
        await self._hand_over(last=True)
        await self._settled()
        return StagedDocument(self._sha1.hexdigest(), self._sha256.hexdigest(), self._size, self._draft, None)

    def discard(self) -> None:
        """Remove what was received, once the batch at work is done with it."""
        self._chunks = []
        if self._batch is None:
            self._closed = True
        elif self._batch.done():
            self._threads.submit(self._remove)
        else:
            self._batch.add_done_callback(lambda _: self._remove())

    async def _hand_over(self, *, last: bool) -> None:
        await self._settled()
        chunks, self._chunks, self._waiting = self._chunks, [], 0
        self._batch = self._threads.submit(self._take, chunks, last)

    async def _settled(self) -> None:
        if self._batch is not None and not self._batch.done():
            await asyncio.wrap_future(self._batch)
        elif self._batch is not None:
            self._batch.result()

    def _take(self, chunks: list[bytes | bytearray], last: bool) -> None:
        if self._closed:
            raise Unavailable("the document was discarded")
        try:
            with disk_errors():
                if self._fd is None:
                    self._fd, self._draft = self._disk.create()
                for chunk in chunks:
                    self._sha1.update(chunk)
                    self._sha256.update(chunk)
                write_all(self._fd, chunks)
                self._unsynced += sum(map(len, chunks))
                if last:
                    self._flushed()
                    os.fsync(self._fd)
                    fd, self._fd = self._fd, None
                    os.close(fd)
                elif self._unsynced >= _FLUSH:
                    # Spreads the writing over the upload, so that no long fsync at its end holds up everyone else's.
                    self._flushed()
                    self._flush = self._flushes.submit(os.fdatasync, self._fd)
                    self._unsynced = 0
        except BaseException:
            self._remove()
            raise

    def _flushed(self) -> None:
        """Wait for the flush that was begun; OSError when it failed."""
        flush, self._flush = self._flush, None
        if flush is not None:
            flush.result()

    def _remove(self) -> None:
        self._closed = True
        with contextlib.suppress(OSError):
            self._flushed()
        fd, self._fd = self._fd, None
        if fd is not None:
            with contextlib.suppress(OSError):
                os.close(fd)
        if self._draft is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._draft)
