from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from xds.db import Database, open_database


class Certificates(NamedTuple):
    """What a server on this machine shows, and what its clients trust and show; each knows the other."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    stranger: ssl.SSLContext


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    authority, other = (trustme.CA(key_type=trustme.KeyType.ECDSA) for _ in range(2))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost", key_type=trustme.KeyType.ECDSA).configure_cert(server)
    authority.configure_trust(server)
    server.verify_mode = ssl.CERT_REQUIRED
    contexts = []
    for known in (authority, other):
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        known.issue_cert("client.example", key_type=trustme.KeyType.ECDSA).configure_cert(client)
        known.configure_trust(client)
        contexts.append(client)
    return Certificates(server, *contexts)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/log.db", create=True)
    yield database
    database.close()
