"""The schema's revision, and the migrations that bring a database to this version's.

Alembic is imported only when it is used: starting a server should not pay for it.
"""

from __future__ import annotations

from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from xds.db.schema import REVISION
from xds.db.session import Backend, Session
from xds.errors import Misconfigured


def check_revision(backend: Backend, session: Session) -> None:
    """Misconfigured unless the database has the schema that this version works with."""
    try:
        rows = list(session.rows("SELECT version_num FROM alembic_version"))
    except backend.error as error:
        if backend.verdict(error) is not error:
            raise
        raise Misconfigured("database: it has no tables of xds; `xds init` makes them") from None
    found = rows[0][0] if rows else "none"
    if found != REVISION:
        raise Misconfigured(
            f"database: its schema is revision {found} and this version of xds works with {REVISION}; "
            "`xds init` brings an older one up to date, a newer one needs a newer xds"
        )


def upgrade(backend: Backend) -> None:
    """Bring the schema up to date in one transaction, alone; nothing changes when it is."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    engine = create_engine(backend.url, creator=backend.driver_connection, poolclass=NullPool)
    event.listen(engine, "begin", backend.begin_migration)
    config = Config()
    config.set_main_option("script_location", "xds.db:migrations")
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError:
        raise Misconfigured("database: its schema is newer than this version of xds; use a newer xds") from None
    except DBAPIError as error:
        verdict = backend.verdict(error.orig)
        if verdict is error.orig:
            verdict = Misconfigured(f"database: its tables can't be made or changed: {type(error.orig).__name__}")
        raise verdict from None
