"""A document put in the store, read from it, and looked for on the disk."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from xds.store.files import FileDocuments

KIB = 1024
MIB = 1024 * KIB


async def submit(documents: FileDocuments, *contents: bytes) -> None:
    staged = []
    for content in contents:
        staging = documents.stage()
        for start in range(0, len(content), 64 * KIB):
            await staging.write(content[start : start + 64 * KIB])
        staged.append(await staging.finish())
    await documents.commit(staged)


async def read(documents: FileDocuments, content: bytes) -> bytes:
    address = hashlib.sha256(content).hexdigest()
    return b"".join([chunk async for chunk in documents.read(address, len(content))])


def path_of(root: Path, content: bytes) -> Path:
    address = hashlib.sha256(content).hexdigest()
    return root / address[:2] / address[2:4] / address


def staged_files(root: Path) -> list[str]:
    return os.listdir(root / "tmp")
