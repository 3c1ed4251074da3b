"""The blocking half of the store: names, folders, and the order in which they are made durable."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from xds.errors import Misconfigured, Unavailable

VERSION = 1
_MARKER = "store.toml"
_OWNER = "repository"
_ADDRESS = re.compile(r"[0-9a-f]{64}")


def is_address(text: str) -> bool:
    """Whether `text` is a SHA-256 in lower-case hex, and so a safe file name."""
    return _ADDRESS.fullmatch(text) is not None


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """Turn whatever the operating system refuses into Unavailable, naming the error and no path."""
    try:
        yield
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "unknown error")
        raise Unavailable(f"the document store can't be used: {name}") from error


class Disk:
    """One root. All methods block and raise OSError as it comes; callers use `disk_errors`."""

    def __init__(self, root: Path):
        """Open the store at `root`, or make one in a folder that is absent or empty.

        Misconfigured: the folder holds something else, or a store of another format.
        """
        self.root = root
        self.tmp = root / "tmp"
        self.quarantine = root / "quarantine"
        self._durable: set[Path] = set()
        try:
            self._open()
        except OSError as error:
            raise Misconfigured(f"the document store {root} can't be opened: {error.strerror}") from error

    def _open(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        marker = self.root / _MARKER
        if not marker.exists():
            if not {entry.name for entry in os.scandir(self.root)} <= {"tmp", _MARKER}:
                raise Misconfigured(f"{self.root} is not empty and is no document store ({_MARKER} is missing)")
            self.tmp.mkdir(mode=0o700, exist_ok=True)
            self._create_marker(marker)
        try:
            version = tomllib.loads(marker.read_text("utf-8")).get("version")
        except ValueError as error:
            raise Misconfigured(f"{marker}: not TOML: {error}") from error
        if version != VERSION:
            raise Misconfigured(f"{marker}: version is {version!r}, this program reads version {VERSION}")
        self.tmp.mkdir(mode=0o700, exist_ok=True)
        fsync_folder(self.root)

    def _create_marker(self, marker: Path) -> None:
        text = f"# A store of documents. Its files are not to be changed by hand.\nversion = {VERSION}\n"
        draft = self.write_draft(text.encode(), [])
        with contextlib.suppress(FileExistsError):
            os.link(draft, marker)
        os.unlink(draft)

    def belong_to(self, repository: str) -> None:
        """Be the store of the repository of this repositoryUniqueId, for good; Misconfigured when it is another's.

        That one's index does not know our documents, and its sweep would remove them.
        """
        owner = self.root / _OWNER
        try:
            if not owner.exists():
                draft = self.write_draft(f"{repository}\n".encode(), [])
                with contextlib.suppress(FileExistsError):
                    os.link(draft, owner)
                os.unlink(draft)
                fsync_folder(self.root)
            found = owner.read_text("ascii", "replace").strip()
        except OSError as error:
            raise Misconfigured(f"the document store {self.root} can't be opened: {error.strerror}") from error
        if found != repository:
            raise Misconfigured(f"repository.documents: {self.root} is the store of {found}, not of {repository}")

    def path(self, address: str) -> Path:
        """Where a document is, or would be."""
        return self.root / address[:2] / address[2:4] / address

    def create(self) -> tuple[int, Path]:
        """Open a new staged file under a random name."""
        path = self.tmp / secrets.token_hex(16)
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), path

    def write_draft(self, content: bytes, drafts: list[Path]) -> Path:
        """Write and fsync a staged file, whose path is added to `drafts` as soon as it exists."""
        fd, draft = self.create()
        drafts.append(draft)
        try:
            write_all(fd, [content])
            os.fsync(fd)
        finally:
            os.close(fd)
        return draft

    def install(self, draft: Path, address: str, size: int) -> int | None:
        """Give a staged, fsynced file its address, or drop it when the same is there already.

        Durable only after `settle`. Returns the mark by which a new file can be withdrawn; None when there was one, or
        when the file system doesn't keep times exactly enough to tell.
        """
        path = self.path(address)
        path.parent.parent.mkdir(mode=0o700, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with self.lock(exclusive=False):
            if self._touch(address, size):
                os.unlink(draft)
                return None
            mark = time.time_ns() | 1
            os.utime(draft, ns=(mark, mark))
            new = not path.exists()
            os.rename(draft, path)
            return mark if new and os.stat(path).st_mtime_ns == mark else None

    def withdraw(self, address: str, mark: int) -> None:
        """Remove a file that is as `install` left it: whoever else needs it has made it younger."""
        path = self.path(address)
        with self.lock(exclusive=True), contextlib.suppress(FileNotFoundError):
            if os.stat(path).st_mtime_ns == mark:
                os.unlink(path)

    def keep(self, address: str, size: int) -> bool:
        """Whether a document is there with the right size; if so, it is made young, so that the sweeper spares it."""
        with self.lock(exclusive=False):
            return self._touch(address, size)

    def _touch(self, address: str, size: int) -> bool:
        path = self.path(address)
        try:
            status = os.stat(path)
            if status.st_size != size:
                return False
            # Later than any time that it had, though the clock be set back or be coarse.
            now = max(time.time_ns(), status.st_mtime_ns + 1)
            os.utime(path, ns=(now, now))
        except FileNotFoundError:
            return False
        return True

    def settle(self, addresses: Iterable[str]) -> None:
        """Make the names of installed documents durable.

        Parents are fsynced once in this process, also when another one made them: it may not have come to that.
        """
        for folder in {self.path(address).parent for address in addresses}:
            for parent in (self.root, folder.parent):
                made = folder if parent == folder.parent else folder.parent
                if made not in self._durable:
                    fsync_folder(parent)
                    self._durable.add(made)
            fsync_folder(folder)

    @contextlib.contextmanager
    def lock(self, *, exclusive: bool) -> Iterator[None]:
        """Hold the store's lock: shared to keep or add a document, exclusive to take one away.

        Each holder opens the file anew, as the lock belongs to the open file and not to a thread.
        """
        fd = os.open(self.root / _MARKER, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            yield
        finally:
            os.close(fd)

    def files(self, prefix: str) -> Iterator[os.DirEntry[str]]:
        """The committed files whose address begins with two hex digits."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self.root / prefix) as folders:
            for folder in folders:
                if folder.is_dir(follow_symlinks=False):
                    with os.scandir(folder.path) as entries:
                        yield from (entry for entry in entries if is_address(entry.name))


def write_all(fd: int, chunks: Sequence[bytes | bytearray | memoryview]) -> None:
    """Write all of it, however many calls that takes."""
    size = sum(map(len, chunks))
    written = os.writev(fd, chunks)
    if written == size:
        return
    rest = memoryview(b"".join(chunks))[written:]
    while rest:
        rest = rest[os.write(fd, rest) :]


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
