"""SQLite: one file in WAL mode, every commit durable."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL, Connection

from xds.db.compile import Statements
from xds.db.lists import InlineLists
from xds.db.session import Parameters
from xds.errors import Misconfigured, Unavailable

_PAGE_SIZE = 8192
_SETTINGS = (
    f"PRAGMA page_size={_PAGE_SIZE}",  # counts for a new file only
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # NORMAL loses acknowledged commits at power loss
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=10000",
    "PRAGMA cache_size=-16384",
    "PRAGMA temp_store=MEMORY",  # what a savepoint sets aside needs no file
    "PRAGMA wal_autocheckpoint=8000",
    "PRAGMA journal_size_limit=67108864",
)


_MAPPED = "PRAGMA mmap_size=2147418112"
"""Reads come from the kernel's own copy of the file (its first 2 GB), which all workers share."""


class SqliteSession:
    """A connection."""

    def __init__(self, connection: sqlite3.Connection, check_file: Callable[[], None]):
        self._connection = connection
        self._check_file = check_file
        self._waits = True
        self.rows = connection.execute

    def begin(self) -> None:
        self._check_file()
        self._connection.execute("BEGIN")

    def begin_write(self) -> bool:
        """False when another connection writes: SQLite's own waiting sleeps for up to 100 ms at a time."""
        if self._waits:
            self._connection.execute("PRAGMA busy_timeout=0")
            self._connection.execute("PRAGMA mmap_size=0")
            self._waits = False
        self._check_file()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                return False
            raise
        return True

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def savepoint(self) -> None:
        self._connection.execute("SAVEPOINT change")

    def release(self) -> None:
        self._connection.execute("RELEASE change")

    def rollback_to(self) -> None:
        self._connection.execute("ROLLBACK TO change")
        self._connection.execute("RELEASE change")

    def run(self, sql: str, parameters: Parameters = ()) -> int:
        return self._connection.execute(sql, parameters).rowcount

    def run_many(self, sql: str, rows: list[Parameters]) -> int:
        return self._connection.executemany(sql, rows).rowcount

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()


class FileClaim:
    """The lock on a file."""

    def __init__(self, descriptor: int):
        self._descriptor = descriptor

    def held(self) -> bool:
        return True

    def release(self) -> None:
        os.close(self._descriptor)


class Sqlite:
    """A database file; reads run where they are asked, because they take less time than a change of thread."""

    inline = True
    error = sqlite3.Error
    size_query = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    setting_query = "SELECT * FROM pragma_{}"
    durable: Mapping[str, tuple[Any, ...]] = {"journal_mode": ("wal",), "synchronous": (2, 3)}

    def __init__(self, url: URL, *, mapped: bool):
        if not url.database or url.database == ":memory:":
            raise Misconfigured("database: expected sqlite:/// and the path of a file")
        self.url = url
        self._settings = (*_SETTINGS, _MAPPED) if mapped else _SETTINGS
        self._path = Path(url.database)
        self._name = str(self._path)
        self._file: tuple[int, int] | None = None
        self.statements = Statements(SQLiteDialect_pysqlite(), InlineLists())

    def create(self) -> None:
        """Make the file, for its owner only."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise Misconfigured(f"database: {self._path} can't be made: {error.strerror}") from None

    def driver_connection(self) -> sqlite3.Connection:
        if self._file is None and not self._path.exists():
            raise Misconfigured(f"database: there is none at {self._path}; `xds init` makes one")
        self._check_file()
        try:
            connection = sqlite3.connect(
                self._path, isolation_level=None, check_same_thread=False, cached_statements=512
            )
            for setting in self._settings:
                connection.execute(setting)
        except sqlite3.Error as error:
            raise self.verdict(error) from None
        connection.create_function("hex_bytes", 1, bytes.fromhex, deterministic=True)
        return connection

    def begin_migration(self, connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def session(self) -> SqliteSession:
        return SqliteSession(self.driver_connection(), self._check_file)

    def claim(self) -> FileClaim | None:
        """By a lock on a file beside the database: on the database's own, closing it would drop SQLite's locks."""
        try:
            descriptor = os.open(f"{self._path}-claim", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(f"the file beside the database can't be opened: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return FileClaim(descriptor)

    def _check_file(self) -> None:
        """Unavailable when the file is gone, or another one than at first.

        SQLite goes on to read and write a file that was removed, and what it then acknowledges is lost.
        """
        try:
            status = os.stat(self._name)
        except OSError as error:
            raise Unavailable(f"the database file can't be reached: {error.strerror}") from None
        file = status.st_dev, status.st_ino
        if self._file is None:
            self._file = file
        elif self._file != file:
            raise Unavailable("the database file was replaced; the server must be started anew")

    def verdict(self, error: Exception) -> Exception:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if isinstance(error, sqlite3.IntegrityError):
            return ValueError(f"the database refuses a row: {name}")
        if isinstance(error, (sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError)):
            return error
        if name == "SQLITE_ERROR":  # a statement that does not fit the tables
            return error
        return Unavailable(f"the database is not available: {name}")
