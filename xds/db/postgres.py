"""PostgreSQL, by psycopg.

A read is a REPEATABLE READ, READ ONLY transaction on a pooled connection in a thread; BEGIN and COMMIT go through
libpq directly, without psycopg's bookkeeping, since each costs a round trip of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import pq
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import URL, Connection

from xds.db.compile import Statements
from xds.db.lists import ArrayLists
from xds.db.session import Parameters
from xds.errors import Unavailable

WRITE_LOCK = 0x7864_7331
"""The key of the advisory lock that a writer holds; it is the database's, so each database has its own."""
CLAIM_LOCK = 0x7864_7332
"""The key of the lock of whoever seals and feeds the log."""

_SETTINGS = {
    "connect_timeout": 5,
    "application_name": "xds",
    # A server that is cut off is noticed as soon as it notices us: who waits for it is told within half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
    # A generic plan is as good as any for these statements, and costs no planning.
    # The keepalives are the server's: a machine that is cut off must not hold its locks for hours.
    "options": "-c statement_timeout=60s -c plan_cache_mode=force_generic_plan"
    " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
}


class PostgresSession:
    """A connection; results are read in binary."""

    def __init__(self, connection: psycopg.Connection):
        self._connection = connection
        self._cursor = connection.cursor(binary=True)

    def begin(self) -> None:
        self._command(b"BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    def begin_write(self) -> bool:
        """Wait for the lock first: the statements after it see what the last writer committed.

        Whatever the server's isolation is: by another one they would see what was there before the wait.
        """
        self._command(b"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(%d)" % WRITE_LOCK)
        return True

    def commit(self) -> None:
        self._command(b"COMMIT")

    def rollback(self) -> None:
        self._command(b"ROLLBACK")

    def savepoint(self) -> None:
        self._command(b"SAVEPOINT change")

    def release(self) -> None:
        self._command(b"RELEASE change")

    def rollback_to(self) -> None:
        self._command(b"ROLLBACK TO change; RELEASE change")

    def rows(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        return self._cursor.execute(sql, parameters, prepare=True).fetchall()

    def run(self, sql: str, parameters: Parameters = ()) -> int:
        return self._cursor.execute(sql, parameters, prepare=True).rowcount

    def run_many(self, sql: str, rows: list[Parameters]) -> int:
        self._cursor.executemany(sql, rows)
        return self._cursor.rowcount

    def close(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self._connection.close()

    def _command(self, sql: bytes) -> None:
        result = self._connection.pgconn.exec_(sql)
        if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"08006").decode()
            raise psycopg.errors.lookup(state)(sql.decode())
        if sql == b"COMMIT" and result.command_status != b"COMMIT":
            raise psycopg.OperationalError("the transaction was rolled back")


class LockClaim:
    """An advisory lock of a connection of its own, which is lost with it."""

    def __init__(self, connection: psycopg.Connection):
        self._connection = connection

    def held(self) -> bool:
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def release(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self._connection.close()


class Postgres:
    """A database of a PostgreSQL server."""

    inline = False
    error = psycopg.Error
    size_query = "SELECT pg_database_size(current_database())"
    setting_query = "SELECT current_setting('{}')"
    durable: Mapping[str, tuple[Any, ...]] = {
        "fsync": ("on",),
        "full_page_writes": ("on",),
        "synchronous_commit": ("on", "local", "remote_write", "remote_apply"),
    }

    def __init__(self, url: URL):
        self.url = url
        self._dialect = PGDialect_psycopg(paramstyle="format")
        self.statements = Statements(self._dialect, ArrayLists())

    def create(self) -> None:
        """Leave it to the server's owner: the database itself must exist."""

    def driver_connection(self) -> psycopg.Connection:
        _, arguments = self._dialect.create_connect_args(self.url)
        try:
            return psycopg.connect(**{**_SETTINGS, **arguments}, autocommit=True)
        except psycopg.OperationalError as error:
            # libpq names the host, the user and the database, never the password.
            raise Unavailable(f"the database server takes no connection: {' '.join(str(error).split())}") from None

    def begin_migration(self, connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")  # SQLAlchemy leaves it to the driver, which is in autocommit mode
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")

    def session(self) -> PostgresSession:
        return PostgresSession(self.driver_connection())

    def claim(self) -> LockClaim | None:
        connection = self.driver_connection()
        try:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (CLAIM_LOCK,)).fetchone()
        except psycopg.Error as error:
            connection.close()
            raise self.verdict(error) from None
        if row == (True,):
            return LockClaim(connection)
        connection.close()
        return None

    def verdict(self, error: Exception) -> Exception:
        name = f"{type(error).__name__} {getattr(error, 'sqlstate', None) or ''}".rstrip()
        if isinstance(error, psycopg.IntegrityError):
            return ValueError(f"the database refuses a row: {name}")
        if isinstance(error, (psycopg.OperationalError, psycopg.InternalError)):
            return Unavailable(f"the database is not available: {name}")
        return error
