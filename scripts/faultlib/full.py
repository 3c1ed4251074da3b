"""A disk is full: that of the documents, or that of the database."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faultlib.outcome import finished, outcome, unavailable
from faultlib.recovery import recovered
from faultlib.subject import Subject
from faultlib.trial import Trial

_DISK = 64 << 20
MOUNT = "a small file system can't be mounted here: that needs root"


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


def disk(trial: Trial) -> dict[str, Any]:
    """The disk of the documents is full."""
    with contextlib.closing(trial.subject()) as subject, small_disk(subject.documents) as mounted:
        return full(subject, subject.documents, 500_000, trial.long) if mounted else unavailable(MOUNT)


def database(trial: Trial) -> dict[str, Any]:
    """The disk of the database is full, that of the documents is not."""
    if trial.postgresql is not None:
        return unavailable("fills the disk of SQLite: needs --database sqlite")
    with contextlib.closing(trial.subject()) as subject:
        subject.keep_documents(trial.folder / "documents")
        with small_disk(trial.folder / "data") as mounted:
            return full(subject, trial.folder / "data", 2_000, trial.long) if mounted else unavailable(MOUNT)


def full(subject: Subject, folder: Path, size: int, long: bool) -> dict[str, Any]:
    """Submit until the disk is full and then some; make room, and see it go on."""
    damage, refused = list[str](), 0
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
