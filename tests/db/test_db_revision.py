"""The schema: its migrations, its revision, and how a database that does not fit is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from xds.db import open_database
from xds.db.schema import REVISION, metadata
from xds.errors import Misconfigured, Unavailable


def execute(url: str, sql: str) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text(sql))
    engine.dispose()


def test_the_migrations_make_the_tables(empty_url: str) -> None:
    open_database(empty_url, create=True).close()
    engine = create_engine(empty_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_code_works_with_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", "xds.db:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_creating_again_keeps_what_is_there(empty_url: str) -> None:
    first = open_database(empty_url, create=True)
    first.write_now(lambda writer: writer.add_patient("1^^^&1.2&ISO"))
    first.close()
    second = open_database(empty_url, create=True)
    assert second.read_now(lambda reader: reader.patient("1^^^&1.2&ISO")) is not None
    second.close()


def test_a_database_without_tables_is_refused(empty_url: str, tmp_path: Path) -> None:
    if empty_url.startswith("sqlite"):
        (tmp_path / "deeper").mkdir()
        (tmp_path / "deeper" / "index.db").touch()
    with pytest.raises(Misconfigured, match="xds init"):
        open_database(empty_url)


@pytest.mark.parametrize("create", [False, True])
def test_a_newer_database_is_refused(empty_url: str, create: bool) -> None:
    open_database(empty_url, create=True).close()
    execute(empty_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Misconfigured, match="newer"):
        open_database(empty_url, create=create)


def test_a_database_whose_schema_changes_while_it_is_open_is_noticed(empty_url: str) -> None:
    database = open_database(empty_url, create=True)
    database.check_now()
    execute(empty_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Misconfigured, match="9999"):
        database.check_now()
    database.close()


def test_processes_create_at_once(empty_url: str) -> None:
    program = f"from xds.db import open_database; open_database({empty_url!r}, create=True).close()"
    processes = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(3)]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    open_database(empty_url).close()


def test_a_migration_that_fails_changes_nothing(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        Path(empty_url.removeprefix("sqlite:///")).parent.mkdir()
    execute(empty_url, "CREATE TABLE document (another INTEGER)")
    with pytest.raises(Misconfigured, match="tables"):
        open_database(empty_url, create=True)
    engine = create_engine(empty_url.replace("postgresql:", "postgresql+psycopg:"))
    assert inspect(engine).get_table_names() == ["document"]
    engine.dispose()


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="xds init"):
        open_database(f"sqlite:///{tmp_path}/index.db")
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.db").write_bytes(b"something else " * 1000)
    with pytest.raises(Unavailable, match="SQLITE_NOTADB"):
        open_database(f"sqlite:///{tmp_path}/index.db")


@pytest.mark.parametrize("url", ["", "index.db", "mysql://host/name", "sqlite://", "sqlite:///:memory:"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(Misconfigured, match="database"):
        open_database(url, create=True)


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        open_database(f"postgresql://xds:secret@/name?host={tmp_path}")
    assert "secret" not in str(caught.value)


def test_a_database_that_the_server_does_not_have_is_refused(postgres_url: str) -> None:
    with pytest.raises(Unavailable, match="does not exist"):
        open_database(postgres_url.replace("@/test", "@/missing"))


def test_opening_does_not_load_what_only_migrations_need(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/index.db"
    open_database(url, create=True).close()
    program = f"import sys; from xds.db import open_database; open_database({url!r}).close(); print(*sys.modules)"
    loaded: Any = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "sqlalchemy" in loaded.split()
    assert not {"alembic", "psycopg"} & set(loaded.split())
