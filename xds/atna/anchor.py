"""Where checkpoints are kept, out of reach of who keeps the log."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from pathlib import Path
from typing import Protocol

import aiohttp

from xds.errors import Unavailable

_SECONDS = aiohttp.ClientTimeout(total=20)


class Anchor(Protocol):
    """A keeper of checkpoints."""

    async def keep(self, size: int, note: str) -> None:
        """Return when the checkpoint of this size is kept; Unavailable when it can't be."""


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

    def _append(self, text: bytes) -> None:
        with _unavailable():
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                os.write(descriptor, text)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class FolderAnchor:
    """A file for each checkpoint, named after its size; one that is there is never written again."""

    def __init__(self, folder: Path):
        self._folder = folder

    async def keep(self, size: int, note: str) -> None:
        await asyncio.to_thread(self._write, f"{size:020d}.checkpoint", note.encode())

    def _write(self, name: str, text: bytes) -> None:
        with _unavailable():
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / name
            if path.exists() and path.read_bytes() == text:
                return
            # Another checkpoint of the same size is a fork, or a clock: both are kept for whoever looks.
            free = path if not path.exists() else path.with_suffix(f".{os.urandom(4).hex()}.checkpoint")
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
    """Another host, which takes each checkpoint by POST and answers with 2xx when it is kept."""

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


@contextlib.contextmanager
def _unavailable():
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the anchor can't be written: {error.strerror}") from None
