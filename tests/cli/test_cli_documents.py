from __future__ import annotations

import asyncio
import hashlib
import json
import os
from pathlib import Path

import pytest

from xds.db import open_database
from xds.model.stored import Holding
from xds.store.files import FileDocuments

CONTENT = b"a document"
ADDRESS = hashlib.sha256(CONTENT).hexdigest()


def store(root: Path, content: bytes) -> None:
    async def work() -> None:
        documents = FileDocuments(root)
        staging = documents.stage()
        await staging.write(content)
        await documents.commit([await staging.finish()])
        documents.close()

    asyncio.run(work())


@pytest.fixture
def documents(folder) -> Path:
    """A store with a document that is held, and one that is not."""
    root = folder / "data" / "documents"
    store(root, CONTENT)
    store(root, b"an orphan")
    database = open_database(f"sqlite:///{folder}/data/xds.db")
    held = Holding("1.2.3", ADDRESS, hashlib.sha1(CONTENT).hexdigest(), len(CONTENT), "text/plain")
    database.write_now(lambda writer: writer.hold([held]))
    database.close()
    return root


def file_of(root: Path, address: str) -> Path:
    return root / address[:2] / address[2:4] / address


def test_a_sound_store_is_verified(xds, folder, documents):
    done = xds("documents", "verify", "--json", "--config", folder / "xds.toml")

    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert (found["checked"], found["missing"], found["mismatched"], found["sound"]) == (2, [], [], True)
    assert found["orphans"] == [hashlib.sha256(b"an orphan").hexdigest()]


def test_wrong_bytes_are_found_and_moved_away(xds, folder, documents):
    file_of(documents, ADDRESS).write_bytes(b"a d0cument")

    done = xds("documents", "verify", "--quarantine", "--config", folder / "xds.toml")
    again = xds("documents", "verify", "--config", folder / "xds.toml")

    assert done.returncode == again.returncode == 1
    assert "mismatched: 1" in done.stdout and "quarantined: 1" in done.stdout and ADDRESS in done.stdout
    assert "missing: 1" in again.stdout


def test_old_orphans_are_swept_and_what_is_held_stays(xds, folder, documents):
    orphan = file_of(documents, hashlib.sha256(b"an orphan").hexdigest())
    for path in (orphan, file_of(documents, ADDRESS)):
        os.utime(path, (0, 0))

    done = xds("documents", "sweep", "--config", folder / "xds.toml")

    assert done.stdout == "1 orphans and 0 leftovers removed, 9 bytes.\n"
    assert not orphan.exists()
    assert file_of(documents, ADDRESS).exists()
