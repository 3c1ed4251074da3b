"""What the rest of the room needs of a database driver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy.engine import URL, Connection

from xds.db.compile import Statements
from xds.ports import Claim

Parameters = Sequence[Any]


class Session(Protocol):
    """One connection of the driver, in autocommit mode outside of the transactions begun here.

    The errors that it raises are of its backend's `error`.
    """

    def begin(self) -> None:
        """Begin a snapshot for reading."""

    def begin_write(self) -> bool:
        """Begin a write transaction, in which no other writer of any process runs.

        Either waits for the others, or does nothing and returns False.
        """

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def savepoint(self) -> None: ...

    def release(self) -> None: ...

    def rollback_to(self) -> None: ...

    def rows(self, sql: str, parameters: Parameters = ()) -> Iterable[tuple[Any, ...]]: ...

    def run(self, sql: str, parameters: Parameters = ()) -> int:
        """How many rows the statement changed."""

    def run_many(self, sql: str, rows: Sequence[Parameters]) -> int:
        """How many rows the statement changed, for all of these parameters together."""

    def close(self) -> None:
        """Close without committing; never raises."""


class Backend(Protocol):
    """A kind of database, at a place."""

    url: URL
    statements: Statements
    inline: bool
    """Whether statements run sooner than they could be handed to a thread; if so, `begin_write` must not wait."""
    error: type[Exception]
    """The root of the driver's exceptions."""
    size_query: str
    """Selects the size of the database in bytes."""
    setting_query: str
    """Selects the value of a setting, whose name takes the place of {}."""
    durable: Mapping[str, tuple[Any, ...]]
    """The settings that make a commit durable, each with the values that do."""

    def create(self) -> None:
        """Make an empty database where there is none, if that can be done."""

    def driver_connection(self) -> Any:
        """Open a connection of the driver; Misconfigured or Unavailable when that can't be done."""

    def begin_migration(self, connection: Connection) -> None:
        """Keep all other writers and migrations away until SQLAlchemy's transaction ends."""

    def session(self) -> Session: ...

    def claim(self) -> Claim | None:
        """See `Database.claim`."""

    def verdict(self, error: Exception) -> Exception:
        """What a driver's error means: Unavailable when the connection or the database can't be trusted any
        more, ValueError when a constraint refused a row, else the error itself. Its text holds no row."""
