"""Issuers, assertions in messages, and an authenticator on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from identity_samples import HOSPITAL, ISSUER, MIDWIFE, NAMES, POLICY

from xds.db import Database, open_database
from xds.identity import Authenticator
from xds.identity.issue import TestIssuer, make_issuer
from xds.identity.issuers import load_issuers
from xds.model.party import NormStatus, Organisation


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> tuple[TestIssuer, Path]:
    """An issuer for tests, and its metadata."""
    certificate, key, metadata = make_issuer(ISSUER)
    file = tmp_path_factory.mktemp("issuer") / "issuer.xml"
    file.write_bytes(metadata)
    return TestIssuer(ISSUER, certificate, key), file


@pytest.fixture
def issuer(made) -> TestIssuer:
    return made[0]


@pytest.fixture
def issuers(made):
    return load_issuers([made[1]], for_tests=True)


@pytest.fixture(scope="session")
def registered(tmp_path_factory) -> Path:
    """A database with the tables and two participants, to copy."""
    file = tmp_path_factory.mktemp("database") / "xds.db"
    database = open_database(f"sqlite:///{file}", create=True)
    for ura, certificate in ((HOSPITAL, "aa" * 32), (MIDWIFE, "bb" * 32)):
        organisation = Organisation(ura, NAMES[ura], "V4")
        database.write_now(
            lambda writer, organisation=organisation, certificate=certificate: writer.add_participant(
                organisation, certificate, ("2.999.7",), date(2026, 1, 1), NormStatus()
            )
        )
    database.close()
    return file


@pytest.fixture
def database(registered, tmp_path) -> Iterator[Database]:
    (tmp_path / "xds.db").write_bytes(registered.read_bytes())
    database = open_database(f"sqlite:///{tmp_path}/xds.db")
    yield database
    database.close()


@pytest.fixture
def authenticator(database, issuers) -> Authenticator:
    return Authenticator(database, lambda: issuers, POLICY)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
