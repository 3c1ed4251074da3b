"""Hash every document again and compare the store with the index."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from xds.store.disk import Disk, disk_errors, fsync_folder
from xds.store.held import PREFIXES, Page, by_address

_BLOCK = 1024 * 1024


@dataclass(slots=True)
class Findings:
    """What a verification found, as addresses. `quarantined` are those of `mismatched` that were moved away.

    An orphan may belong to a submission that is just being registered; a missing or mismatched document that is
    held can't be retrieved.
    """

    checked: int = 0
    size: int = 0
    missing: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether every document held is there and right."""
        return not self.missing and not self.mismatched


async def verify(
    root: Path, page: Page, *, quarantine: bool = False, progress: Callable[[Findings], None] | None = None
) -> Findings:
    """Re-hash all documents; with `quarantine`, move the mismatched ones out of reach, to root/quarantine.

    A quarantined document is missing from then on; submitting it again heals it. `progress` is called after each
    256th of the store. Unavailable when the disk or the index fails.
    """
    disk = Disk(root)
    findings = Findings()
    async with by_address(page) as held:
        for prefix in PREFIXES:
            present = await asyncio.to_thread(_present, disk, prefix)
            known = await held.under(prefix)
            findings.orphans += sorted(present - known.keys())
            for address in sorted(present | known.keys()):
                await asyncio.to_thread(_check, disk, address, known.get(address), quarantine, findings)
            if progress is not None:
                progress(findings)
    return findings


def _present(disk: Disk, prefix: str) -> set[str]:
    with disk_errors():
        return {entry.name for entry in disk.files(prefix)}


def _check(disk: Disk, address: str, size: int | None, quarantine: bool, findings: Findings) -> None:
    with disk_errors():
        try:
            fd = os.open(disk.path(address), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            if size is not None:
                findings.missing.append(address)
            return
        try:
            status = os.fstat(fd)
            right = size in (None, status.st_size) and _hash(fd) == address
        finally:
            os.close(fd)
        findings.checked += 1
        findings.size += status.st_size
        if right:
            return
        findings.mismatched.append(address)
        if quarantine and _quarantine(disk, address, status.st_ino):
            findings.quarantined.append(address)


def _hash(fd: int) -> str | None:
    """The SHA-256 of a file; None when the disk can't read all of it."""
    sha256 = hashlib.sha256()
    try:
        while block := os.read(fd, _BLOCK):
            sha256.update(block)
    except OSError:
        return None
    return sha256.hexdigest()


def _quarantine(disk: Disk, address: str, inode: int) -> bool:
    """Move a file away, unless another one, put there by a commit, has taken its place by now."""
    path = disk.path(address)
    disk.quarantine.mkdir(mode=0o700, exist_ok=True)
    with disk.lock(exclusive=True):
        try:
            if os.stat(path).st_ino != inode:
                return False
        except FileNotFoundError:
            return False
        number = 1
        while (target := disk.quarantine / f"{address}.{number}").exists():
            number += 1
        os.rename(path, target)
    for folder in (disk.root, disk.quarantine, path.parent):
        fsync_folder(folder)
    return True
