"""A policy and issuers that change while the server runs, on every worker."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest
from guarded_server import guarded
from served import Served

WORKERS = 2


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Served]:
    with Served(guarded(tmp_path_factory.mktemp("reload")), XDS_SERVER_WORKERS=WORKERS) as server:
        server.logged("ready", WORKERS)
        yield server


def hang_up(server: Served, times: int) -> None:
    server.process.send_signal(signal.SIGHUP)
    server.logged("the certificate was reloaded", WORKERS * times)


@pytest.mark.parametrize("name", ["policy", "issuers"])
def test_what_became_wrong_is_told_by_every_worker_until_it_is_right(server: Served, name: str) -> None:
    file = server.folder / {"policy": "policy.toml", "issuers": "tls/issuer.xml"}[name]
    before = len(server.logged("the certificate was reloaded", 0)) // WORKERS
    right = file.read_text()

    file.write_text("[")
    hang_up(server, before + 1)
    for _ in range(8):
        status, body = server.get("/ready")
        assert status == 503
        assert file.name in json.loads(body)["checks"][name]

    file.write_text(right)
    hang_up(server, before + 2)
    assert {server.get("/ready")[0] for _ in range(8)} == {200}
