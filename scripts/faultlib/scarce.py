"""Something runs out: the disk of the documents, that of the database, file descriptors."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faultlib.calls import recovered
from faultlib.outcome import finished, outcome, unavailable
from faultlib.subject import Subject

_DISK = 64 << 20
_MOUNT = "a small file system can't be mounted here: that needs root"


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Put a file system of 64 MB under a folder, with what the folder holds; whether that was possible."""
    before = folder.with_name(folder.name + ".before")
    folder.rename(before)
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=700", "xds-faults", str(folder)]
    mounted = shutil.which("mount") is not None and subprocess.run(command, capture_output=True).returncode == 0
    try:
        shutil.copytree(before, folder, dirs_exist_ok=True)
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def disk(folder: Path, long: bool) -> dict[str, Any]:
    """The disk of the documents is full."""
    subject = Subject(folder)
    with small_disk(folder / "data" / "documents") as mounted:
        return full(subject, folder / "data" / "documents", 500_000, long) if mounted else unavailable(_MOUNT)


def database(folder: Path, long: bool) -> dict[str, Any]:
    """The disk of the database is full, that of the documents is not."""
    subject = Subject(folder)
    documents = folder / "documents"
    subject.keep_documents(documents)
    with small_disk(folder / "data") as mounted:
        return full(subject, folder / "data", 2_000, long) if mounted else unavailable(_MOUNT)


def full(subject: Subject, folder: Path, size: int, long: bool) -> dict[str, Any]:
    """Submit until the disk is full and then some; make room, and see it go on."""
    damage: list[str] = []
    refused = 0
    server = subject.start()
    for _ in range(20 if long else 3):
        ballast = folder / "ballast"
        free = shutil.disk_usage(folder).free
        ballast.write_bytes(bytes(max(0, free - (1 << 20))))
        if all(subject.submit(size) for _ in range(2000)):
            damage.append("the disk was never full")
        refused += 1 + sum(not subject.submit(size) for _ in range(10))
        if server.ended(0):
            damage.append("the server ended")
        damage += subject.unserved(subject.acknowledged)
        ballast.unlink()
        server, well = recovered(subject, server)
        if not well:
            damage.append("no submission after there was room again")
    damage += finished(subject, server)
    return outcome(damage, refused=refused, acknowledged=len(subject.acknowledged))


def descriptors(folder: Path, long: bool) -> dict[str, Any]:
    """No more file descriptors: requests fail, the server lives, and goes on when there are some again."""
    subject = Subject(folder)
    damage: list[str] = []
    refused = tried = 0
    server = subject.start()
    subject.submit()
    before = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    for spare in range(40 if long else 8):
        opened = len(os.listdir(f"/proc/{server.pid}/fd"))
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (opened + spare, before[1]))
        with contextlib.ExitStack() as idle:
            for _ in range(spare // 2):
                idle.enter_context(contextlib.closing(socket.create_connection(("127.0.0.1", subject.port), 5)))
            for size in (2_000, 200_000):
                tried += 1
                refused += not subject.submit(size, patience=2)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, before)
        if server.ended(0):
            damage.append(f"the server ended with {spare} descriptors to spare")
        server, well = recovered(subject, server)
        if not well:
            damage.append(f"no submission after {spare} descriptors to spare")
    damage += finished(subject, server)
    return outcome(damage, tried=tried, refused=refused, acknowledged=len(subject.acknowledged))
