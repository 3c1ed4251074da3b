"""Where checkpoints are kept, out of reach of who keeps the log."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import ssl
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import aiohttp
import structlog

from xds.audit.checkpoint import split_notes
from xds.errors import Unavailable
from xds.ports import Index

_SECONDS = aiohttp.ClientTimeout(total=20)
_SUFFIX = ".checkpoint"
_TAIL = 1 << 16
"""Bytes at the end of a file that are looked at: many checkpoints."""

_log = structlog.get_logger()


class Anchor(Protocol):
    """A keeper of checkpoints."""

    async def keep(self, size: int, note: str) -> None:
        """Return when the checkpoint of this size is kept; Unavailable when it can't be."""

    async def newest(self, origin: str) -> str | None:
        """The last checkpoint that is kept of this log; None when there is none, or it can't be asked for.

        Unavailable when it can't be read.
        """


def anchor_at(place: str | Path, context: ssl.SSLContext | None = None) -> Anchor:
    """The keeper at an https URL or a path: a file if it has a suffix, else a folder with a file for each checkpoint.

    `context` is what the client of an URL trusts and shows.
    """
    if isinstance(place, str):
        return HostAnchor(place, context)
    return FileAnchor(place) if place.suffix else FolderAnchor(place)


class FileAnchor:
    """Checkpoints one after another in a file."""

    def __init__(self, path: Path):
        self._path = path

    async def keep(self, size: int, note: str) -> None:
        await asyncio.to_thread(self._append, f"{note}\n".encode())

    async def newest(self, origin: str) -> str | None:
        return await asyncio.to_thread(self._newest, origin)

    def _append(self, text: bytes) -> None:
        with _unavailable():
            descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                end = os.lseek(descriptor, 0, os.SEEK_END)
                if end and os.pread(descriptor, 2, max(0, end - 2)) != b"\n\n":
                    text = b"\n\n" + text  # after one that was broken off, and would run into this one
                if os.write(descriptor, text) < len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _newest(self, origin: str) -> str | None:
        """The last whole one: what was broken off before it, or after it, is not one."""
        with _unavailable():
            try:
                with self._path.open("rb") as file:
                    file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
                    text = file.read().decode("utf-8", "replace")
            except FileNotFoundError:
                return None
        return _last_of(origin, split_notes(text))


class FolderAnchor:
    """A file for each checkpoint, named after its size; one that is there is never written again."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._read: tuple[int, str | None] | None = None

    async def keep(self, size: int, note: str) -> None:
        await asyncio.to_thread(self._write, f"{size:020d}{_SUFFIX}", note.encode())

    async def newest(self, origin: str) -> str | None:
        return await asyncio.to_thread(self._newest, origin)

    def _newest(self, origin: str) -> str | None:
        with _unavailable():
            try:
                changed = self._folder.stat().st_mtime_ns
            except FileNotFoundError:
                return None
            if self._read is None or self._read[0] != changed:
                # In a year it has half a million files: it is not gone through unless something was added.
                name = max((each for each in os.listdir(self._folder) if each.endswith(_SUFFIX)), default=None)
                text = None if name is None else (self._folder / name).read_text("utf-8", "replace")
                self._read = (changed, None if text is None else _last_of(origin, (text,)))
            return self._read[1]

    def _write(self, name: str, text: bytes) -> None:
        with _unavailable():
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / name
            if path.exists() and path.read_bytes() == text:
                return
            # Another checkpoint of the same size is a fork, or a clock: both are kept for whoever looks.
            free = path if not path.exists() else path.with_suffix(f".{os.urandom(4).hex()}{_SUFFIX}")
            new = free.with_suffix(".new")
            with new.open("wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            new.rename(free)
            descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class HostAnchor:
    """Another host, which takes each checkpoint by POST and answers with 2xx when it is kept.

    It is not asked for what it keeps: it answers with something else than 2xx when it has a larger one of this log.
    """

    def __init__(self, url: str, context: ssl.SSLContext | None):
        self._url = url
        self._context = context

    async def keep(self, size: int, note: str) -> None:
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        try:
            async with (
                aiohttp.ClientSession(timeout=_SECONDS) as session,
                session.post(self._url, data=note.encode(), headers=headers, ssl=self._context or True) as answer,
            ):
                if answer.status // 100 != 2:
                    raise Unavailable(f"the anchor answers with {answer.status}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"the anchor can't be reached: {type(error).__name__}") from None

    async def newest(self, origin: str) -> str | None:
        return None


async def unknown_to(index: Index, anchors: Iterable[Anchor], origin: str) -> list[Anchor]:
    """Those anchors that have a checkpoint which the log has not: it is not the log that was anchored.

    An old backup was put back, or another log. A checkpoint is in the log before it is anchored.
    One that can't be read is not among them.
    """
    found = []
    for anchor in anchors:
        try:
            text = await anchor.newest(origin)
        except Unavailable as error:
            _log.error("an anchor can't be read", reason=str(error))
            continue
        if text is not None:
            size = int(text.splitlines()[1])
            notes = await index.read(lambda reader, size=size: reader.log.notes(size))
            if not notes or notes[0].text != text:
                found.append(anchor)
    return found


def _last_of(origin: str, notes: Iterable[str]) -> str | None:
    """The last of these that is a checkpoint of the log, as far as its form goes."""
    own = re.compile(rf"{re.escape(origin)}\n(0|[1-9][0-9]{{0,17}})\n[^\n]+\n(?:[^\n]+\n)*\n(?:— [^\n]+\n)+")
    return next((note for note in reversed(list(notes)) if own.fullmatch(note)), None)


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the anchor can't be written: {error.strerror}") from None
