"""Floors without us: rows inserted raw in groups, files written durably, bytes hashed and written by one thread."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from pathlib import Path

TABLES = ("submission_set", "document_entry", "association")
GROUP = 32
MIB = 1 << 20


class Rows:
    """The rows that one registration leaves, taken from a real database and inserted again with other ids."""

    def __init__(self, path: Path):
        self.connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self.connection.execute(f"PRAGMA {pragma}")
        self.inserts = []
        for table in TABLES:
            columns = [row[1] for row in self.connection.execute(f"PRAGMA table_info({table})")]
            newest = self.connection.execute(f"SELECT * FROM {table} ORDER BY rowid DESC LIMIT 1").fetchone()
            row = dict(zip(columns, newest, strict=True))
            key = columns[0]
            row.pop(key)
            marks = ", ".join("?" * len(row))
            self.inserts.append((f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", row))

    def insert(self, number: int) -> None:
        for sql, row in self.inserts:
            fresh = {name: self._fresh(name, value, number) for name, value in row.items()}
            self.connection.execute(sql, tuple(fresh.values()))

    @staticmethod
    def _fresh(name: str, value: object, number: int) -> object:
        if isinstance(value, bytes) and len(value) == 16:
            return hashlib.md5(f"{name}{number}".encode()).digest()
        if name == "unique_id":
            return f"2.999.46.{10**13 + number}.1"
        return value

    def begin(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self.connection.execute("COMMIT")


def registrations(path: Path, seconds: float, first: int) -> float:
    """Registrations a second, by one thread, in durable groups."""
    rows = Rows(path)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        rows.begin()
        for _ in range(GROUP):
            rows.insert(first + count)
            count += 1
        rows.commit()
    elapsed = time.perf_counter() - began
    rows.connection.close()
    return count / elapsed


def submissions(path: Path, folder: Path, size: int, seconds: float, first: int) -> float:
    """Documents a second: each file written, fsynced, renamed, its folder fsynced; the rows inserted in groups."""
    rows = Rows(path)
    content = os.urandom(size)
    folder.mkdir(exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        for n in range(GROUP):
            part = folder / "part"
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.rename(folder / f"{first + count + n}")
            os.fsync(handle)
        rows.begin()
        for _ in range(GROUP):
            rows.insert(first + count)
            count += 1
        rows.commit()
    elapsed = time.perf_counter() - began
    os.close(handle)
    rows.connection.close()
    return count / elapsed


def hash_and_write(path: Path, size: int) -> float:
    """Bytes a second of one thread that hashes (SHA-1 and SHA-256), writes and fsyncs."""
    block = os.urandom(MIB)
    sha1, sha256 = hashlib.sha1(), hashlib.sha256()
    began = time.perf_counter()
    with path.open("wb") as file:
        for _ in range(size // MIB):
            sha1.update(block)
            sha256.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return size / (time.perf_counter() - began)
