"""Remove what crashes and refused submissions leave: documents without a holding, staged files without an upload."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from xds.errors import XdsError
from xds.store.disk import Disk, disk_errors
from xds.store.held import PREFIXES, Page, by_address

GRACE = timedelta(hours=24)
_EVERY = 3600.0

_log = structlog.get_logger()


@dataclass(slots=True)
class Swept:
    """What was removed."""

    orphans: int = 0
    leftovers: int = 0
    size: int = 0


async def sweep(root: Path, page: Page, grace: timedelta = GRACE) -> Swept:
    """Remove orphans and staged leftovers that nobody touched for `grace`.

    A document is committed, and so touched, before the index refers to it: one that the index did not know after the
    sweep began, and that is old under the lock, is wanted by nobody. `grace` must be longer than any request.
    Unavailable when the disk or the index fails; what was removed by then stays removed.
    """
    disk = Disk(root)
    before = time.time() - grace.total_seconds()
    swept = Swept()
    await asyncio.to_thread(_sweep_staged, disk, before, swept)
    async with by_address(page) as held:
        for prefix in PREFIXES:
            old = await asyncio.to_thread(_old, disk, prefix, before)
            if old:
                known = await held.under(prefix)
                orphans = [address for address in old if address not in known]
                await asyncio.to_thread(_remove, disk, orphans, before, swept)
    return swept


async def sweep_on(root: Path, page: Page, may: Callable[[], bool]) -> None:
    """Sweep every hour until cancelled, except while it may not be done."""
    while True:
        await asyncio.sleep(_EVERY)
        if not may():
            continue
        try:
            swept = await sweep(root, page)
            _log.info("swept", orphans=swept.orphans, leftovers=swept.leftovers, bytes=swept.size)
        except XdsError as error:
            _log.error("sweeping failed", reason=str(error))
        except Exception:
            _log.exception("sweeping failed")


def _old(disk: Disk, prefix: str, before: float) -> list[str]:
    with disk_errors():
        return [entry.name for entry in disk.files(prefix) if entry.stat(follow_symlinks=False).st_mtime < before]


def _sweep_staged(disk: Disk, before: float, swept: Swept) -> None:
    with disk_errors(), os.scandir(disk.tmp) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                if status.st_mtime < before:
                    os.unlink(entry.path)
                    swept.leftovers += 1
                    swept.size += status.st_size


def _remove(disk: Disk, orphans: list[str], before: float, swept: Swept) -> None:
    for address in orphans:
        path = disk.path(address)
        with disk_errors(), disk.lock(exclusive=True), contextlib.suppress(FileNotFoundError):
            status = os.stat(path)
            if status.st_mtime < before:
                os.unlink(path)
                swept.orphans += 1
                swept.size += status.st_size
